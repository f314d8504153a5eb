// One cluster: the sentence first, then what it rests on.

import { useMemo } from 'preact/hooks';
import type { ClusterAddress } from '../address';
import { href } from '../address';
import { Alerts } from '../alerts';
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
  return useMemo(() => (
    <div class="cluster">
      <Verdict snapshot={snapshot} alerts={alerts} stale={stale} onChanged={onChanged} />
      <Members snapshot={snapshot} filter={filter} />
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
      <CycleFooter snapshot={snapshot} />
    </div>
  ), [href(address), snapshot, alerts, filter, stale, onChanged]);
}
