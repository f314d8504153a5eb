// The API against its own description: schemathesis asks a real daemon on a real cluster for what the description allows,
// and for what it does not.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { WatchedCluster, newToken } from '../browser/watched-cluster.mjs';

const CONFORMS = ['content_type', 'response_headers', 'response_schema', 'status_code'].map((what) => `${what}_conformance`);
const CHECKS = ['not_a_server_error', ...CONFORMS];
// Half a minute is enough on an idle machine.
const LIMIT_MS = 240_000;

// One worker: the parser of Python 3.11 fails where two threads parse. Live events are left out, since they never end, and those of
// a benchmark, since they last as long as it does.
const OPTIONS = [
  ...['--seed', '1', '--workers', '1', '--exclude-path', '/api/v1/events', '--request-timeout', '20'],
  ...['--exclude-path', '/api/v1/performance/benchmark/{id}/events'],
  ...['--generation-database', 'none', '--no-shrink', '--continue-on-failure', '--warnings', 'off'],
];

it('answers as described where nobody is asked who they are', async () => {
  await watched(new WatchedCluster({ names: ['m1'] }), (url) => conforms(url, ['--max-examples', '25']));
});

it('answers as described where callers have to say who they are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-monitor-api-'));
  const file = join(folder, 'web.yml');
  const cluster = new WatchedCluster({ names: ['m1'], unreachable: ['lost'], flags: ['--web-config-file', file] });
  const { token, ...kept } = newToken(cluster.daemon, 'api', 'admin');
  writeFileSync(file, JSON.stringify({ tokens: [kept] }), { mode: 0o600 });
  try {
    const options = ['--max-examples', '10', '--header', `Authorization: Bearer ${token}`];
    await watched(cluster, (url) => conforms(url, options));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs `test` with the address of a daemon on this cluster, and ends both. */
async function watched(cluster, test) {
  let failed = true;
  try {
    await cluster.start();
    await test(cluster.url);
    failed = false;
  } finally {
    await cluster.stop(failed);
  }
}

/** Fails with what schemathesis says where an answer is not as described. */
async function conforms(url, options) {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-monitor-schemathesis-'));
  const what = ['run', `${url}api/openapi.json`, '--checks', CHECKS.join(','), ...OPTIONS, ...options];
  const python = process.env.SCHEMATHESIS_PYTHON ?? 'schemathesis-python';
  const asking = spawn(python, ['-m', 'schemathesis.cli', '--no-color', ...what], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const said = [];
  for (const stream of [asking.stdout, asking.stderr]) stream.on('data', (part) => said.push(part));
  const [code, signal] = await once(asking, 'close');
  rmSync(folder, { recursive: true, force: true });
  const text = Buffer.concat(said).toString();
  assert.equal(signal ?? code, 0, text);
  console.log(text.slice(text.indexOf('API Operations:')));
}
