// The charts of an incident's time, with its alerts as marks.

import { useContext, useState } from 'preact/hooks';
import { clusterAddress } from '../../address';
import { Now } from '../../clock';
import { go } from '../../navigation';
import type { Snapshot } from '../../protocol';
import type { Shared } from '../charts/chart';
import { ChartGrid } from '../charts/chart-grid';
import { alertMarks, leaderMarks } from '../charts/marks';
import { Members } from '../charts/members';
import { between, windowOf } from '../charts/range';
import { useDocument } from '../use-document';
import type { IncidentDocument } from './incident';
import { rangeOf } from './incident';
import { Missing } from './missing';

/** What goes on is drawn again so often. */
const STEP_SECONDS = 30;

export function IncidentCharts({ incident }: { incident: IncidentDocument }) {
  const document = useDocument<Snapshot>('api/v1/cluster/snapshot', { cluster: incident.cluster });
  if (document.value == null) {
    return (
      <section class="card">
        <h2>Charts</h2>
        <Missing document={document} what="charts" />
      </section>
    );
  }
  return <Grid incident={incident} snapshot={document.value} />;
}

function Grid({ incident, snapshot }: { incident: IncidentDocument; snapshot: Snapshot }) {
  const now = useContext(Now) / 1000;
  const [none] = useState(() => new Set<string>());
  const range = rangeOf(incident, Math.ceil(now / STEP_SECONDS) * STEP_SECONDS);
  const members = new Members(incident.cluster, snapshot, none);
  const shared: Shared = {
    ...{ snapshot, members, range, quantile: 'p99' },
    window: windowOf(range, now),
    marks: [...leaderMarks(snapshot.status.leader_history, (id) => members.nameOf(id)), ...alertMarks(incident.events)],
    onZoom: (from, to) => go(clusterAddress(incident.cluster, { range: between(from, to) })),
    onReset: () => undefined,
  };
  return (
    <section class="charts" aria-label="Charts of the time of the incident" data-testid="incident-charts">
      <ChartGrid shared={shared} seen forecast={null} />
    </section>
  );
}
