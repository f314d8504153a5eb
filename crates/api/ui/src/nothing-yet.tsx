// What the page shows while it has no snapshot: loading, no cluster, daemon away.

import { clusterAddress, FLEET, href } from './address';
import type { FeedState } from './feed';
import { Copy } from './copy';

/** Clusters that are offered in the place of one that is not watched. */
const OTHERS_SHOWN = 8;
const ADD_COMMAND = 'etcd-monitor --endpoints 127.0.0.1:2379 --api-port 8080';

export function NothingYet({ state }: { state: FeedState }) {
  if (state.clusters != null && state.clusters.length === 0) return <NoCluster />;
  if (isUnwatched(state)) return <Unwatched state={state} />;
  if (state.problem != null) return <Away problem={state.problem} />;
  return <Loading />;
}

function Loading() {
  return (
    <div class="loading" role="status" data-testid="loading">
      <div class="card bone bone-verdict">Loading the cluster's state …</div>
      <div class="card bone bone-members" />
      <div class="card bone bone-panel" />
      <div class="card bone bone-panel" />
      <div class="card bone bone-panel" />
    </div>
  );
}

function Away({ problem }: { problem: string }) {
  return (
    <section class="card nothing" data-testid="away">
      <h1>No data from the daemon</h1>
      <p>{problem}</p>
      <p class="muted">Nothing is known here until it answers. This page keeps trying by itself.</p>
    </section>
  );
}

/** The address names a cluster that the daemon does not watch. */
function isUnwatched({ cluster, clusters }: FeedState): boolean {
  return cluster != null && clusters != null && !clusters.some((line) => line.cluster === cluster);
}

function Unwatched({ state }: { state: FeedState }) {
  const others = (state.clusters ?? []).slice(0, OTHERS_SHOWN);
  return (
    <section class="card nothing" data-testid="unwatched">
      <h1>
        No cluster is named <bdi>{state.cluster}</bdi>
      </h1>
      <p class="muted">It may have another name by now, or is no longer watched.</p>
      <p>
        <a href={href(FLEET)}>Go to the fleet</a>
        {others.map((line) => (
          <a class="other" key={line.cluster} href={href(clusterAddress(line.cluster))}>
            {line.cluster}
          </a>
        ))}
      </p>
    </section>
  );
}

function NoCluster() {
  return (
    <section class="card nothing" data-testid="no-cluster">
      <h1>No cluster is watched yet</h1>
      <p>Start the daemon with the address of one member; it finds the others:</p>
      <p class="command">
        <code>{ADD_COMMAND}</code>
        <Copy text={ADD_COMMAND} what="command" label="copy" />
      </p>
    </section>
  );
}
