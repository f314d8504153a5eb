//! Who leads, and since when.

use std::collections::BTreeMap;

use etcd_monitor_model::{Leader, LeaderChange, MemberId, Snapshot};
use jiff::Timestamp;

use super::state::{AssessState, LEADER_CHANGES_MAX, SeenLeader};
use super::view::View;

/// Notes the leader of this cycle in the state and in the snapshot.
pub(super) fn update(state: &mut AssessState, view: &View<'_>, snapshot: &mut Snapshot) {
    let seen = reported(view);
    if let Some((id, term)) = seen {
        forget_if_terms_began_anew(state, view, term);
        note(state, id, term, snapshot.at);
    }
    snapshot.leader = seen.and(state.leader).map(|leader| Leader {
        id: leader.id,
        name: state.name_of(leader.id).unwrap_or_default().to_owned(),
        since: leader.since,
        term: leader.term,
    });
    snapshot.leader_changes = state.leader.map(|_| state.leader_changes);
    snapshot.leader_history = state.leader_history.iter().cloned().collect();
}

/// The leader that most members report at the highest term; a leader of an older term has been deposed.
fn reported(view: &View<'_>) -> Option<(MemberId, u64)> {
    let term = view.statuses().map(|status| status.raft_term).max()?;
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

/// Terms never fall, except where a cluster was restored from a snapshot. A minority that was cut off also reports an
/// older term, but no linearizable read succeeds through it.
fn forget_if_terms_began_anew(state: &mut AssessState, view: &View<'_>, term: u64) {
    if state.leader.is_some_and(|known| known.term > term) && view.any_linearizable_read() {
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
        });
    }
}
