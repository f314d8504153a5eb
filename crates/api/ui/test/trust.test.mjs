// What the page concludes from certificates and versions.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { close, source } from './sources.mjs';

const { certificateState, daysInWords, defectsInWords, defectsState, firstToEnd, mixedInWords, namesOf, withoutTls } = await source('cluster/trust/documents.ts');
after(close);

const certificate = (more = {}) => ({ member: 'm1', port: 'client', url: 'https://m1:2379', names: [], days_left: 90, problem: null, ...more });
const report = (more = {}) => ({ certificates: [], without_tls: [], unknown: [], ...more });

describe('a certificate', () => {
  it('says in words how long it holds', () => {
    const words = [[90.7, '90 days left'], [1.5, '36 h left'], [0.1, '2 h left'], [0, 'less than 3 h left'], [-0.5, 'ended 12 h ago'], [-3.2, 'ended 3 days ago']];
    for (const [days, said] of words) assert.equal(daysInWords(days), said);
  });

  it('is well only while it holds and nothing is said against it', () => {
    const states = [certificate(), certificate({ problem: 'ends soon' }), certificate({ days_left: 0 }), certificate({ days_left: -1, problem: 'it ended' })];
    assert.deepEqual(states.map(certificateState), ['healthy', 'warning', 'critical', 'critical']);
  });

  it('that ends first stands first', () => {
    const list = [certificate({ member: 'b' }), certificate({ member: 'a' }), certificate({ member: 'c', days_left: -4 })];
    assert.deepEqual(firstToEnd(list).map((one) => one.member), ['c', 'a', 'b']);
  });

  it('with many names stays a line', () => {
    assert.equal(namesOf(certificate()), 'no alternative names');
    assert.equal(namesOf(certificate({ names: ['a', 'b', 'c', 'd', 'e', 'f'] })), 'a, b, c, d and 2 more');
  });
});

describe('ports without TLS', () => {
  const plain = { member: 'm1', port: 'peer', url: 'http://m1:2380' };

  it('are told of the whole cluster only where nothing else is there or not known', () => {
    assert.equal(withoutTls(report()), null);
    assert.match(withoutTls(report({ without_tls: [plain] })), /^This cluster speaks without TLS/);
    const mixed = [report({ without_tls: [plain], certificates: [certificate()] }), report({ without_tls: [plain], unknown: [{ member: 'm2', reason: 'silent' }] })];
    for (const one of mixed) assert.equal(withoutTls(one), 'Without TLS: m1 (peer).');
  });
});

describe('versions', () => {
  const defect = (endangers_data) => ({ id: 'x', problem: 'it breaks', endangers_data });

  it('without a known defect are well, and unknown ones are not', () => {
    const all = [[], null, [defect(false)], [defect(false), defect(true)]];
    assert.deepEqual(all.map(defectsState), ['healthy', 'unknown', 'warning', 'critical']);
    assert.deepEqual([[], [defect(true)]].map(defectsInWords), ['no known defect', '1 known defect']);
  });

  it('are the same, are not, or it is not known', () => {
    assert.deepEqual([false, true, null].map((mixed) => mixedInWords(mixed).split(' ').slice(0, 2).join(' ')), ['all members', 'members run', 'whether all']);
  });
});
