// What the monitor says of itself.

import type { Snapshot } from '../protocol';
import { Copy } from '../copy';
import { latency, whole } from '../format';
import { Known } from '../unknown';

export function CycleFooter({ snapshot }: { snapshot: Snapshot }) {
  const { status } = snapshot;
  return (
    <footer class="cycle muted" data-testid="cycle">
      <span>cycle {whole(status.cycle)}</span>
      <span>every {latency(status.interval_seconds)}</span>
      <span>took {latency(status.cycle_seconds)}</span>
      {status.monitor != null && <span>monitor's own timers late by {latency(status.monitor.timer_lag_seconds)}</span>}
      <span>
        cluster id{' '}
        <Known value={status.cluster_id} reason="no member has answered yet" show={(id) => <code>{id}</code>} />
        {status.cluster_id != null && <Copy text={status.cluster_id} what="cluster id" />}
      </span>
    </footer>
  );
}
