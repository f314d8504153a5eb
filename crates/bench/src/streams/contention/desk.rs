//! Who owns a name, as the clients know it: never two at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Leaders of one election that are remembered for what observers tell of them.
const LEADERS_MAX: usize = 1 << 20;

/// One lock or election.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) name: Vec<u8>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    owner: Option<u32>,
    /// When the last owner began to release, until somebody owns.
    release_began: Option<Instant>,
    /// Owners whose revisions are not held against the next one's yet.
    claims: VecDeque<Claim>,
    next_claim: u64,
    found: Found,
    /// Of each leader, by the revision at which its key was made: since when it was awaited.
    leaders: BTreeMap<i64, Instant>,
}

/// One ownership in revisions.
#[derive(Debug)]
struct Claim {
    number: u64,
    owned_at: Option<i64>,
    released_at: Option<i64>,
    /// Nothing more will be known of it.
    is_over: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) overlaps_seen: u64,
    pub(super) overlaps_by_revision: u64,
    pub(super) unverified: u64,
}

impl Desk {
    pub(super) fn new(name: Vec<u8>) -> Self {
        Self {
            name,
            state: Mutex::default(),
        }
    }

    /// A contender knows that it owns. Returns when the owner before began to release, where this one waited already.
    pub(super) fn owns(&self, contender: u32, wanted: Instant) -> Option<Instant> {
        let mut state = self.state();
        state.found.overlaps_seen += u64::from(state.owner.is_some());
        state.owner = Some(contender);
        let began = state.release_began.take();
        began.filter(|began| wanted < *began)
    }

    /// Notes the revision at which a contender owned for sure, and returns the number of this ownership.
    pub(super) fn claims(&self, owned_at: Option<i64>) -> u64 {
        let mut state = self.state();
        let number = state.next_claim;
        state.next_claim += 1;
        state.claims.push_back(Claim {
            number,
            owned_at,
            released_at: None,
            is_over: false,
        });
        number
    }

    /// A contender is about to release.
    pub(super) fn releases(&self, contender: u32) {
        let mut state = self.state();
        if state.owner == Some(contender) {
            state.owner = None;
        }
        state.release_began = Some(Instant::now());
    }

    /// It has released, at this revision; `None` where that is not known.
    pub(super) fn released(&self, claim: u64, at: Option<i64>) {
        let mut state = self.state();
        let of_it = state.claims.iter_mut().find(|known| known.number == claim);
        if let Some(known) = of_it {
            known.released_at = at;
            known.is_over = true;
        }
        state.check();
    }

    /// A leader whose key was made at this revision was awaited since then.
    pub(super) fn leads(&self, create_revision: i64, awaited: Instant) {
        let mut state = self.state();
        if state.leaders.len() < LEADERS_MAX {
            state.leaders.insert(create_revision, awaited);
        }
    }

    /// Since when leaders were awaited, by the revision at which their key was made.
    pub(super) fn leaders(&self) -> BTreeMap<i64, Instant> {
        self.state().leaders.clone()
    }

    /// What was found, when all is over.
    pub(super) fn end(&self) -> Found {
        let mut state = self.state();
        for claim in &mut state.claims {
            claim.is_over = true;
        }
        state.check();
        state.found
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Holds the first against the second, as long as both are known.
    fn check(&mut self) {
        while let (Some(first), Some(second)) = (self.claims.front(), self.claims.get(1)) {
            if !first.is_over {
                return;
            }
            match (first.released_at, second.owned_at) {
                (Some(released), Some(owned)) => {
                    self.found.overlaps_by_revision += u64::from(owned < released);
                }
                _ => self.found.unverified += 1,
            }
            self.claims.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_owners_at_once_are_found_by_the_clock_and_by_revision() {
        let desk = Desk::new(b"name".to_vec());
        let began = Instant::now();
        assert_eq!(desk.owns(1, began), None);
        let first = desk.claims(Some(5));
        desk.releases(1);
        assert!(desk.owns(2, began).is_some(), "it waited");
        let second = desk.claims(Some(7));
        // Answers come in any order.
        desk.released(first, Some(7));
        assert_eq!(desk.end().overlaps_by_revision, 0);
        assert_eq!(desk.end().overlaps_seen, 0);

        desk.owns(3, began);
        let third = desk.claims(Some(8));
        desk.releases(2);
        desk.released(second, Some(9));
        desk.releases(3);
        desk.released(third, None);
        desk.owns(4, Instant::now());
        desk.claims(Some(20));
        let found = desk.end();
        assert_eq!((found.overlaps_seen, found.overlaps_by_revision), (1, 1));
        assert_eq!(found.unverified, 1);
    }
}
