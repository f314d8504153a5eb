// One cluster: the sentence first, then what it rests on.

import { useMemo } from 'preact/hooks';
import type { ClusterAddress } from '../address';
import { href } from '../address';
import { Alerts } from '../alerts';
import { BenchmarkPanel } from '../benchmarks/panel';
import { useLater } from '../later';
import type { Alerts as AlertsDocument, Snapshot } from '../protocol';
import { Charts } from './charts/charts';
import { Coverage, NotKnownLine } from './coverage/coverage';
import { Findings } from './coverage/findings';
import { CycleFooter } from './cycle-footer';
import { LeaderPanel } from './leader';
import { Links } from './links/links';
import { Members } from './members/members';
import { QuorumPanel } from './quorum';
import { Trust } from './trust/trust';
import { Verdict } from './verdict/verdict';

interface Props {
  address: ClusterAddress;
  snapshot: Snapshot;
  alerts: AlertsDocument | null;
  filter: string;
  stale: boolean;
  /** An alert was acknowledged or silenced. */
  onChanged: () => void;
}

/** Draws anew only when its data changes; times that run on by themselves follow the clock. */
export function ClusterView({ address, snapshot, alerts, filter, stale, onChanged }: Props) {
  const whole = useLater();
  return useMemo(() => (
    <div class="cluster">
      <Verdict snapshot={snapshot} alerts={alerts} stale={stale} onChanged={onChanged} />
      <Members snapshot={snapshot} filter={filter} />
      {whole && <Rest address={address} snapshot={snapshot} alerts={alerts} filter={filter} />}
    </div>
  ), [href(address), snapshot, alerts, filter, stale, onChanged, whole]);
}

/** What stands below the verdict and the members, which are read first. */
function Rest({ address, snapshot, alerts, filter }: Pick<Props, 'address' | 'snapshot' | 'alerts' | 'filter'>) {
  return (
    <>
      <NotKnownLine findings={snapshot.findings} />
      <Links snapshot={snapshot} />
      <QuorumPanel snapshot={snapshot} />
      <LeaderPanel snapshot={snapshot} />
      <Charts snapshot={snapshot} alerts={alerts} range={address.range} />
      <div class="columns">
        <Findings findings={snapshot.findings} filter={filter} pointed={address.finding} />
        <div class="column">
          <Alerts alerts={alerts} filter={filter} />
          <Coverage cluster={snapshot.status.cluster} findings={snapshot.findings} />
        </div>
      </div>
      <Trust cluster={snapshot.status.cluster} />
      <BenchmarkPanel cluster={snapshot.status.cluster} />
      <CycleFooter snapshot={snapshot} />
    </>
  );
}
