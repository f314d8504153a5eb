// What the page of a cluster concludes: reigns, links, what is not known, rows of a long table.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { finding, member } from './facts.mjs';
import { close, source } from './sources.mjs';

const { merged, reignsOf } = await source('cluster/timeline/reigns.ts');
const links = await source('cluster/links/matrix.ts');
const gaps = await source('cluster/coverage/gaps.ts');
const facts = await source('cluster/members/facts.ts');
const { rowsAt } = await source('cluster/members/window.ts');
after(close);

const second = (at) => new Date(at * 1000).toISOString();

describe('reigns', () => {
  const window = { from: 0, to: 100 };
  const change = (at, from, to) => ({ at: second(at), from, to, term: at });
  const watched = (from, to, led = true) => Array.from({ length: (to - from) / 5 + 1 }, (_, index) => ({ at: from + index * 5, led }));
  const short = (reigns) => merged(reigns).map(({ kind, id, from, to }) => [kind, id, from, to]);

  it('follow the changes, the one before the first included', () => {
    const reigns = reignsOf([change(40, 'a', 'b')], null, watched(0, 100), window, 12);
    assert.deepEqual(short(reigns), [['leader', 'a', 0, 40], ['leader', 'b', 40, 100]]);
  });

  it('are not known before anybody looked, nor while nobody did', () => {
    const leader = { id: 'a', name: 'm1', since: second(30), term: 2 };
    const reigns = reignsOf([], leader, [...watched(30, 50), ...watched(80, 100)], window, 12);
    assert.deepEqual(short(reigns), [['unknown', null, 0, 30], ['leader', 'a', 30, 50], ['unknown', null, 50, 80], ['leader', 'a', 80, 100]]);
  });

  it('have an end where nobody leads', () => {
    const reigns = reignsOf([change(0, null, 'a')], null, [...watched(0, 50), ...watched(55, 60, false), ...watched(65, 100)], window, 12);
    assert.deepEqual(short(reigns), [['leader', 'a', 0, 50], ['none', null, 50, 60], ['leader', 'a', 60, 100]]);
  });

  it('cover the window', () => {
    assert.deepEqual(short(reignsOf([], null, [], window, 12)), [['unknown', null, 0, 100]]);
  });
});

describe('links', () => {
  const link = (from, to, state = 'well') => ({ from, from_name: `name-${from}`, to, to_name: `name-${to}`, state, reason: `because ${state}` });
  const members = [member({ id: 'b', name: 'mb' }), member({ id: 'a', name: 'ma' })];

  it('stand in the order of the members, from row to column', () => {
    const matrix = links.matrixOf(members, [link('a', 'b', 'failing'), link('b', 'a')]);
    assert.deepEqual(matrix.ends.map((end) => end.name), ['mb', 'ma']);
    assert.deepEqual(matrix.rows.map((row) => row.cells.map((cell) => cell?.state ?? null)), [[null, 'well'], ['failing', null]]);
  });

  it('show ends that are no members any more', () => {
    const matrix = links.matrixOf(members, [link('a', 'gone'), link('gone', 'a')]);
    assert.deepEqual(matrix.ends.map((end) => end.name), ['ma', 'name-gone']);
  });

  it('are told with the failing ones first', () => {
    const all = [link('a', 'b', 'unknown'), link('b', 'a', 'failing'), link('a', 'c')];
    assert.deepEqual(links.troubled(all).map((one) => one.state), ['failing', 'unknown']);
    assert.equal(links.summary(all), '1 of 3 links carry bytes · 1 failing · 1 not known');
  });

  it('of one sender are told together', () => {
    const told = links.bySender([link('a', 'b', 'failing'), link('a', 'c', 'failing'), link('b', 'a', 'failing')]);
    assert.deepEqual(told.map(({ from, to }) => [from, to]), [['name-a', ['name-b', 'name-c']], ['name-b', ['name-a']]]);
  });

  it('are never healthy while they are not known', () => {
    assert.deepEqual(['well', 'unknown', 'failing', 'failing_either_way'].map((state) => links.linkState({ state })), ['healthy', 'unknown', 'critical', 'warning']);
  });

  it('say how many peers a member hears', () => {
    const peers = facts.peersOf(member({ id: 'a' }), [link('b', 'a'), link('c', 'a', 'failing'), link('d', 'a', 'unknown'), link('a', 'b', 'failing')]);
    assert.deepEqual(peers, { heard: 1, known: 2, all: 3, failing: ['name-c'], reason: 'because unknown' });
    assert.equal(facts.peersOf(member({ id: 'z' }), []), null);
  });
});

describe('what is not known', () => {
  const unknown = (rule, unknown_reason, unknown_class, name = 'm1') => finding({ rule, status: 'unknown', unknown_reason, unknown_class, subject: { kind: 'member', name } });

  it('is told by reason, what lasts first', () => {
    const told = gaps.gapsOf([
      unknown('MemberDiskSlow', 'too few', 'not_enough_data'),
      unknown('RequestsSlow', 'runs --metrics=basic', 'metrics_basic'),
      unknown('RequestsSlow', 'runs --metrics=basic', 'metrics_basic', 'm2'),
      finding(),
    ]);
    assert.deepEqual(told.map(({ reason, subjects, lasts }) => [reason, subjects, lasts]), [['runs --metrics=basic', ['m1', 'm2'], true], ['too few', ['m1'], false]]);
  });

  it('stays a short list', () => {
    assert.equal(gaps.listed(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 more');
  });
});

describe('certificates', () => {
  it('have days left, and none where none was seen', () => {
    const ends = member({ trust: { certificates_end_at: second(10 * 86_400) } });
    assert.equal(facts.certificateDays(ends, 86_400_000), 9);
    assert.equal(facts.certificateDays(ends, 11 * 86_400_000), -1);
    assert.equal(facts.certificateDays(member(), 0), null);
    assert.match(facts.whyNoCertificate(member({ endpoint: 'http://m1:2379' }), 'silent'), /plain HTTP/);
  });
});

describe('versions', () => {
  it('are told once where they are alike, else with how many run which', () => {
    const of = (...versions) => facts.versionsOf(versions.map((version) => member({ version })));
    assert.equal(of('3.7.3', '3.7.3', null), '3.7.3');
    assert.equal(of('3.6.1', '3.7.3', '3.7.3'), '3.7.3 (2), 3.6.1 (1)');
    assert.equal(of(null), null);
  });

  it('and certificates: the first that ends counts', () => {
    const ending = (name, at) => member({ name, trust: { certificates_end_at: at == null ? null : second(at) } });
    assert.equal(facts.firstCertificate([ending('a', 30), ending('b', 20), ending('c', null)]).name, 'b');
    assert.equal(facts.firstCertificate([ending('c', null)]), null);
  });
});

describe('a long table', () => {
  const heights = Array.from({ length: 150 }, () => 50);

  it('has the rows that are near, and space for the others', () => {
    const rows = rowsAt(heights, 3000, 1000);
    assert.deepEqual(rows, { first: 48, last: 93, before: 2400, after: 2850 });
    assert.equal(rows.before + (rows.last - rows.first) * 50 + rows.after, 150 * 50);
  });

  it('begins and ends where it does', () => {
    assert.equal(rowsAt(heights, -500, 1000).first, 0);
    assert.deepEqual([rowsAt(heights, 7000, 1000).last, rowsAt(heights, 7000, 1000).after], [150, 0]);
  });

  it('is whole up to fifty rows', () => {
    assert.deepEqual(rowsAt(heights.slice(0, 50), 3000, 100), { first: 0, last: 50, before: 0, after: 0 });
  });
});
