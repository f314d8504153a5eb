// One cluster: the sentence first, then what it rests on.

import type { FeedState } from './feed';
import type { Snapshot } from './protocol';
import { Alerts } from './alerts';
import { Charts } from './charts';
import { CycleFooter } from './cycle-footer';
import { Findings } from './findings';
import { LeaderPanel } from './leader';
import { Members } from './members';
import { QuorumPanel } from './quorum';
import { Verdict } from './verdict';

interface Props {
  state: FeedState;
  snapshot: Snapshot;
  filter: string;
  stale: boolean;
}

export function ClusterView({ state, snapshot, filter, stale }: Props) {
  return (
    <div class="cluster">
      <Verdict snapshot={snapshot} stale={stale} />
      <Members snapshot={snapshot} filter={filter} series={state.samples.series} />
      <QuorumPanel snapshot={snapshot} />
      <LeaderPanel snapshot={snapshot} series={state.samples.series} />
      <Charts snapshot={snapshot} samples={state.samples} alerts={state.alerts} />
      <Findings findings={snapshot.findings} filter={filter} />
      <Alerts alerts={state.alerts} filter={filter} />
      <CycleFooter snapshot={snapshot} />
    </div>
  );
}
