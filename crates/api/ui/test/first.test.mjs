// What the page asks for before its script is there, and what it makes of that.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { close, source } from './sources.mjs';

const { Feed } = await source('feed.ts');
after(close);

const line = (cluster, age_seconds = 1) => ({ cluster, age_seconds });
const snapshot = (cluster) => ({ status: { cluster } });
let runs = 0;

/** Runs the script at an address of a daemon that watches `clusters`; answers what it has, and what it asked. */
async function begun(search, clusters) {
  const asked = [];
  globalThis.location = { search };
  globalThis.fetch = async (path) => {
    asked.push(path);
    if (clusters == null) return { ok: false };
    const document = path === 'api/v1/clusters' ? { clusters } : snapshot(new URLSearchParams(path.split('?')[1]).get('cluster'));
    return { ok: true, json: async () => document };
  };
  runs += 1;
  await import(`../public/first.js?${runs}`);
  return { first: await globalThis.firstDocuments, asked };
}

describe('the first documents', () => {
  it('have the snapshot of the only cluster, and of the one that the address names', async () => {
    for (const [search, clusters] of [['', [line('a&b')]], ['?cluster=a%26b', [line('c'), line('a&b')]]]) {
      const { first, asked } = await begun(search, clusters);
      assert.equal(first.snapshot.status.cluster, 'a&b');
      assert.deepEqual(asked, ['api/v1/clusters', 'api/v1/cluster/snapshot?cluster=a%26b']);
    }
  });

  it('have none where none will be shown, or would be refused', async () => {
    const cases = [['', [line('a'), line('b')]], ['?cluster=gone', [line('a')]], ['?view=alerts&cluster=a', [line('a')]], ['', [line('a', null)]], ['', []]];
    for (const [search, clusters] of cases) {
      const { first, asked } = await begun(search, clusters);
      assert.deepEqual([first.clusters, first.snapshot, asked.length], [clusters, null, 1], search);
    }
  });

  it('are null where the daemon refuses', async () => {
    assert.equal((await begun('', null)).first, null);
  });
});

describe('a page', () => {
  const first = (cluster) => ({ clusters: [line('a')], snapshot: cluster && snapshot(cluster), at: Date.now() });

  it('shows the first documents until the connection tells more', () => {
    const feed = new Feed();
    feed.begin(first('a'));
    assert.deepEqual([feed.state.cluster, feed.state.clusters.length, feed.state.snapshot.status.cluster], ['a', 1, 'a']);
    feed.begin(first(null));
    assert.equal(feed.state.cluster, 'a');
  });

  it('does without them', () => {
    const feed = new Feed();
    feed.begin(null);
    assert.deepEqual([feed.state.cluster, feed.state.clusters, feed.state.snapshot], [null, null, null]);
  });
});
