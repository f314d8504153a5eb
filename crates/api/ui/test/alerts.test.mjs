// Alerts: their order, the conditions of a silence, and who may decide.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { alert } from './facts.mjs';
import { close, source } from './sources.mjs';

const { groups, isOpen, matchesAlert, sentence, stateOf } = await source('alerts/select.ts');
const { lines, matchersOf } = await source('alerts/matchers.ts');
const { reasonAgainst } = await source('session/session.ts');
after(close);

describe('active alerts', () => {
  const critical = alert({ id: '1', cluster: 'b', severity: 'critical' });
  const acknowledged = alert({ id: '2', acknowledged: { by: 'ana', at: '', comment: '' } });
  const older = alert({ id: '3', since: '2020-01-01T00:00:00Z' });

  it('stand by cluster, the worst first, then what nobody has in hand, then the oldest', () => {
    const shown = groups([acknowledged, alert({ id: '4' }), older, critical, alert({ id: '5', state: 'resolved' })]);
    assert.deepEqual(shown.map((group) => [group.cluster, group.alerts.map((one) => one.id)]), [['b', ['1']], ['c', ['3', '4', '2']]]);
  });

  it('need attention unless somebody or something took care of them', () => {
    const calm = [acknowledged, alert({ muted_by: { by: 'silence', name: 'x' } }), alert({ explained_by: { rule: 'Q', subject: 's' } }), alert({ state: 'pending' })];
    assert.deepEqual([critical, ...calm].map(isOpen), [true, false, false, false, false]);
  });

  it('come to one sentence, which never calls what is about to fire healthy', () => {
    const pending = alert({ state: 'pending', severity: 'critical' });
    const said = (active) => [sentence(active), stateOf(active)];
    assert.deepEqual(said([]), ['No alert fires', 'healthy']);
    assert.deepEqual(said([pending]), ['No alert fires yet; 1 pending', 'critical']);
    assert.deepEqual(said([acknowledged]), ['No alert needs attention', 'healthy']);
    assert.deepEqual(said([critical]), ['1 critical alert needs attention', 'critical']);
    assert.deepEqual(said([critical, alert(), older]), ['3 alerts need attention, 1 critical', 'critical']);
  });

  it('are found by every word', () => {
    assert.ok(matchesAlert(critical, 'CRITICAL m1'));
    assert.ok(!matchesAlert(critical, 'critical m2'));
    assert.ok(matchesAlert(critical, ''));
  });
});

describe('conditions of a silence', () => {
  it('are those of the alert, with its texts quoted', () => {
    assert.deepEqual(matchersOf(alert()), ['cluster="c"', 'rule="MemberDown"', 'subject="m1"']);
    const hostile = alert({ cluster: 'a"b\\c', subject: { kind: 'cluster', name: 'a"b\\c' } });
    assert.deepEqual(matchersOf(hostile), ['cluster="a\\"b\\\\c"', 'rule="MemberDown"']);
  });

  it('stand one on a line', () => {
    assert.deepEqual(lines(' a="b" \n\nc="d"\n'), ['a="b"', 'c="d"']);
  });
});

describe('permission', () => {
  const known = (change) => ({ kind: 'known', session: { name: null, role: 'admin', read_only_reason: null, ...change } });

  it('needs a role that is high enough', () => {
    assert.equal(reasonAgainst(known({}), 'operator'), null);
    assert.equal(reasonAgainst(known({ role: 'operator' }), 'operator'), null);
    assert.match(reasonAgainst(known({ role: 'viewer' }), 'operator'), /takes the role operator; yours is viewer/);
  });

  it('is refused for the reason of the daemon, and where nothing is known', () => {
    assert.equal(reasonAgainst(known({ read_only_reason: 'no users' }), 'operator'), 'no users');
    for (const kind of ['loading', 'signed-out', 'unknown']) assert.ok(reasonAgainst({ kind }, 'viewer'), kind);
  });
});
