//! Who leads, and since when.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    Leader, LeaderChange, LeaderChangeCause, MemberId, MemberStatus, Snapshot,
};
use jiff::Timestamp;

use super::state::{AssessState, LEADER_CHANGES_MAX, SeenLeader};
use super::view::View;

/// Notes the leader of this cycle in the state and in the snapshot.
pub(super) fn update(state: &mut AssessState, view: &View<'_>, snapshot: &mut Snapshot) {
    let seen = reported(view);
    if let Some((id, term)) = seen {
        forget_if_terms_began_anew(state, view, id, term);
        note(state, id, term, snapshot.at);
    }
    // Who reports an older term than the one known has been left behind; who leads now is not known then.
    let current = state
        .leader
        .filter(|known| seen.is_some_and(|(_, term)| term >= known.term));
    if current.is_some() {
        state.leader_known_at = Some(snapshot.at);
    }
    snapshot.leader = current.map(|leader| Leader {
        id: leader.id,
        name: state.name_of(leader.id).unwrap_or_default().to_owned(),
        since: leader.since,
        term: leader.term,
    });
    snapshot.leader_changes = state.leader.map(|_| state.leader_changes);
}

/// The leader that most members report at the highest term at which any is reported; a leader of an older term has been
/// deposed. None where most members know none: a deposed leader may be the last to hear of it. A single candidate of a
/// higher term that nobody follows deposes nobody.
fn reported(view: &View<'_>) -> Option<(MemberId, u64)> {
    let follows = |status: &&MemberStatus| status.leader.is_some();
    if most_know_none(view) {
        return None;
    }
    let term = view
        .statuses()
        .filter(follows)
        .map(|status| status.raft_term)
        .max()?;
    let mut votes: BTreeMap<MemberId, usize> = BTreeMap::new();
    for status in view.statuses().filter(|status| status.raft_term == term) {
        if let Some(leader) = status.leader {
            *votes.entry(leader).or_default() += 1;
        }
    }
    votes
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(leader, _)| (leader, term))
}

/// True when more than half of the members that answer Status know no leader.
pub(super) fn most_know_none(view: &View<'_>) -> bool {
    let leaderless = view.statuses().filter(|status| status.leader.is_none());
    leaderless.count() * 2 > view.statuses().count()
}

/// Terms never fall, and a term has one leader, except where a cluster was restored from a snapshot. A minority that was
/// cut off also reports an older term, but no linearizable read succeeds through it.
fn forget_if_terms_began_anew(state: &mut AssessState, view: &View<'_>, id: MemberId, term: u64) {
    let contradicts =
        |known: SeenLeader| known.term > term || (known.term == term && known.id != id);
    if state.leader.is_some_and(contradicts) && view.any_linearizable_read() {
        state.leader = None;
    }
}

fn note(state: &mut AssessState, id: MemberId, term: u64, at: Timestamp) {
    let before = state.leader;
    if before.is_some_and(|known| known.term >= term) {
        return;
    }
    state.leader = Some(SeenLeader {
        id,
        term,
        since: at,
    });
    if let Some(known) = before {
        state.record_elections(at, term - known.term);
        if state.leader_history.len() == LEADER_CHANGES_MAX {
            state.leader_history.pop_front();
        }
        state.leader_history.push_back(LeaderChange {
            at,
            from: Some(known.id),
            to: id,
            term,
            term_rise: Some(term - known.term),
            leaderless_max_seconds: state.leader_known_at.and_then(|then| seconds(then, at)),
            cause: LeaderChangeCause::Unknown,
            evidence: Vec::new(),
        });
    }
}

/// From the one to the other; `None` where the clock went back.
fn seconds(from: Timestamp, to: Timestamp) -> Option<f64> {
    let seconds = to.duration_since(from).as_secs_f64();
    (seconds >= 0.0).then_some(seconds)
}
