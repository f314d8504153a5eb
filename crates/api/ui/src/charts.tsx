// Live charts of what was collected since the page opened.

import { useState } from 'preact/hooks';
import type { Alerts, Snapshot } from './protocol';
import type { ChartKind } from './chart';
import { Chart } from './chart';
import { latency, rate, size, timeOfDay } from './format';
import type { Mark } from './marks';
import type { Samples } from './samples';

/** Lines beyond this many cannot be told apart. */
const LINES_MAX = 16;

const KINDS: ChartKind[] = [
  { id: 'read', title: 'Linearizable read', what: 'read_seconds', show: latency, scale: 'decimal', log: true },
  { id: 'database', title: 'Database size', what: 'database_bytes', show: size, scale: 'binary', log: false },
  { id: 'rate', title: 'Requests', what: 'rate_per_second', show: rate, scale: 'decimal', log: false },
];

export function Charts({ snapshot, samples, alerts }: { snapshot: Snapshot; samples: Samples; alerts: Alerts | null }) {
  const [openedAt] = useState(() => Date.now());
  const series = samples.series.slice(0, LINES_MAX);
  const times = samples.times();
  const marks = marksOf(snapshot, alerts);
  return (
    <section class="charts" aria-labelledby="charts-title" data-testid="charts">
      <h2 id="charts-title">
        Live <span class="muted">since this page opened, {timeOfDay(openedAt)}</span>
        {samples.series.length > LINES_MAX && <span class="muted"> · the first {LINES_MAX} members</span>}
      </h2>
      {KINDS.map((kind) => (
        <Chart
          key={kind.id}
          kind={kind}
          series={series}
          times={times}
          values={series.map((one) => samples.values(one.key, kind.what))}
          marks={marks}
        />
      ))}
    </section>
  );
}

/** Leader changes and fired alerts: the same on every chart. */
function marksOf(snapshot: Snapshot, alerts: Alerts | null): Mark[] {
  const changes = snapshot.status.leader_history.map((change) => ({ at: Date.parse(change.at) / 1000, kind: 'leader' as const }));
  const fired = (alerts?.history ?? [])
    .filter((event) => event.kind === 'fired')
    .map((event) => ({ at: Date.parse(event.at) / 1000, kind: event.alert.severity }));
  return [...changes, ...fired];
}
