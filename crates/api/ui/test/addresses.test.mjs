// Addresses: what is written can be read again, and what is not understood counts as not said.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { close, source } from './sources.mjs';

const { ALERTS, BENCHMARKS, clusterAddress, FLEET, href, INCIDENTS, parse } = await source('address.ts');
after(close);

describe('addresses', () => {
  it('are read as they were written', () => {
    const addresses = [
      ...[{ view: 'home' }, FLEET, { view: 'fleet', sort: 'latency' }, ALERTS, INCIDENTS],
      ...[{ ...INCIDENTS, cluster: 'a b&c=d' }, { ...INCIDENTS, alert: '00aa' }, { view: 'incident', id: '7/ä' }],
      ...[BENCHMARKS, { ...BENCHMARKS, cluster: 'a b' }, { view: 'benchmark', id: 'x/ä' }],
      ...[{ ...ALERTS, cluster: 'prod', alert: '00aa' }, { ...ALERTS, tab: 'silences' }],
      clusterAddress('prod', { finding: 'MemberDown/member:a1', range: { preset: '24h' } }),
      clusterAddress('<img src=x>', { range: { from: 1700000000, to: 1700003600.5 } }),
    ];
    for (const address of addresses) assert.deepEqual(parse(href(address)), address);
  });

  it('lead to the cluster page by its name alone, as messages link to it', () => {
    assert.deepEqual(parse('?cluster=a+b%26c'), clusterAddress('a b&c'));
  });

  it('take what they do not know for not said', () => {
    assert.deepEqual(parse('?view=nothing'), { view: 'home' });
    assert.deepEqual(parse('?view=fleet&sort=colour'), FLEET);
    assert.deepEqual(parse('?view=alerts&tab=x&alert='), ALERTS);
    assert.deepEqual(parse('?view=incident'), INCIDENTS);
    assert.deepEqual(parse('?view=benchmark'), BENCHMARKS);
    for (const range of ['range=2y', 'from=9&to=3', 'from=1', 'from=-5&to=x', 'from=1e400&to=2']) {
      assert.equal(parse(`?cluster=c&${range}`).range, null, range);
    }
  });
});
