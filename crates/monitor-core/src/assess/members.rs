//! What each member looks like in this cycle.

use std::collections::BTreeSet;

use etcd_monitor_model::{
    DatabaseSize, Durations, LatencySource, ListedMember, MemberId, MemberMetrics, MemberRole,
    MemberSnapshot, MemberStatus, MetricsPage, ProbeFailure, RaftProgress, ServerCounters,
    Snapshot,
};
use jiff::Timestamp;

use super::state::{AssessState, MemberMemory};
use super::view::{Row, View, says_nothing};
use crate::collector::{MetricsParameters, amount};

/// The members in the order of their names, then the endpoints whose member is not known or not in the list.
pub(super) fn describe(
    state: &mut AssessState,
    view: &View<'_>,
    snapshot: &Snapshot,
    parameters: &MetricsParameters,
) -> Vec<MemberSnapshot> {
    let listed: Vec<ListedMember> = state.agreed.clone().unwrap_or_default();
    let ids: BTreeSet<MemberId> = listed.iter().map(|member| member.id).collect();
    let mut members: Vec<MemberSnapshot> = listed
        .iter()
        .map(|member| listed_member(member, state, view, snapshot, parameters))
        .collect();
    members.sort_by(|left, right| (&left.name, left.id).cmp(&(&right.name, right.id)));
    for row in view.rows.iter().filter(|row| stranger(row, &ids, view)) {
        let described = described(row, None, state, view, snapshot, parameters);
        if !members.iter().any(|known| same(known, &described)) {
            members.push(described);
        }
    }
    members
}

/// Two endpoints of one member that is not in the list, or one endpoint twice.
fn same(left: &MemberSnapshot, right: &MemberSnapshot) -> bool {
    match (left.id, right.id) {
        (None, None) => left.endpoint == right.endpoint,
        (left, right) => left == right,
    }
}

/// An endpoint that stands for no listed member, or for a member of another cluster.
fn stranger(row: &Row<'_>, listed: &BTreeSet<MemberId>, view: &View<'_>) -> bool {
    view.is_foreign(row) || row.id.is_none_or(|id| !listed.contains(&id))
}

fn listed_member(
    member: &ListedMember,
    state: &mut AssessState,
    view: &View<'_>,
    snapshot: &Snapshot,
    parameters: &MetricsParameters,
) -> MemberSnapshot {
    match view.row(member.id) {
        Some(row) => described(row, Some(member), state, view, snapshot, parameters),
        None => not_probed(member, state),
    }
}

fn not_probed(member: &ListedMember, state: &AssessState) -> MemberSnapshot {
    let id = format!("{}", member.id);
    let name = if member.name.is_empty() {
        id
    } else {
        member.name.clone()
    };
    let memory = state.members.get(&member.id);
    let mut described = MemberSnapshot::unknown(name, "");
    described.id = Some(member.id);
    described.client_urls.clone_from(&member.client_urls);
    described.role = if member.is_learner {
        MemberRole::Learner
    } else {
        MemberRole::Unknown
    };
    described.version = memory.and_then(|memory| memory.version.clone());
    described.last_answer_at = memory.and_then(|memory| memory.last_answer_at);
    described
}

fn described(
    row: &Row<'_>,
    listed: Option<&ListedMember>,
    state: &mut AssessState,
    view: &View<'_>,
    snapshot: &Snapshot,
    parameters: &MetricsParameters,
) -> MemberSnapshot {
    let mut member = MemberSnapshot::unknown(name(row, listed), row.seen.endpoint.clone());
    // The id of a member of another cluster names nobody, or somebody else, in this one; and a silent endpoint whose
    // member was removed stands for no member any more.
    let names_one = |id: MemberId| !view.is_foreign(row) && (row.answered || !state.has_left(id));
    member.id = row.id.filter(|id| names_one(*id));
    member.client_urls = listed
        .map(|listed| listed.client_urls.clone())
        .unwrap_or_default();
    member.role = role(row, listed, snapshot);
    member.healthy = healthy(row, view);
    member.linearizable = row
        .linearizable()
        .filter(|succeeded| *succeeded || !view.late);
    member.failure = failure(row);
    member.raft = row.status().map(raft);
    member.database = row.status().and_then(|status| database(status, row.page()));
    member.last_read_seconds = last_read(row);
    member.started_at = row.page().and_then(started_at);
    if let Some(memory) = member.id.map(|id| state.members.entry(id).or_default()) {
        from_memory(&mut member, row, memory, view.ended_at, parameters);
    }
    member
}

fn name(row: &Row<'_>, listed: Option<&ListedMember>) -> String {
    let listed = listed
        .map(|listed| listed.name.as_str())
        .filter(|name| !name.is_empty());
    listed.map_or_else(|| row.seen.endpoint.clone(), str::to_owned)
}

fn role(row: &Row<'_>, listed: Option<&ListedMember>, snapshot: &Snapshot) -> MemberRole {
    let learner = listed.is_some_and(|listed| listed.is_learner);
    match row.status() {
        None if learner => MemberRole::Learner,
        None => MemberRole::Unknown,
        Some(status) if status.is_learner => MemberRole::Learner,
        Some(status) => voter_role(row, status, snapshot),
    }
}

