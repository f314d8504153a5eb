// The hub that all pages share: one transport for the union of what they show.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { line, snapshot } from './facts.mjs';
import { close, source } from './sources.mjs';

const { Hub } = await source('live/hub.ts');
const { GONE_AFTER_MS } = await source('live/messages.ts');
const { Trends } = await source('live/trends.ts');
after(close);

describe('hub', () => {
  let hub, sink, followed, stopped, connected;

  const start = (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
    [followed, stopped, connected] = [[], 0, 0];
    hub = new Hub((given) => {
      sink = given;
      connected += 1;
      return { follow: (clusters) => followed.push(clusters), refresh: () => followed.push('refresh'), stop: () => (stopped += 1) };
    });
  };
  const page = (t, cluster) => {
    const got = [];
    const take = hub.attach((message) => got.push(message));
    take({ kind: 'here', cluster });
    t.mock.timers.tick(100);
    return { got, take, kinds: () => got.map((message) => message.kind) };
  };

  it('follows the union of what its pages show over one transport', (t) => {
    start(t);
    const pages = ['b', 'a', null, 'a'].map((cluster) => page(t, cluster));
    assert.deepEqual(followed, [['b'], ['a', 'b']]);
    pages[0].take({ kind: 'here', cluster: null });
    t.mock.timers.tick(100);
    assert.deepEqual(followed.at(-1), ['a']);
    assert.equal(connected, 1);
  });

  it('takes pages that open together for one change', (t) => {
    start(t);
    for (const cluster of ['a', 'b', 'c']) hub.attach(() => undefined)({ kind: 'here', cluster });
    t.mock.timers.tick(100);
    assert.deepEqual(followed, [['a', 'b', 'c']]);
  });

  it('tells a new page the latest at once, and each page its own cluster only', (t) => {
    start(t);
    const first = page(t, 'c');
    sink.link({ link: 'open', problem: null, unauthorized: false });
    sink.clusters([line('c')]);
    sink.alerts({ alerts: [], history: [] });
    sink.snapshot(snapshot());
    const [second, third] = [page(t, 'c'), page(t, null)];
    assert.deepEqual(second.kinds(), ['link', 'clusters', 'alerts', 'snapshot']);
    assert.deepEqual(third.kinds(), ['link', 'clusters', 'alerts']);
    assert.equal(second.got[0].link, 'open');
    assert.equal(first.kinds().at(-1), 'snapshot');
  });

  it('forgets pages that closed or fell silent, and asks nothing for nobody', (t) => {
    start(t);
    const [left, silent] = [page(t, 'a'), page(t, 'b')];
    left.take({ kind: 'gone' });
    t.mock.timers.tick(100);
    assert.deepEqual(followed.at(-1), ['b']);
    t.mock.timers.tick(GONE_AFTER_MS + 20_000);
    t.mock.timers.tick(100);
    assert.equal(stopped, 1);
    // A page that slept for long is back.
    silent.take({ kind: 'here', cluster: 'b' });
    t.mock.timers.tick(100);
    assert.equal(connected, 2);
    assert.deepEqual(followed.at(-1), ['b']);
  });

  it('asks anew when a page changed something', (t) => {
    start(t);
    page(t, 'a').take({ kind: 'refresh' });
    assert.equal(followed.at(-1), 'refresh');
  });
});

describe('trends', () => {
  it('are bounded, count a moment once, and keep what is not known as a gap', () => {
    const trends = new Trends();
    const at = (second, value) => trends.add([line('c', { read_p99_seconds: value })], second * 1000);
    at(0, 0.001);
    at(1, 0.5);
    assert.deepEqual(at(5, null), { c: [0.001, null] });
    for (let second = 10; second < 1000; second += 5) at(second, 0.002);
    assert.equal(at(2000, 0.002).c.length, 48);
  });

  it('forget clusters that are gone', () => {
    const trends = new Trends();
    trends.add([line('a'), line('b')], 0);
    assert.deepEqual(Object.keys(trends.add([line('b')], 5000)), ['b']);
  });
});
