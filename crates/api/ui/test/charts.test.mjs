// What the charts make of the history, of live snapshots and of the address.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { member, snapshot } from './facts.mjs';
import { close, source } from './sources.mjs';

const range = await source('cluster/charts/range.ts');
const line = await source('cluster/charts/line.ts');
const { carryOn, pointsFor } = await source('cluster/charts/history.ts');
const { KINDS } = await source('cluster/charts/kinds.ts');
const forecast = await source('cluster/charts/forecast.ts');
const marks = await source('cluster/charts/marks.ts');
const { Members } = await source('cluster/charts/members.ts');
after(close);

describe('a range', () => {
  it('moves on with the time where it is a preset', () => {
    assert.deepEqual(range.windowOf({ preset: '6h' }, 100_000), { from: 78_400, to: 100_000 });
    assert.deepEqual(range.windowOf({ from: 1, to: 99 }, 100_000), { from: 1, to: 99 });
  });

  it('can be dragged in both directions, and never to nothing', () => {
    assert.deepEqual(range.between(200.7, 100.2), { from: 100, to: 201 });
    const tiny = range.between(100, 100.1);
    assert.ok(tiny.to - tiny.from >= 10, JSON.stringify(tiny));
  });

  it('is moved and widened up to now', () => {
    assert.deepEqual(range.moved({ from: 100, to: 200 }, -0.5, 1000), { from: 50, to: 150 });
    assert.deepEqual(range.moved({ from: 900, to: 1000 }, 0.5, 1000), { from: 900, to: 1000 });
    assert.deepEqual(range.scaled({ from: 900, to: 1000 }, 2, 1000), { from: 800, to: 1000 });
    assert.deepEqual(range.scaled({ from: 400, to: 600 }, 0.5, 1000), { from: 450, to: 550 });
  });
});

const series = (points, member_id = 'a1') => ({ labels: { member: 'm1', member_id }, points });

const withGap = (lines) => lines.map((one) => ({ ...one, gap: line.gapSeconds(one.points, 5) }));

describe('a line', () => {
  it('takes samples and buckets for what they are', () => {
    const [samples, buckets] = line.linesOf([series([[10, 2]]), series([[10, 2, 1, 4]], 'b2')], 60, 5);
    assert.deepEqual(samples.points, [{ at: 10, mean: 2, low: 2, high: 2, count: 1 }]);
    assert.deepEqual(buckets.points, [{ at: 10, mean: 2, low: 1, high: 4, count: 12 }]);
    assert.equal(line.isBucketed([samples]), false);
    assert.equal(line.isBucketed([samples, buckets]), true);
  });

  it('is interrupted where nothing was measured', () => {
    const lines = line.linesOf([series([[0, 1], [5, 2], [10, 3], [60, 4], [65, 5]])], 5, 5);
    const { times, rows } = line.tableOf(withGap(lines));
    assert.deepEqual(times, [0, 5, 10, 35, 60, 65]);
    assert.deepEqual(rows[0].mean, [1, 2, 3, null, 4, 5]);
  });

  it('does not interrupt another one that has points of its own', () => {
    const lines = line.linesOf([series([[0, 1], [10, 3]]), series([[5, 7], [10, 8]], 'b2')], 5, 5);
    const { times, rows } = line.tableOf(withGap(lines));
    assert.deepEqual(times, [0, 5, 10]);
    assert.deepEqual(rows[0].mean, [1, undefined, 3]);
    assert.deepEqual(rows[1].mean, [undefined, 7, 8]);
  });

  it('knows its gaps by its own step', () => {
    const points = [0, 60, 120, 180].map((at) => ({ at }));
    assert.equal(line.gapSeconds(points, 5), 150);
    assert.equal(line.gapSeconds([], 5), 12.5);
  });

  it('answers with the nearest point, and with none within a gap', () => {
    const [{ points }] = line.linesOf([series([[0, 1], [5, 2], [100, 9]])], 5, 5);
    assert.equal(line.pointAt(points, 4, 12.5).mean, 2);
    assert.equal(line.pointAt(points, 101, 12.5).mean, 9);
    assert.equal(line.pointAt(points, 50, 12.5), null);
    assert.equal(line.pointAt([], 50, 12.5), null);
  });
});

describe('a live line', () => {
  const at = (second) => new Date(second * 1000).toISOString();
  const [read] = KINDS;
  const values = (one) => read.live(one, 'p99');
  const reading = (p99_seconds) => member({ read_latency: { count: 1, p99_seconds } });

  it('goes on where the history ends, and takes no cycle twice', () => {
    const history = { lines: [], bucket: null };
    for (const second of [5, 5, 10]) carryOn(history, snapshot({ at: at(second), members: [reading(second)] }), values, 0);
    assert.deepEqual(history.lines[0].points.map(({ at, mean }) => [at, mean]), [[5, 5], [10, 10]]);
  });

  it('has no point where nothing is known', () => {
    const history = { lines: [], bucket: null };
    carryOn(history, snapshot({ at: at(5), members: [member({ last_read_seconds: null, read_latency: { p99_seconds: 1 } })] }), values, 0);
    assert.deepEqual(history.lines, []);
  });

  it('holds no more over a day than it loaded', () => {
    const history = { lines: [], bucket: 120 };
    for (let second = 5; second <= 2 * 86_400; second += 5) {
      carryOn(history, snapshot({ at: at(second), members: [reading(second % 100)] }), values, second - 86_400);
    }
    const { points } = history.lines[0];
    assert.ok(points.length <= 722, `${points.length} points`);
    assert.deepEqual([points[5].count, points[5].low, points[5].high], [24, 0, 95]);
  });

  it('asks for fewer points of each member the more there are', () => {
    assert.deepEqual([1, 3, 100, 1000].map(pointsFor), [720, 720, 240, 120]);
  });
});

