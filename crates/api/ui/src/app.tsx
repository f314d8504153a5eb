// The page: header, then either what is missing or the cluster.

import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import type { Feed, FeedState } from './feed';
import { Announcements } from './announce';
import { ageSeconds, daemonNow, Now, useTick } from './clock';
import { ClusterView } from './cluster-view';
import { Header } from './header';
import { useKeys } from './keys';
import { NothingYet } from './nothing-yet';
import { StaleBanner } from './stale';
import { freshness } from './freshness';
import { useWindowTitle } from './window-title';

function useFeed(feed: Feed): FeedState {
  const [state, setState] = useState(feed.state);
  useEffect(() => feed.subscribe(() => setState(feed.state)), [feed]);
  return state;
}

/** The whole page. */
export function App({ feed }: { feed: Feed }) {
  const state = useFeed(feed);
  const [filter, setFilter] = useState('');
  const [failure, retry] = useErrorBoundary();
  useTick();
  useKeys();
  const fresh = freshness(state);
  useWindowTitle(state, fresh);
  const { snapshot, arrived } = state;
  useEffect(() => {
    if (failure != null) retry();
  }, [snapshot]);
  const now = snapshot == null ? Date.now() : daemonNow(snapshot, arrived);
  return (
    <Now.Provider value={now}>
      <a class="skip" href="#verdict">
        Skip to the verdict
      </a>
      <Header state={state} fresh={fresh} filter={filter} onFilter={setFilter} onCluster={(name) => feed.select(name)} />
      <main data-stale={fresh.kind === 'stale'} data-testid="main">
        {failure != null && <PageFailure failure={failure as unknown} />}
        {failure == null && snapshot == null && <NothingYet state={state} />}
        {failure == null && snapshot != null && (
          <>
            <StaleBanner fresh={fresh} age={ageSeconds(snapshot, arrived)} />
            <ClusterView
              snapshot={snapshot}
              samples={state.samples}
              alerts={state.alerts}
              filter={filter}
              stale={fresh.kind === 'stale'}
            />
          </>
        )}
      </main>
      <Announcements snapshot={snapshot} />
    </Now.Provider>
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
