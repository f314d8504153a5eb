//! Member lists compared: who lists whom, and who claims to lead.

use std::collections::{BTreeMap, BTreeSet};

use etcd_monitor_model::{MemberId, MemberStatus, MembershipView, Probe};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::state::AssessState;
use crate::assess::view::{Row, View};

/// What is remembered of the members' lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct ListsMemory {
    confirmed: Option<Confirmed>,
    /// Cycles in a row in which a member proved to list others than the confirmed ones.
    differing: BTreeMap<MemberId, u32>,
    /// Cycles in a row in which a member answered that the confirmed list does not have.
    unlisted: BTreeMap<MemberId, u32>,
    /// Since when a member is listed that has not started.
    not_started: BTreeMap<MemberId, Timestamp>,
    /// Cycles in a row in which two members claimed to lead one term.
    two_leaders: u32,
    /// True when a list was confirmed in this cycle.
    #[serde(skip)]
    fresh: bool,
}

/// The members that a quorum confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Confirmed {
    members: BTreeSet<MemberId>,
    /// The highest commit index when they were first seen: who has applied it has applied every change before.
    commit_index: u64,
}

/// How a member's own list compares with the confirmed one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::assess) enum Listing {
    Same,
    /// It differs although it cannot be old; for so many cycles in a row.
    Different {
        cycles: u32,
        extra: Vec<MemberId>,
        lacking: Vec<MemberId>,
    },
    Unknown(String),
}

impl ListsMemory {
    pub(super) fn update(&mut self, state: &AssessState, view: &View<'_>) {
        self.note_confirmed(view);
        self.note_not_started(state, view.ended_at);
        self.two_leaders = match leaders_of_one_term(view) {
            Some(_) => self.two_leaders.saturating_add(1),
            None if view.statuses().next().is_some() => 0,
            None => self.two_leaders,
        };
    }

    fn note_confirmed(&mut self, view: &View<'_>) {
        let incumbent = self.confirmed.as_ref().map(|known| &known.members);
        let Some(members) = most_confirmed(view, incumbent) else {
            self.fresh = false;
            return;
        };
        self.fresh = true;
        if incumbent != Some(&members) {
            let committed = view.statuses().map(|status| status.raft_index).max();
            self.confirmed = Some(Confirmed {
                members,
                commit_index: committed.unwrap_or(u64::MAX),
            });
            // The answers of one cycle may be from before and after the change: counting begins with the next.
            self.differing.clear();
            self.unlisted.clear();
            return;
        }
        self.count(view);
    }

    fn count(&mut self, view: &View<'_>) {
        let (mut differing, mut unlisted) = (BTreeMap::new(), BTreeMap::new());
        let more = |known: &BTreeMap<MemberId, u32>, id| {
            known
                .get(&id)
                .copied()
                .unwrap_or_default()
                .saturating_add(1)
        };
        for row in view.own() {
            let Some(id) = row.id else { continue };
            if matches!(self.listing_of(row), Listing::Different { .. }) {
                differing.insert(id, more(&self.differing, id));
            }
            if row.status().is_some() && self.lists(id) == Some(false) {
                unlisted.insert(id, more(&self.unlisted, id));
            }
        }
        self.differing = differing;
        self.unlisted = unlisted;
    }

    fn note_not_started(&mut self, state: &AssessState, now: Timestamp) {
        let listed = state.members().unwrap_or_default().iter();
        let waiting =
            listed.filter(|member| member.name.is_empty() || member.client_urls.is_empty());
        let since = waiting.map(|member| {
            let known = self.not_started.get(&member.id).copied();
            (member.id, known.map_or(now, |since| since.min(now)))
        });
        self.not_started = since.collect();
    }

    /// Whether the list that a quorum confirmed in this cycle has a member; `None` when none was confirmed.
    pub(in crate::assess) fn lists(&self, id: MemberId) -> Option<bool> {
        let confirmed = self.confirmed.as_ref().filter(|_| self.fresh)?;
        Some(confirmed.members.contains(&id))
    }

