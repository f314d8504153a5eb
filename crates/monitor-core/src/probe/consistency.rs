//! Rounds of HashKV: whether the members' data is the same, by schedule and on suspicion.
//!
//! A member that computes such a hash holds a read transaction over its whole key space, and applies no write until it
//! is done (etcd `server/storage/mvcc/kvstore.go`, `hashByRev`). So members are asked one after the other, the leader
//! last, and rounds are the rarer the longer a member takes. A round runs beside the cycles, which it would delay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{ClusterClient, Endpoint, ErrorKind, MemberClient};
use etcd_monitor_model::{
    ClusterName, ConsistencySummary, HashAnswer, HashRound, MemberId, MemberObservation, Probe,
};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answers;
use super::member::probe;
use crate::schedule::offset_within;

/// From the start of the monitor to the first round, and over how long the first rounds of many clusters spread.
const FIRST: Duration = Duration::from_mins(5);
const SPREAD: Duration = Duration::from_mins(10);

/// From the end of a round to the next one on suspicion, at least.
const SUSPICION_PAUSE: Duration = Duration::from_mins(10);

/// The pause after a round is so many times the longest call in it: a member spends at most a thousandth of its time on
/// scheduled rounds, and a hundredth on suspicions.
const SCHEDULED_TIMES: u32 = 1_000;
const SUSPICION_TIMES: u32 = 100;

/// What a hash takes by the size in use, where a member has made none yet: 97 ms for 300 MB, measured on etcd 3.7
/// (docs/performance.md).
const SECONDS_PER_BYTE: f64 = 0.097 / 300e6;

/// How often a round is begun anew where compaction goes on during it.
const ATTEMPTS_MAX: u32 = 3;

/// Members asked at most: more voters than any cluster has.
const VOTERS_MAX: usize = 16;

/// When the members' data is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsistencyOptions {
    /// Time between two scheduled rounds. It grows to 1,000 times the longest call of the round before, so that a member
    /// spends no more than a thousandth of its time on them. Default 6 h.
    pub interval: Duration,
    /// Deadline of each call. A member does not stop when it passes. Default 60 s.
    pub deadline: Duration,
}

impl Default for ConsistencyOptions {
    fn default() -> Self {
        Self {
            // A member whose data takes up to 21 s spends no more than a thousandth of its time on that.
            interval: Duration::from_hours(6),
            deadline: Duration::from_mins(1),
        }
    }
}

/// Decides when a round is due, and holds the one that runs.
#[derive(Debug)]
pub(super) struct Consistency {
    options: ConsistencyOptions,
    due: Instant,
    /// No round on suspicion begins before.
    calm_until: Instant,
    /// When the pauses after the latest round began; before the first, when this did.
    since: Instant,
    suspicion: Option<String>,
    /// The suspicion cannot wait.
    urgent: bool,
    /// At most one round; ends with this.
    running: JoinSet<HashRound>,
    attempt: u32,
}

/// A member that is to be asked.
#[derive(Debug, Clone)]
struct Voter {
    id: MemberId,
    endpoint: Endpoint,
    revision: i64,
    leads: bool,
}

/// What one attempt asks for.
#[derive(Debug)]
struct Plan {
    members: Vec<(MemberId, Arc<MemberClient>)>,
    revision: i64,
    suspicion: Option<String>,
    deadline: Duration,
    is_last: bool,
}

impl Consistency {
    pub(super) fn new(options: ConsistencyOptions, cluster: &ClusterName, now: Instant) -> Self {
        let spread = offset_within(SPREAD.min(options.interval), cluster);
        Self {
            due: now + FIRST.min(options.interval) + spread,
            calm_until: now,
            since: now,
            suspicion: None,
            urgent: false,
            running: JoinSet::new(),
            attempt: 0,
            options,
        }
    }