describe('every chart', () => {
  it('reads from a live snapshot what the history has under its name', () => {
    for (const kind of KINDS) {
      assert.match(kind.metric('p99'), /^[a-z0-9_]+$/, kind.id);
      assert.equal(kind.live(member(), 'p99') ?? null, null, `${kind.id} of a member of which nothing is known`);
    }
    assert.equal(new Set(KINDS.map((kind) => kind.id)).size, KINDS.length);
  });
});

describe('a forecast', () => {
  const soon = { member: 'm2', forecast: 'in', seconds: 86_400 * 3, soonest_seconds: 86_400 * 2, latest_seconds: 86_400 * 5 };
  const unknown = (name) => ({ member: name, forecast: 'unknown', reason: '4 of 50 samples so far' });

  it('is said of the member that is first at its quota', () => {
    assert.equal(forecast.outlookInWords([unknown('m1'), soon]), 'm2: reaches its quota in 3 d (2 d to 5 d)');
    assert.equal(forecast.outlookInWords([soon, { member: 'm3', forecast: 'reached' }]), 'm3: has reached its quota');
  });

  it('says why it is not known', () => {
    assert.equal(forecast.outlookInWords([unknown('m1'), unknown('m2')]), 'no forecast: 4 of 50 samples so far');
    assert.equal(forecast.futureSeconds([unknown('m1')], 3600), 0);
  });

  it('shows as much of the future as the past allows', () => {
    assert.equal(forecast.futureSeconds([soon], 3600), 1800);
    assert.ok(forecast.futureSeconds([{ ...soon, seconds: 100 }], 3600) < 120);
    assert.equal(forecast.valueBy({ from: { at: 0, value: 10 }, to: { at: 100, value: 20 } }, 50), 15);
  });
});

describe('marks', () => {
  const event = (kind, at) => ({ at, kind, alert: { id: 'x', rule: 'MemberDown', severity: 'warning', subject: { kind: 'member', name: 'm1' } } });
  const AT = '2026-01-02T03:04:05Z';

  it('say what happened', () => {
    const [fired, resolved] = marks.alertMarks([event('fired', AT), event('updated', AT), event('resolved', AT)]);
    assert.deepEqual([fired.kind, fired.text], ['warning', 'MemberDown of m1 fired']);
    assert.deepEqual([resolved.kind, resolved.text], ['resolved', 'MemberDown of m1 resolved']);
    const [change] = marks.leaderMarks([{ at: AT, from: 'a', to: 'b', term: 2 }], (id) => id.toUpperCase());
    assert.equal(change.text, 'leader A → B');
  });

  it('come once, though they were loaded and heard live', () => {
    assert.equal(marks.joined([event('fired', AT)], [event('fired', AT), event('resolved', AT)]).length, 2);
  });

  it('are found near the pointer only', () => {
    const list = [{ at: 10, text: 'ten' }, { at: 20, text: 'twenty' }];
    assert.equal(marks.nearest(list, 16, 5).text, 'twenty');
    assert.equal(marks.nearest(list, 30, 5), null);
  });
});

describe('members on charts', () => {
  const two = (...ids) => snapshot({ members: ids.map((id) => member({ id, name: `name-${id}` })) });

  it('keep their colours when others come and go', () => {
    const places = (members) => members.all.map(({ key, place }) => [key, place]);
    assert.deepEqual(places(new Members('c1', two('a', 'b'), new Set())), [['a', 0], ['b', 1]]);
    assert.deepEqual(places(new Members('c1', two('c', 'b'), new Set())), [['c', 2], ['b', 1]]);
  });

  it('that left have their id for a name', () => {
    const members = new Members('c2', two('a'), new Set());
    assert.deepEqual(members.of('gone', null), { key: 'gone', name: 'gone', place: 1, shown: true });
  });

  it('are all shown, or those that were picked', () => {
    const shown = (members) => members.all.filter((one) => one.shown).map((one) => one.key);
    assert.deepEqual(shown(new Members('c3', two('a', 'b'), new Set())), ['a', 'b']);
    assert.deepEqual(shown(new Members('c3', two('a', 'b'), new Set(['b']))), ['b']);
    const many = new Members('c4', two(...Array.from({ length: 20 }, (_, index) => `m${index}`)), new Set());
    assert.equal(many.hidden, 4);
  });
});
