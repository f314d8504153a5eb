// The page: header, then the view that the address names, or what is missing for it.

import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import type { Address } from './address';
import { clusterAddress, FLEET } from './address';
import type { Feed, FeedState } from './feed';
import { AlertsView } from './alerts/alerts-view';
import { Announcements } from './announce';
import { ageSeconds, daemonNow, Now, useTick } from './clock';
import { ClusterView, IncidentList, IncidentView } from './cluster';
import { FleetView } from './fleet/fleet-view';
import type { Freshness } from './freshness';
import { freshness } from './freshness';
import { Header } from './header';
import { useKeys } from './keys';
import { useAddress } from './navigation';
import { NothingYet } from './nothing-yet';
import { StaleBanner } from './stale';
import { useWindowTitle } from './window-title';

function useFeed(feed: Feed): FeedState {
  const [state, setState] = useState(feed.state);
  useEffect(() => feed.subscribe(() => setState(feed.state)), [feed]);
  return state;
}

/** The whole page. */
export function App({ feed }: { feed: Feed }) {
  const state = useFeed(feed);
  const address = resolved(useAddress(), state);
  const [filter, setFilter] = useState('');
  const [failure, retry] = useErrorBoundary();
  useTick();
  useKeys();
  const fresh = freshness(state);
  useWindowTitle(state, fresh);
  const { snapshot, arrived } = state;
  const shown = address.view === 'cluster' ? address.cluster : null;
  useEffect(() => feed.show(shown), [shown]);
  useEffect(() => {
    if (failure != null) retry();
  }, [snapshot]);
  const now = snapshot == null ? Date.now() : daemonNow(snapshot, arrived);
  return (
    <Now.Provider value={now}>
      <a class="skip" href="#verdict">
        Skip to the verdict
      </a>
      <Header state={state} fresh={fresh} address={address} filter={filter} onFilter={setFilter} />
      <main data-stale={fresh.kind === 'stale'} data-testid="main">
        {failure != null && <PageFailure failure={failure as unknown} />}
        {failure == null && <View address={address} state={state} fresh={fresh} filter={filter} />}
      </main>
      <Announcements snapshot={snapshot} />
    </Now.Provider>
  );
}

/** Home is the fleet, or the cluster where there is only one. */
function resolved(address: Address, { clusters }: FeedState): Address {
  if (address.view !== 'home' || clusters == null) return address;
  const [only, ...others] = clusters;
  return only != null && others.length === 0 ? clusterAddress(only.cluster) : FLEET;
}

interface ViewProps {
  address: Address;
  state: FeedState;
  fresh: Freshness;
  filter: string;
}

function View({ address, state, fresh, filter }: ViewProps) {
  switch (address.view) {
    case 'home':
      return <NothingYet state={state} />;
    case 'fleet':
      return state.clusters?.length ? <FleetView clusters={state.clusters} address={address} /> : <NothingYet state={state} />;
    case 'alerts':
      return <AlertsView address={address} />;
    case 'incidents':
      return <IncidentList cluster={address.cluster} />;
    case 'incident':
      return <IncidentView id={address.id} />;
    case 'cluster':
      return <Cluster state={state} fresh={fresh} filter={filter} address={address} />;
  }
}

function Cluster({ address, state, fresh, filter }: ViewProps) {
  const { snapshot, arrived } = state;
  if (snapshot == null || address.view !== 'cluster') return <NothingYet state={state} />;
  return (
    <>
      <StaleBanner fresh={fresh} age={ageSeconds(snapshot, arrived)} />
      <ClusterView
        address={address}
        snapshot={snapshot}
        alerts={state.alerts}
        filter={filter}
        stale={fresh.kind === 'stale'}
      />
    </>
  );
}

function PageFailure({ failure }: { failure: unknown }) {
  return (
    <section class="card nothing" data-testid="page-failure">
      <h1>This page failed to draw what the daemon sent</h1>
      <p>{failure instanceof Error ? failure.message : String(failure)}</p>
      <p class="muted">Nothing is known about the cluster here until a document comes that can be drawn.</p>
    </section>
  );
}
