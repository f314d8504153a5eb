// The fleet: order, counts, its sentence, and which rows are drawn.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { line } from './facts.mjs';
import { close, source } from './sources.mjs';

const { counts, rows, sentence } = await source('fleet/rows.ts');
const { windowOf } = await source('fleet/window.ts');
after(close);

const critical = (cluster, change = {}) => line(cluster, { worst: 'critical', healthy: false, ...change });
const unknown = (cluster) => line(cluster, { healthy: null });
const names = (lines) => lines.map((one) => one.cluster);

describe('rows of the fleet', () => {
  const lines = [
    ...[line('c10'), line('c9'), unknown('dark'), line('slow', { worst: 'warning', read_p99_seconds: 0.2 })],
    ...[critical('later', { since: '2026-01-02T00:00:00Z' }), critical('earlier', { since: '2026-01-01T00:00:00Z' })],
  ];

  it('stand worst first, what is not known before what is well', () => {
    assert.deepEqual(names(rows(lines, 'worst', '')), ['earlier', 'later', 'slow', 'dark', 'c9', 'c10']);
  });

  it('are sorted by name, by how long it lasts, and by latency', () => {
    assert.deepEqual(names(rows(lines, 'name', '')).slice(0, 2), ['c9', 'c10']);
    assert.deepEqual(names(rows(lines, 'since', '')).slice(0, 2), ['earlier', 'later']);
    assert.equal(names(rows(lines, 'latency', ''))[0], 'slow');
  });

  it('are found by name, sentence, state and version', () => {
    assert.deepEqual(names(rows(lines, 'name', 'DARK')), ['dark']);
    assert.deepEqual(names(rows(lines, 'name', 'critical later')), ['later']);
    assert.deepEqual(names(rows(lines, 'name', '3.7.3 c9')), ['c9']);
    assert.deepEqual(rows(lines, 'name', 'nowhere'), []);
  });

  it('are counted by state', () => {
    assert.deepEqual(counts(lines), { critical: 2, warning: 1, unknown: 1, info: 0, healthy: 2 });
  });
});

describe('the sentence on the fleet', () => {
  it('begins with the worst', () => {
    assert.equal(sentence([critical('a'), line('b'), unknown('c')]), '1 of 3 clusters is critical: a');
    assert.equal(sentence([line('a', { worst: 'warning' }), line('b'), unknown('c')]), '1 of 3 clusters is to be looked at: a');
  });

  it('never takes silence for health', () => {
    assert.equal(sentence([unknown('a'), line('b')]), '1 of 2 clusters is not known to be well: a');
    assert.equal(sentence([line('a'), line('b')]), 'All 2 clusters are healthy');
  });
});

describe('the window on a long table', () => {
  it('is everything up to 50 rows', () => {
    assert.deepEqual(windowOf(50, 48, -5000, 900), { from: 0, to: 50 });
  });

  it('follows the screen, bounded by the table', () => {
    const middle = windowOf(1000, 50, -10_000, 1000);
    assert.ok(middle.from <= 200 && middle.to >= 220 && middle.to - middle.from < 60, JSON.stringify(middle));
    assert.equal(windowOf(1000, 50, 300, 1000).from, 0);
    assert.equal(windowOf(1000, 50, -50_000, 1000).to, 1000);
  });
});
