//! Which members the cluster has.

use etcd_monitor_model::{ListedMember, MembershipView, Probe};

use super::state::AssessState;
use super::view::View;

/// Members taken over from a list: far more than etcd advises (7), few enough that a hostile list costs little.
const MEMBERS_MAX: usize = 1_000;

/// Takes over the cluster id, and the best member list that was answered.
pub(super) fn update(state: &mut AssessState, view: &View<'_>) {
    if state.cluster_id != view.cluster_id {
        state.replace_cluster(view.cluster_id, view.ended_at);
    }
    if let Some(list) = best_list(view) {
        state.agreed = Some(each_once(list));
    }
}

/// A linearizable list (a quorum confirmed it) before serializable ones (what one member believes); among those the
/// one that most members hold.
fn best_list<'a>(view: &View<'a>) -> Option<&'a MembershipView> {
    // A cluster without members is none: whoever says so has no list to give.
    let own = |list: &&MembershipView| {
        Some(list.cluster_id) == view.cluster_id && !list.members.is_empty()
    };
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

fn each_once(list: &MembershipView) -> Vec<ListedMember> {
    let mut members = list.members.clone();
    members.sort_by_key(|member| member.id);
    members.dedup_by_key(|member| member.id);
    members.truncate(MEMBERS_MAX);
    members
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
