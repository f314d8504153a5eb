// The view that an address names.

import type { Address, ClusterAddress } from './address';
import { AlertsView } from './alerts/alerts-view';
import { BenchmarkList } from './benchmarks/list';
import { BenchmarkView } from './benchmarks/view';
import { ClusterView, IncidentList, IncidentView } from './cluster';
import type { FeedState } from './feed';
import { shownAlerts } from './feed';
import { FleetView } from './fleet/fleet-view';
import type { Freshness } from './freshness';
import { NothingYet } from './nothing-yet';

interface Props {
  address: Address;
  state: FeedState;
  fresh: Freshness;
  filter: string;
  /** Something was changed: the daemon is asked anew. */
  onChanged: () => void;
}

export function View({ address, state, fresh, filter, onChanged }: Props) {
  const stale = fresh.kind === 'stale';
  switch (address.view) {
    case 'home':
      return <NothingYet state={state} />;
    case 'fleet':
      if (!state.clusters?.length) return <NothingYet state={state} />;
      return <FleetView clusters={state.clusters} trends={state.trends} address={address} filter={filter} stale={stale} />;
    case 'alerts':
      if (state.alerts == null && state.problem != null) return <NothingYet state={state} />;
      return <AlertsView address={address} alerts={state.alerts} filter={filter} stale={stale} onChanged={onChanged} />;
    case 'incidents':
      return <IncidentList address={address} />;
    case 'incident':
      return <IncidentView id={address.id} />;
    case 'benchmarks':
      return <BenchmarkList address={address} clusters={state.clusters?.map((line) => line.cluster) ?? null} />;
    case 'benchmark':
      return <BenchmarkView id={address.id} />;
    case 'cluster':
      return <Cluster address={address} state={state} stale={stale} filter={filter} onChanged={onChanged} />;
  }
}

interface ClusterProps {
  address: ClusterAddress;
  state: FeedState;
  stale: boolean;
  filter: string;
  onChanged: () => void;
}

function Cluster({ address, state, stale, filter, onChanged }: ClusterProps) {
  const { snapshot } = state;
  if (snapshot == null) return <NothingYet state={state} />;
  return <ClusterView address={address} snapshot={snapshot} alerts={shownAlerts(state)} filter={filter} stale={stale} onChanged={onChanged} />;
}