    /// Cycles in a row in which a member answered that the confirmed list does not have.
    pub(in crate::assess) fn unlisted_cycles(&self, id: MemberId) -> u32 {
        self.unlisted.get(&id).copied().unwrap_or_default()
    }

    /// Since when a member is listed that has not started.
    pub(in crate::assess) fn not_started_since(&self, id: MemberId) -> Option<Timestamp> {
        self.not_started.get(&id).copied()
    }

    /// Cycles in a row in which two members claimed to lead one term.
    pub(in crate::assess) fn two_leaders_cycles(&self) -> u32 {
        self.two_leaders
    }

    /// How the list of a member compares with the confirmed one.
    ///
    /// A linearizable list is up to date. A serializable one is the member's own, and may be old: it proves a difference
    /// only once the member has applied everything that was committed when the confirmed list was first seen.
    pub(in crate::assess) fn listing_of(&self, row: &Row<'_>) -> Listing {
        let Some(confirmed) = self.confirmed.as_ref().filter(|_| self.fresh) else {
            return Listing::Unknown("no member answered a linearizable member list".to_owned());
        };
        let current = list(row.seen.members_linearizable.as_ref());
        let Some(own) = current.or_else(|| list(row.seen.members_serializable.as_ref())) else {
            return Listing::Unknown("the member answered no member list".to_owned());
        };
        let own = ids(own);
        if own == confirmed.members {
            return Listing::Same;
        }
        let applied = row.status().and_then(|status| status.raft_applied_index);
        if current.is_none() && applied.is_none_or(|applied| applied < confirmed.commit_index) {
            return Listing::Unknown(format!(
                "its list differs, but may be old: it has not applied the log up to index {}, and confirms no list with a quorum",
                confirmed.commit_index
            ));
        }
        let cycles = row.id.and_then(|id| self.differing.get(&id)).copied();
        Listing::Different {
            cycles: cycles.unwrap_or_default(),
            extra: own.difference(&confirmed.members).copied().collect(),
            lacking: confirmed.members.difference(&own).copied().collect(),
        }
    }
}

fn list(probe: Option<&Probe<MembershipView>>) -> Option<&MembershipView> {
    probe?.ok().filter(|list| !list.members.is_empty())
}

fn ids(list: &MembershipView) -> BTreeSet<MemberId> {
    list.members.iter().map(|member| member.id).collect()
}

/// The list that most members confirmed with a quorum; among equals the one known before.
fn most_confirmed(
    view: &View<'_>,
    incumbent: Option<&BTreeSet<MemberId>>,
) -> Option<BTreeSet<MemberId>> {
    let mut holders: Vec<(BTreeSet<MemberId>, BTreeSet<MemberId>)> = Vec::new();
    for row in view.own() {
        let (Some(list), Some(holder)) = (list(row.seen.members_linearizable.as_ref()), row.id)
        else {
            continue;
        };
        let members = ids(list);
        match holders.iter_mut().find(|(known, _)| *known == members) {
            Some((_, known)) => {
                known.insert(holder);
            }
            None => holders.push((members, BTreeSet::from([holder]))),
        }
    }
    let rank = |(members, held_by): &(BTreeSet<MemberId>, BTreeSet<MemberId>)| {
        (held_by.len(), incumbent == Some(members))
    };
    let best = holders.into_iter().max_by_key(rank)?;
    Some(best.0)
}

/// Two members that each say they lead, at the same term.
pub(in crate::assess) fn leaders_of_one_term<'a>(
    view: &View<'a>,
) -> Option<(&'a MemberStatus, &'a MemberStatus)> {
    let mut leads: BTreeMap<u64, &MemberStatus> = BTreeMap::new();
    let claims = |status: &&MemberStatus| status.leader == Some(status.member_id);
    for status in view.statuses().filter(claims) {
        let first = *leads.entry(status.raft_term).or_insert(status);
        if first.member_id != status.member_id {
            return Some((first, status));
        }
    }
    None
}
