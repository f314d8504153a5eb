// Asks for what the page shows first, while its script is still on its way: the clusters, and the snapshot of the one
// that the address names, or of the only one. Null where there is no answer; then the page asks by itself.

const query = new URLSearchParams(location.search);

async function answer(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : null;
}

/** The cluster that will be shown; null where it is none, or where nothing is known of it yet. */
function shown(clusters) {
  const name = query.get('cluster');
  const [only, ...others] = clusters;
  const wanted = name ? clusters.find((line) => line.cluster === name) : others.length === 0 ? only : undefined;
  return query.get('view') == null && wanted != null && wanted.age_seconds != null ? wanted.cluster : null;
}

async function documents() {
  const list = await answer('api/v1/clusters');
  if (list == null) return null;
  const cluster = shown(list.clusters);
  const snapshot = cluster == null ? null : await answer(`api/v1/cluster/snapshot?cluster=${encodeURIComponent(cluster)}`);
  return { clusters: list.clusters, snapshot, at: Date.now() };
}

globalThis.firstDocuments = documents().catch(() => null);
