//! How far learners have come.

use std::collections::BTreeMap;

use etcd_monitor_model::{LearnerProgress, MemberId, MemberRole, Snapshot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConsensusParameters;
use crate::assess::view::{Row, View};
use crate::assess::window::Window;

/// Share of the leader's log that etcd asks of a learner before it promotes it (`readyPercentThreshold` in its
/// `server/etcdserver/server.go`).
pub(in crate::assess) const READY_SHARE: f64 = 0.9;

/// What is remembered of the learners.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct LearnersMemory {
    learners: BTreeMap<MemberId, Learner>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Learner {
    since: Timestamp,
    applied: u64,
    unmoved_since: Timestamp,
    ready_since: Option<Timestamp>,
    /// False after a cycle in which it did not answer.
    seen: bool,
    #[serde(skip)]
    speeds: Window<Indexes>,
}

/// Applied by the learner and committed by the cluster, when.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Indexes {
    at: Timestamp,
    applied: u64,
    committed: u64,
}

impl LearnersMemory {
    /// Notes where the learners stand, also in the snapshot.
    pub(super) fn update(
        &mut self,
        view: &View<'_>,
        snapshot: &mut Snapshot,
        parameters: &ConsensusParameters,
    ) {
        let is_learner = |id: &MemberId| {
            let member = snapshot
                .members
                .iter()
                .find(|member| member.id == Some(*id));
            member.is_some_and(|member| member.role == MemberRole::Learner)
        };
        self.learners.retain(|id, _| is_learner(id));
        for learner in self.learners.values_mut() {
            learner.seen &= !view.late;
        }
        let committed = committed(view, snapshot);
        for member in &mut snapshot.members {
            let Some(id) = member.id.filter(|_| member.role == MemberRole::Learner) else {
                continue;
            };
            let applied = view.row(id).and_then(applied);
            member.learner = if let Some((applied, committed)) = applied.zip(committed) {
                let indexes = Indexes {
                    at: view.ended_at,
                    applied,
                    committed,
                };
                Some(self.note(id, indexes, parameters))
            } else {
                if let Some(learner) = self.learners.get_mut(&id) {
                    learner.seen = false;
                }
                None
            };
        }
    }

    fn note(
        &mut self,
        id: MemberId,
        indexes: Indexes,
        parameters: &ConsensusParameters,
    ) -> LearnerProgress {
        let now = indexes.at;
        let learner = self
            .learners
            .entry(id)
            .or_insert_with(|| Learner::first_seen(indexes));
        learner.note(indexes, parameters.learner_unmoved_seconds);
        let share = share(indexes);
        let ready = share >= READY_SHARE;
        learner.ready_since =
            ready.then(|| learner.ready_since.map_or(now, |since| since.min(now)));
        let mut progress = LearnerProgress::new(learner.since, share, learner.unmoved_since);
        progress.ready_since = learner.ready_since;
        let before = learner.speeds.oldest().copied();
        let speeds = before.and_then(|before| speeds(before, indexes));
        progress.entries_per_second = speeds.map(|(applied, _)| applied);
        progress.ready_in_seconds = if ready {
            Some(0.0)
        } else {
            speeds.and_then(|speeds| ready_in(indexes, speeds))
        };
        progress
    }
}

impl Learner {
    fn first_seen(indexes: Indexes) -> Self {
        Self {
            since: indexes.at,
            applied: indexes.applied,
            unmoved_since: indexes.at,
            ready_since: None,
            seen: true,
            speeds: Window::default(),
        }
    }

    fn note(&mut self, indexes: Indexes, window_seconds: f64) {
        let now = indexes.at;
        if indexes.applied < self.applied {
            // It restarted, or was given a new snapshot: its speed begins anew.
            self.speeds.clear();
        }
        if indexes.applied != self.applied || !self.seen {
            self.unmoved_since = now;
        }
        self.applied = indexes.applied;
        self.seen = true;
        self.since = self.since.min(now);
        self.unmoved_since = self.unmoved_since.min(now);
        self.speeds.push(now, indexes, window_seconds);
    }
}

/// What a learner has applied. Right after a restart or a snapshot Status lags behind the metric.
fn applied(row: &Row<'_>) -> Option<u64> {
    let status = row.status()?.raft_applied_index;
    let metric = row.page().and_then(|page| page.raft.proposals_applied);
    status.max(metric.and_then(index))
}

/// A raft index from a metric; `None` for what is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be within the integers that a float holds exactly"
)]
fn index(value: f64) -> Option<u64> {
    (0.0..=9_007_199_254_740_992.0)
        .contains(&value)
        .then_some(value as u64)
}

/// What the leader has committed, or the most of what any member knows to be.
fn committed(view: &View<'_>, snapshot: &Snapshot) -> Option<u64> {
    let leader = snapshot.leader.as_ref().map(|leader| leader.id);
    let of_leader = leader.and_then(|id| Some(view.row(id)?.status()?.raft_index));
    of_leader.or_else(|| view.statuses().map(|status| status.raft_index).max())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than 53 bits"
)]
fn share(indexes: Indexes) -> f64 {
    if indexes.applied >= indexes.committed {
        return 1.0;
    }
    indexes.applied as f64 / indexes.committed as f64
}

/// Entries per second that the learner applied and that the cluster committed.
#[expect(
    clippy::cast_precision_loss,
    reason = "a speed needs no more than 53 bits"
)]
fn speeds(before: Indexes, now: Indexes) -> Option<(f64, f64)> {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    let applied = now.applied.checked_sub(before.applied)?;
    let committed = now.committed.saturating_sub(before.committed);
    (seconds > 0.0).then(|| (applied as f64 / seconds, committed as f64 / seconds))
}

/// Seconds until the learner has come to 90 % of what is committed by then.
#[expect(
    clippy::cast_precision_loss,
    reason = "a forecast needs no more than 53 bits"
)]
fn ready_in(now: Indexes, (applied, committed): (f64, f64)) -> Option<f64> {
    let missing = READY_SHARE * now.committed as f64 - now.applied as f64;
    let nearing = applied - READY_SHARE * committed;
    (nearing > 0.0).then(|| (missing / nearing).max(0.0))
}
