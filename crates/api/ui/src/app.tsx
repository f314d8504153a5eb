// The page: header, then the view that the address names, or what is missing for it.

import { useCallback, useEffect, useErrorBoundary, useState } from 'preact/hooks';
import type { Address } from './address';
import { clusterAddress, FLEET } from './address';
import { Announcements } from './announce';
import { ageSeconds, daemonNow, Now, secondsSince, useTick } from './clock';
import { Failure } from './failure';
import type { Feed, FeedState } from './feed';
import { freshness } from './freshness';
import { Header } from './header';
import { Help } from './help';
import { useKeys } from './keys';
import { useAddress } from './navigation';
import { SessionContext, useSessionControl } from './session/session';
import { SignIn } from './session/sign-in';
import { StaleBanner } from './stale';
import { View } from './view';
import { useWindowTitle } from './window-title';

function useFeed(feed: Feed): FeedState {
  const [state, setState] = useState(feed.state);
  useEffect(() => {
    const take = () => setState(feed.state);
    // What came since it was drawn.
    take();
    return feed.subscribe(take);
  }, [feed]);
  return state;
}

/** The whole page. */
export function App({ feed }: { feed: Feed }) {
  const state = useFeed(feed);
  const address = resolved(useAddress(), state);
  const [filter, setFilter] = useState('');
  const [help, setHelp] = useState(false);
  const refresh = useCallback(() => feed.refresh(), [feed]);
  const session = useSessionControl(state.unauthorized, refresh);
  useTick();
  useKeys(() => setHelp(true));
  const cluster = address.view === 'cluster' ? address.cluster : null;
  useEffect(() => feed.show(cluster), [cluster]);
  useEffect(() => setFilter(''), [address.view, cluster]);
  const fresh = freshness(state);
  const signedOut = session.state.kind === 'signed-out';
  useWindowTitle(state, fresh, address);
  return (
    <Now.Provider value={nowOf(state)}>
      <SessionContext.Provider value={session}>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <Header state={state} fresh={fresh} address={address} filter={filter} onFilter={setFilter} onHelp={() => setHelp(true)} signedOut={signedOut} />
        <main data-stale={fresh.kind === 'stale'} data-testid="main" id="content" tabIndex={-1}>
          <StaleBanner fresh={fresh} age={dataAge(state)} />
          <Guarded key={JSON.stringify([address.view, cluster])} state={state}>
            {signedOut ? <SignIn /> : <View address={address} state={state} fresh={fresh} filter={filter} onChanged={refresh} />}
          </Guarded>
        </main>
        {help && <Help onClose={() => setHelp(false)} />}
        <Announcements state={state} />
      </SessionContext.Provider>
    </Now.Provider>
  );
}

/** Shows a failure to draw in the place of what failed, and tries again with the next document. */
function Guarded({ state, children }: { state: FeedState; children: preact.ComponentChildren }) {
  const [failure, retry] = useErrorBoundary();
  useEffect(() => {
    if (failure != null) retry();
  }, [state.snapshot, state.clusters, state.alerts]);
  return failure == null ? <>{children}</> : <Failure failure={failure as unknown} />;
}

/** Home is the fleet, or the cluster where there is only one. */
function resolved(address: Address, { clusters }: FeedState): Address {
  if (address.view !== 'home' || clusters == null) return address;
  const [only, ...others] = clusters;
  return only != null && others.length === 0 ? clusterAddress(only.cluster) : FLEET;
}

/** The daemon's clock where a snapshot tells it, else the browser's. */
function nowOf({ snapshot, arrived }: FeedState): number {
  return snapshot == null ? Date.now() : daemonNow(snapshot, arrived);
}

function dataAge({ cluster, snapshot, arrived, clustersArrived }: FeedState): number {
  if (cluster == null) return secondsSince(clustersArrived);
  return snapshot == null ? 0 : ageSeconds(snapshot, arrived);
}
