// What the page concludes from the daemon's documents; how it looks is tested in a browser.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { finding, member, snapshot } from './facts.mjs';
import { close, source } from './sources.mjs';

const format = await source('format.ts');
const { clusterState, memberState, rootFindings } = await source('state.ts');
const { freshness } = await source('freshness.ts');
const { partsOf } = await source('commands.ts');
after(close);

describe('numbers', () => {
  it('have three significant digits', () => {
    const shown = [0, 0.00123456, 1.5, 12.34, 123.4, 99.99, 1234567].map(format.significant);
    assert.deepEqual(shown, ['0', '0.00123', '1.5', '12.3', '123', '100', '1234567']);
  });

  it('have binary units for sizes', () => {
    assert.deepEqual([0, 999, 20480, 1.2 * 2 ** 30, 1023 * 1024].map(format.size), ['0 B', '999 B', '20 KiB', '1.2 GiB', '0.999 MiB']);
  });

  it('have µs, ms and s for latencies', () => {
    assert.deepEqual([0.0000005, 0.00085, 0.19, 2].map(format.latency), ['0.5 µs', '850 µs', '190 ms', '2 s']);
  });

  it('never show a share that is there as nothing', () => {
    assert.deepEqual([0, 0.0001, 0.8].map(format.percent), ['0 %', '< 1 %', '80 %']);
  });

  it('have spans in one unit', () => {
    assert.deepEqual([-1, 2.9, 660, 11000, 86400 * 12].map(format.span), ['0 s', '2 s', '11 min', '3 h', '12 d']);
  });
});

describe('state', () => {
  it('takes silence for unknown, never for healthy', () => {
    assert.equal(clusterState({ healthy: null, worst: null }), 'unknown');
    assert.equal(clusterState({ healthy: true, worst: null }), 'healthy');
    assert.equal(clusterState({ healthy: true, worst: 'warning' }), 'warning');
    assert.equal(clusterState({ healthy: false, worst: null }), 'critical');
  });

  it('of a member is its worst true finding, else what it answered', () => {
    assert.equal(memberState(member(), []), 'healthy');
    assert.equal(memberState(member({ healthy: null }), []), 'unknown');
    assert.equal(memberState(member({ linearizable: false }), []), 'warning');
    assert.equal(memberState(member(), [finding({ severity: 'critical' }), finding({ severity: 'info' })]), 'critical');
    assert.equal(memberState(member({ id: 'b2' }), [finding()]), 'healthy');
    assert.equal(memberState(member(), [finding({ status: 'unknown' })]), 'healthy');
  });

  it('puts the worst finding that nothing explains first', () => {
    const explained = finding({ severity: 'critical', caused_by: { rule: 'QuorumLost', subject: 'cluster:c' } });
    const roots = rootFindings([finding(), explained, finding({ rule: 'NoLeader', severity: 'critical' })]);
    assert.deepEqual(roots.map((root) => root.rule), ['NoLeader', 'MemberDown']);
  });
});

describe('freshness', () => {
  const arrived = () => ({ monotonic: performance.now(), wall: Date.now() });
  const state = (age_seconds, change = {}) => ({ cluster: 'c', snapshot: snapshot({ age_seconds }), arrived: arrived(), link: 'open', problem: null, ...change });

  it('ends past two intervals', () => {
    assert.equal(freshness(state(9)).kind, 'live');
    assert.equal(freshness(state(10.1)).kind, 'stale');
  });

  it('counts the time that the machine slept', () => {
    const slept = { monotonic: performance.now(), wall: Date.now() - 60_000 };
    assert.equal(freshness(state(0, { arrived: slept })).kind, 'stale');
  });

  it('of the fleet is that of its list, and ends at once with the connection', () => {
    const fleet = (seconds, link) => {
      const clustersArrived = { monotonic: performance.now() - seconds * 1000, wall: Date.now() - seconds * 1000 };
      return freshness({ cluster: null, clusters: [{ cluster: 'c' }], clustersArrived, clustersEverySeconds: 5, link, problem: null }).kind;
    };
    assert.deepEqual([fleet(4, 'open'), fleet(15, 'open'), fleet(25, 'open'), fleet(4, 'lost')], ['live', 'live', 'stale', 'stale']);
  });

  it('tells a daemon that is away from one that is stuck', () => {
    assert.match(freshness(state(60)).reason, /has not finished a probe cycle/);
    assert.match(freshness(state(60, { link: 'lost' })).reason, /does not answer/);
  });
});

describe('commands', () => {
  const commands = (text) => partsOf(text).filter((part) => part.isCommand).map((part) => part.text);

  it('are found in the sentences that name them', () => {
    const compact = 'Compact, then disarm: etcdctl compact REVISION; etcdctl defrag --cluster; etcdctl alarm disarm';
    assert.deepEqual(commands(compact), ['etcdctl compact REVISION', 'etcdctl defrag --cluster', 'etcdctl alarm disarm']);
    assert.deepEqual(commands('Look (etcdctl --endpoints a:1,b:2 status), then wait'), ['etcdctl --endpoints a:1,b:2 status']);
    assert.deepEqual(commands('Run `x, y; z` now'), ['x, y; z']);
    assert.deepEqual(commands('Start etcd on m1'), []);
  });

  it('take nothing away from the sentence', () => {
    const text = 'Find it (etcdctl endpoint status) and replace it';
    assert.equal(partsOf(text).map((part) => part.text).join(''), text);
  });
});
