// One cluster: the sentence first, then what it rests on.

import { useMemo } from 'preact/hooks';
import type { Alerts as AlertsDocument, Snapshot } from './protocol';
import type { ClusterAddress } from './address';
import { Alerts } from './alerts';
import { Charts } from './charts';
import { CycleFooter } from './cycle-footer';
import { Findings } from './findings';
import { LeaderPanel } from './leader';
import { Members } from './members';
import { QuorumPanel } from './quorum';
import type { Samples } from './samples';
import { Verdict } from './verdict';

interface Props {
  address: ClusterAddress;
  snapshot: Snapshot;
  samples: Samples;
  alerts: AlertsDocument | null;
  filter: string;
  stale: boolean;
}

/** Draws anew only when its data changes; times that run on by themselves follow the clock. */
export function ClusterView({ snapshot, samples, alerts, filter, stale }: Props) {
  return useMemo(() => (
    <div class="cluster">
      <Verdict snapshot={snapshot} stale={stale} />
      <Members snapshot={snapshot} filter={filter} series={samples.series} />
      <QuorumPanel snapshot={snapshot} />
      <LeaderPanel snapshot={snapshot} series={samples.series} />
      <Charts snapshot={snapshot} samples={samples} alerts={alerts} />
      <Findings findings={snapshot.findings} filter={filter} />
      <Alerts alerts={alerts} filter={filter} />
      <CycleFooter snapshot={snapshot} />
    </div>
  ), [snapshot, samples, alerts, filter, stale]);
}
