// What the pages of benchmarks conclude.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { close, source } from './sources.mjs';

const { boundsInWords, costInWords, limitInWords, longest, sentenceOf, shapeOf, shareOf, verdictOf } = await source('benchmarks/documents.ts');
after(close);

const asked = { benchmark_type: 'write', operations: 1000, connections: 10, clients: 10, key_size: 32, value_size: 256, rate_limit: 1000 };
const nothing = { progress: null, per_second: null, p99_seconds: null };
const job = (state, reason = null) => ({ state, reason, asked });

describe('a benchmark', () => {
  it('says what it does, how it ended, or what it found', () => {
    const measuring = { phase: 'measuring', planned: 100, succeeded: 40, failed: 10, latest: null };
    assert.equal(sentenceOf(job('running'), { ...nothing, progress: measuring }), 'Measures');
    assert.equal(sentenceOf(job('aborted', { code: 'alarm_raised', detail: 'An alarm is raised' }), nothing), 'Aborted: An alarm is raised');
    assert.equal(sentenceOf(job('finished'), { ...nothing, per_second: 873.6, p99_seconds: 0.005 }), '874 /s answered, 99 % within 5 ms');
    assert.equal(shareOf(measuring), 0.5);
    assert.equal(shareOf({ ...measuring, planned: 0 }), null);
  });

  it('is well only where its result can be believed', () => {
    assert.equal(shapeOf(job('finished'), true), 'healthy');
    assert.equal(shapeOf(job('finished'), false), 'unknown');
    assert.equal(shapeOf(job('cancelled'), true), 'unknown');
    assert.equal(shapeOf(job('running'), null), 'info');
    assert.equal(shapeOf(job('failed', { code: 'permission_denied', detail: '' }), null), 'warning');
    assert.equal(shapeOf(job('failed', { code: 'acknowledged_lost', detail: '' }), true), 'critical');
    assert.equal(verdictOf('nothing_lost')[0], 'healthy');
    assert.equal(verdictOf('something new')[0], 'unknown');
    assert.match(limitInWords('wal_fsync'), /^The disk limited it/);
    assert.equal(limitInWords('something_new'), 'Limited by something_new');
  });

  it('tells beforehand what it takes, the keys that it needs included', () => {
    assert.equal(costInWords(asked), '1 s or longer for 1\u202f000 requests; up to 281 KiB written');
    const mixed = costInWords({ ...asked, benchmark_type: 'mixed', rate_limit: 100 });
    assert.equal(mixed, '20 s or longer for 1\u202f000 requests, after the 1\u202f000 keys that it needs; up to 563 KiB written');
  });

  it('has the longest figure of its kinds of requests, and none where nothing was measured', () => {
    const report = { operations: [{ response: { p99_seconds: 0.1 } }, { response: { p99_seconds: 0.3 } }, { response: { p99_seconds: null } }] };
    assert.equal(longest(report, 'p99_seconds'), 0.3);
    assert.equal(longest({ operations: [] }, 'p99_seconds'), null);
    assert.equal(longest(null, 'p50_seconds'), null);
  });

  it('names the buckets of its answers by their bounds', () => {
    const buckets = [0.001, 0.005, null].map((below_seconds) => ({ below_seconds, count: 0 }));
    assert.deepEqual(buckets.map((_, place) => boundsInWords(buckets, place)), ['below 1 ms', '1 ms to 5 ms', '5 ms and more']);
  });
});
