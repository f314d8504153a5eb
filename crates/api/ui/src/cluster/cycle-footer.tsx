// What is the same for all members, and what the monitor says of itself.

import { useContext } from 'preact/hooks';
import type { Snapshot } from '../protocol';
import { Now } from '../clock';
import { Copy } from '../copy';
import { fullTime, latency, span, whole } from '../format';
import { firstCertificate, versionsOf } from './members/facts';
import { Known } from '../unknown';

export function CycleFooter({ snapshot }: { snapshot: Snapshot }) {
  const { status, members } = snapshot;
  const certificate = firstCertificate(members);
  return (
    <footer class="cycle muted" data-testid="cycle">
      <span>cycle {whole(status.cycle)}</span>
      <span>every {latency(status.interval_seconds)}</span>
      <span>took {latency(status.cycle_seconds)}</span>
      {status.monitor != null && <span>monitor's own timers late by {latency(status.monitor.timer_lag_seconds)}</span>}
      <span>
        etcd <Known value={versionsOf(members)} reason="no member has answered yet" show={(versions) => versions} />
      </span>
      {certificate != null && (
        <span title={fullTime(Date.parse(certificate.ends))}>
          first certificate ends in <Left ends={certificate.ends} /> (<bdi>{certificate.name}</bdi>)
        </span>
      )}
      <span>
        cluster id{' '}
        <Known value={status.cluster_id} reason="no member has answered yet" show={(id) => <code>{id}</code>} />
        {status.cluster_id != null && <Copy text={status.cluster_id} what="cluster id" />}
      </span>
    </footer>
  );
}

function Left({ ends }: { ends: string }) {
  return <>{span((Date.parse(ends) - useContext(Now)) / 1000)}</>;
}
