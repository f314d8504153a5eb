// Documents of the daemon, reduced to what a test says.

const AT = '2026-01-02T03:04:05Z';

export function member(change = {}) {
  return {
    ...{ id: 'a1', name: 'm1', endpoint: 'http://m1:2379', client_urls: [], role: 'follower', version: '3.7.3' },
    ...{ healthy: true, linearizable: true, failure: null, raft: null, database: null, counters: null },
    ...{ read_latency: null, last_read_seconds: 0.001, last_answer_at: AT, started_at: null },
    ...change,
  };
}

export function snapshot({ at = AT, members = [member()], ...status } = {}) {
  const shared = { cluster: 'c', interval_seconds: 5, age_seconds: 0, leader_history: [], at, ...status };
  return { status: shared, members, findings: [] };
}

export function finding(change = {}) {
  return {
    ...{ rule: 'MemberDown', severity: 'warning', status: 'true', cluster: 'c', caused_by: null, evidence: [] },
    ...{ subject: { kind: 'member', name: 'm1', id: 'a1' }, cause: 'm1 is down', action: '', since: AT },
    ...change,
  };
}

/** A line of the fleet, healthy unless `change` says otherwise. */
export function line(cluster, change = {}) {
  const facts = { cluster, healthy: true, worst: null, sentence: 'Healthy', age_seconds: 1, since: null };
  return { ...facts, read_p99_seconds: 0.001, versions: ['3.7.3'], alerts_firing: 0, ...change };
}

export function alert(change = {}) {
  return {
    ...{ id: '00000000000000aa', rule: 'MemberDown', alert_type: 'member', severity: 'warning', state: 'firing', cluster: 'c' },
    ...{ subject: { kind: 'member', name: 'm1', id: 'a1' }, cause: 'm1 is down', action: '', since: AT, evidence: [] },
    ...change,
  };
}
