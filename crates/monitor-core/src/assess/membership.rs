//! Which members the cluster has.

use etcd_monitor_model::{MembershipView, Probe};

use super::state::AssessState;
use super::view::View;

/// Takes over the cluster id, and the best member list that was answered.
pub(super) fn update(state: &mut AssessState, view: &View<'_>) {
    if state.cluster_id != view.cluster_id {
        state.replace_cluster(view.cluster_id, view.ended_at);
    }
    if let Some(list) = best_list(view) {
        state.agreed = Some(list.members.clone());
    }
}

/// A linearizable list (a quorum confirmed it) before serializable ones (what one member believes); among those the
/// one that most members hold.
fn best_list<'a>(view: &View<'a>) -> Option<&'a MembershipView> {
    let own = |list: &&MembershipView| Some(list.cluster_id) == view.cluster_id;
    let confirmed = view
        .rows
        .iter()
        .filter_map(|row| row.seen.members_linearizable.as_ref().and_then(Probe::ok))
        .find(own);
    let believed: Vec<&MembershipView> = view
        .rows
        .iter()
        .filter_map(|row| row.seen.members_serializable.as_ref().and_then(Probe::ok))
        .filter(own)
        .collect();
    confirmed.or_else(|| most_held(&believed))
}

fn most_held<'a>(lists: &[&'a MembershipView]) -> Option<&'a MembershipView> {
    let holders = |list: &MembershipView| lists.iter().filter(|other| ***other == *list).count();
    lists.iter().copied().reduce(|best, next| {
        if holders(next) > holders(best) {
            next
        } else {
            best
        }
    })
}
