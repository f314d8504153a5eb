// What the page shows while it has no snapshot: loading, no cluster, daemon away.

import { clusterAddress, href } from './address';
import type { FeedState } from './feed';
import { Copy } from './copy';

const ADD_COMMAND = 'etcd-monitor --endpoints 127.0.0.1:2379 --api-port 8080';

export function NothingYet({ state }: { state: FeedState }) {
  if (state.clusters != null && state.clusters.length === 0) return <NoCluster />;
  if (state.problem != null) return <Away problem={state.problem} state={state} />;
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

function Away({ problem, state }: { problem: string; state: FeedState }) {
  const others = (state.clusters ?? []).filter((cluster) => cluster.cluster !== state.cluster);
  return (
    <section class="card nothing" data-testid="away">
      <h1>No data from the daemon</h1>
      <p>{problem}</p>
      <p class="muted">Nothing is known here until it answers. This page keeps trying by itself.</p>
      {others.length > 0 && (
        <p>
          Watched clusters:
          {others.map((cluster) => (
            <a class="other" key={cluster.cluster} href={href(clusterAddress(cluster.cluster))}>
              {cluster.cluster}
            </a>
          ))}
        </p>
      )}
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