    /// Takes what makes it likely now that data differs.
    pub(super) fn suspect(&mut self, found: &ConsistencySummary) {
        self.suspicion.clone_from(&found.suspicion);
        self.urgent = found.urgent;
    }

    /// Returns the round that ended since, and begins one where that is due. Waits for nothing.
    pub(super) fn turn(
        &mut self,
        client: &ClusterClient,
        seen: &[MemberObservation],
        now: Instant,
    ) -> Option<HashRound> {
        if let Some(round) = self.ended() {
            self.go_on(&round, client, seen, now);
            return Some(round);
        }
        if self.running.is_empty() && (now >= self.due || self.may_suspect(seen, now)) {
            self.attempt = 0;
            self.begin(self.suspicion.clone(), client, seen);
        }
        None
    }

    /// What can wait also waits for what the round is likely to take.
    fn may_suspect(&self, seen: &[MemberObservation], now: Instant) -> bool {
        let calm = || {
            let pause = likely_call(seen).saturating_mul(SUSPICION_TIMES);
            now.duration_since(self.since) >= pause
        };
        self.suspicion.is_some() && now >= self.calm_until && (self.urgent || calm())
    }

    fn ended(&mut self) -> Option<HashRound> {
        match self.running.try_join_next()? {
            Ok(round) => Some(round),
            // Only the probe itself ends a round, and then nobody asks.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// Begins anew where compaction moved, with the revisions of now; else plans the next round.
    fn go_on(
        &mut self,
        round: &HashRound,
        client: &ClusterClient,
        seen: &[MemberObservation],
        now: Instant,
    ) {
        let longest = longest_call(round);
        self.since = now;
        let pause = |least: Duration, times| now + least.max(longest.saturating_mul(times));
        self.due = pause(self.options.interval, SCHEDULED_TIMES);
        let calm = SUSPICION_PAUSE.min(self.options.interval);
        self.calm_until = pause(calm, SUSPICION_TIMES);
        if round.compaction_moved && self.attempt < ATTEMPTS_MAX {
            self.begin(round.suspicion.clone(), client, seen);
        }
    }

    /// Begins an attempt if there are two members to compare.
    fn begin(
        &mut self,
        suspicion: Option<String>,
        client: &ClusterClient,
        seen: &[MemberObservation],
    ) {
        let voters = voters(seen);
        let lowest = voters.iter().map(|voter| voter.revision).min();
        let Some(revision) = lowest.filter(|_| voters.len() > 1) else {
            return;
        };
        self.attempt += 1;
        let member = |voter: Voter| (voter.id, client.member(&voter.endpoint));
        self.running.spawn(ask(Plan {
            members: voters.into_iter().map(member).collect(),
            revision,
            suspicion,
            deadline: self.options.deadline,
            is_last: self.attempt == ATTEMPTS_MAX,
        }));
    }

    /// Ends the round that runs.
    pub(super) async fn close(&mut self) {
        self.running.shutdown().await;
    }
}

/// The voters that can be compared, the leader last. One that is behind what another one has compacted cannot be; and at
/// the very revision a member tells the hash that it kept from the compaction. So a cluster at rest that is compacted up
/// to its latest revision has to wait for a write.
fn voters(seen: &[MemberObservation]) -> Vec<Voter> {
    let Some(list) = answers::best_list(seen) else {
        return Vec::new();
    };
    let listed = list.members.iter().filter(|listed| !listed.is_learner);
    let listed: BTreeSet<MemberId> = listed.map(|listed| listed.id).collect();
    let compacted = seen.iter().filter_map(compact_revision).max();
    // By id: one member may be behind two endpoints.
    let found: BTreeMap<MemberId, Voter> = seen
        .iter()
        .filter_map(voter)
        .filter(|voter| listed.contains(&voter.id) && Some(voter.revision) > compacted)
        .map(|voter| (voter.id, voter))
        .collect();
    let mut found: Vec<Voter> = found.into_values().take(VOTERS_MAX).collect();
    found.sort_by_key(|voter| voter.leads);
    found
}

fn voter(member: &MemberObservation) -> Option<Voter> {
    let status = member.status.as_ref().and_then(Probe::ok)?;
    let endpoint = Endpoint::parse(&member.endpoint, false).ok()?;
    (!status.is_learner && status.revision > 0).then_some(Voter {
        id: status.member_id,
        endpoint,
        revision: status.revision,
        leads: status.leader == Some(status.member_id),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a revision on a page is a whole number below 2^53, and anything else bounds nothing"
)]
fn compact_revision(member: &MemberObservation) -> Option<i64> {
    let page = member.metrics.as_ref().and_then(Probe::ok)?;
    page.store.compact_revision.map(|revision| revision as i64)
}

/// What the call to the slowest voter is likely to take.
fn likely_call(seen: &[MemberObservation]) -> Duration {
    let likely = seen.iter().filter_map(likely_seconds);
    Duration::try_from_secs_f64(likely.fold(0.0, f64::max)).unwrap_or(Duration::MAX)
}

/// The mean of the hashes that a member has made since its start, or what its size makes likely; `None` of a learner, and
/// where neither is known.
fn likely_seconds(member: &MemberObservation) -> Option<f64> {
    let status = member.status.as_ref().and_then(Probe::ok)?;
    let page = member.metrics.as_ref().and_then(Probe::ok);
    let made = page.and_then(|page| page.disk.hash_rev.as_ref());
    let mean = made.and_then(|made| {
        let (_, count) = made.buckets.last()?;
        (*count > 0.0).then_some(made.sum? / count)
    });
    let by_size = status.db_size_in_use_bytes as f64 * SECONDS_PER_BYTE;
    (!status.is_learner).then_some(mean.unwrap_or(by_size))
}

fn longest_call(round: &HashRound) -> Duration {
    let took = round.answers.iter().map(|answer| answer.hash.took_seconds);
    let longest = took.fold(0.0, f64::max);
    Duration::try_from_secs_f64(longest).unwrap_or(Duration::MAX)
}

/// Asks one member after the other. What came before cannot be compared once compaction moved, so that only the last
/// attempt goes on then.
async fn ask(plan: Plan) -> HashRound {
    let mut round = HashRound {
        began_at: Timestamp::now(),
        suspicion: plan.suspicion,
        revision: plan.revision,
        answers: Vec::with_capacity(plan.members.len()),
        compaction_moved: false,
    };
    for (id, member) in plan.members {
        let (answer, compacted) = ask_member(id, &member, plan.revision, plan.deadline).await;
        round.compaction_moved |= compacted || !has_compacted_as(&round.answers, &answer);
        round.answers.push(answer);
        if round.compaction_moved && !plan.is_last {
            break;
        }
    }
    round
}

/// The answer, and whether the member had compacted the revision already.
async fn ask_member(
    id: MemberId,
    member: &MemberClient,
    revision: i64,
    deadline: Duration,
) -> (HashAnswer, bool) {
    let mut compacted = false;
    let call = async {
        let answer = member.hash_kv(revision, deadline).await;
        let refusal = answer.as_ref().err();
        compacted = refusal.is_some_and(|error| error.kind() == ErrorKind::Compacted);
        answer
    };
    let hash = probe(call, |answer| answers::hash(&answer)).await;
    let answer = HashAnswer {
        endpoint: member.endpoint().to_string(),
        member: id,
        hash,
    };
    (answer, compacted)
}

fn has_compacted_as(before: &[HashAnswer], answer: &HashAnswer) -> bool {
    let compacted = |answer: &HashAnswer| answer.hash.ok().map(|hash| hash.compact_revision);
    let mut known = before.iter().filter_map(compacted);
    compacted(answer).is_none_or(|own| known.all(|other| other == own))
}

#[cfg(test)]
mod tests;