fn voter_role(row: &Row<'_>, status: &MemberStatus, snapshot: &Snapshot) -> MemberRole {
    let leader = snapshot.leader.as_ref().map(|leader| leader.id);
    let foreign = row.cluster_id != snapshot.cluster_id;
    match status.leader {
        _ if row.id.is_some() && row.id == leader => MemberRole::Leader,
        Some(own) if own == status.member_id && foreign => MemberRole::Leader,
        Some(other) if other != status.member_id => MemberRole::Follower,
        // It follows nobody, or takes itself for a leader that the others have deposed.
        _ => MemberRole::Unknown,
    }
}

fn healthy(row: &Row<'_>, view: &View<'_>) -> Option<bool> {
    let failures = [row.failure(), row.own_read_failure()];
    let mut failures = failures.into_iter().flatten().peekable();
    if failures.peek().is_none() {
        // Nothing failed: both answered, or one was not asked.
        return (row.status().is_some() && row.serves_reads()).then_some(true);
    }
    let blamable = failures.any(|failure| !says_nothing(failure.kind));
    (blamable && !view.late).then_some(false)
}

fn failure(row: &Row<'_>) -> Option<ProbeFailure> {
    row.failure().or(row.own_read_failure()).cloned()
}

fn raft(status: &MemberStatus) -> RaftProgress {
    RaftProgress {
        term: status.raft_term,
        committed_index: status.raft_index,
        // 0 right after a restart means "nothing applied since", not "nothing applied ever".
        applied_index: status.raft_applied_index.filter(|applied| *applied > 0),
        revision: status.revision,
    }
}

/// `None` where what Status reports is no size.
fn database(status: &MemberStatus, page: Option<&MetricsPage>) -> Option<DatabaseSize> {
    // Status reports the quota from 3.6 on, and 0 before 3.6.6 where the default is used; the metric is always right.
    let metric = page.and_then(|page| page.disk.quota_backend_bytes);
    let quota = metric
        .filter(|quota| quota.is_finite())
        .map(metric_bytes)
        .or(status.db_quota_bytes)
        .filter(|quota| *quota != 0);
    Some(DatabaseSize {
        allocated_bytes: u64::try_from(status.db_size_bytes).ok()?,
        in_use_bytes: u64::try_from(status.db_size_in_use_bytes).ok()?,
        quota_bytes: quota.and_then(|quota| u64::try_from(quota).ok()),
        quota_disabled: quota.is_some_and(|quota| quota < 0),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and a quota is far below 2^63"
)]
fn metric_bytes(value: f64) -> i64 {
    value as i64
}

fn last_read(row: &Row<'_>) -> Option<f64> {
    let probe = row.seen.read_linearizable.as_ref()?;
    probe.result.is_ok().then_some(probe.took_seconds)
}

fn started_at(page: &MetricsPage) -> Option<Timestamp> {
    let seconds = page.process.start_time_seconds?;
    let since_epoch = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since_epoch).ok()
}

fn from_memory(
    member: &mut MemberSnapshot,
    row: &Row<'_>,
    memory: &mut MemberMemory,
    now: Timestamp,
    parameters: &MetricsParameters,
) {
    let page = row.page();
    let read = member.last_read_seconds;
    member.metrics = memory.metrics.collect(now, page, read, parameters);
    member.read_latency = memory.metrics.read_latency();
    member.counters = page.map(|page| counters(page, &member.metrics));
    member.version = row
        .status()
        .map(|status| status.version.clone())
        .or_else(|| memory.version.clone());
    member.last_answer_at = if row.answered {
        Some(now)
    } else {
        memory.last_answer_at
    };
}

fn counters(page: &MetricsPage, metrics: &MemberMetrics) -> ServerCounters {
    let mut counters = ServerCounters::default();
    counters.proposals_committed = amount(page.raft.proposals_committed);
    counters.proposals_applied = amount(page.raft.proposals_applied);
    counters.proposals_pending = metrics.raft.proposals_pending;
    counters.proposals_failed = amount(page.raft.proposals_failed);
    counters.resident_memory_bytes = metrics.process.resident_memory_bytes;
    counters.watchers = metrics.watch.watchers;
    counters.rpcs_in_flight = metrics.requests.in_flight;
    counters.request_rate_per_second = metrics.requests.per_second;
    let p95 = |durations: Option<Durations>| durations?.p95_seconds;
    counters.wal_fsync_p95_seconds = p95(metrics.disk.wal_fsync);
    counters.backend_commit_p95_seconds = p95(metrics.disk.backend_commit);
    let writes = metrics.latency.writes_by(LatencySource::ServerRequests);
    counters.write_p50_seconds = writes.and_then(|writes| writes.p50_seconds);
    counters.write_p95_seconds = writes.and_then(|writes| writes.p95_seconds);
    counters.write_p99_seconds = writes.and_then(|writes| writes.p99_seconds);
    counters
}
