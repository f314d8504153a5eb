// What the pages of incidents conclude.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { close, source } from './sources.mjs';

const { incidentOf, inOrder, lasted, rangeOf, sorted } = await source('cluster/incidents/incident.ts');
after(close);

const second = (at) => (at == null ? null : new Date(at * 1000).toISOString());
const incident = (began, ended, id = 'i') => ({ id, began_at: second(began), ended_at: second(ended) });

describe('an incident', () => {
  it('is shown with as much around it as it lasted', () => {
    assert.deepEqual(rangeOf(incident(10_000, 10_300), 20_000), { from: 9_700, to: 10_600 });
  });

  it('is shown with little around it when it was long, and with enough when it was short', () => {
    assert.deepEqual(rangeOf(incident(10_000, 20_000), 50_000), { from: 9_100, to: 20_900 });
    assert.deepEqual(rangeOf(incident(10_000, 10_001), 50_000), { from: 9_880, to: 10_121 });
  });

  it('that goes on is shown up to now', () => {
    assert.deepEqual(rangeOf(incident(10_000, null), 10_600), { from: 9_400, to: 10_600 });
    assert.equal(lasted(incident(10_000, null), 10_660), '11 min');
    assert.equal(lasted(incident(10_000, 10_030), 90_000), '30 s');
  });

  it('that goes on stands before those that are over, and these with the newest first', () => {
    const list = [incident(10, 20, 'old'), incident(30, 40, 'new'), incident(5, null, 'now')];
    assert.deepEqual(sorted(list).map((one) => one.id), ['now', 'new', 'old']);
  });

  it('is found by an alert of it: the newest that has it', () => {
    const list = [{ ...incident(10, 20, 'old'), alerts: ['a', 'b'] }, { ...incident(30, 40, 'new'), alerts: ['b'] }];
    assert.deepEqual(['a', 'b', 'c'].map((alert) => incidentOf(list, alert)?.id), ['old', 'new', undefined]);
  });

  it('tells its events in their order', () => {
    assert.deepEqual(inOrder([{ at: second(20) }, { at: second(10) }]).map((event) => event.at), [second(10), second(20)]);
  });
});
