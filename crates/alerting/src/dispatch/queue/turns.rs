//! Whose turn it is: an index over the entries of a queue, so that no question goes through them all.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// The groups of a queue, and when which of their first is to be tried.
#[derive(Debug, Default)]
pub(super) struct Turns {
    groups: BTreeMap<String, Group>,
    /// The first of their groups that wait for nothing, the fewest attempts first.
    ready: BTreeSet<(u32, u64)>,
    /// The first of their groups that wait after a failure.
    delayed: BTreeSet<(Instant, u32, u64)>,
    /// Those with a newer one of their group behind them.
    superseded: BTreeSet<u64>,
    /// When which is given up.
    expiries: BTreeSet<(Instant, u64)>,
}

#[derive(Debug, Default)]
struct Group {
    numbers: BTreeSet<u64>,
    turn: Option<Turn>,
}

/// The first of a group, while it is not being tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) number: u64,
    pub(super) attempts: u32,
    pub(super) not_before: Option<Instant>,
}

impl Turns {
    /// One joins the end of its group; seldom another place, where it comes from the store.
    pub(super) fn join(&mut self, group: &str, number: u64, expires: Instant) {
        self.expiries.insert((expires, number));
        let group = self.groups.entry(group.to_owned()).or_default();
        group.numbers.insert(number);
        let mut last_two = group.numbers.iter().rev().take(2);
        let is_last = last_two.next() == Some(&number);
        let older = if is_last {
            last_two.next()
        } else {
            Some(&number)
        };
        self.superseded.extend(older);
    }

    /// One leaves its group.
    pub(super) fn leave(&mut self, name: &str, number: u64, expires: Instant) {
        self.expiries.remove(&(expires, number));
        self.superseded.remove(&number);
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        group.numbers.remove(&number);
        if let Some(last) = group.numbers.last() {
            self.superseded.remove(last);
        } else {
            self.take_turn(name, None);
            self.groups.remove(name);
        }
    }

    /// The first of a group has this turn from now on; none while it is being tried.
    pub(super) fn take_turn(&mut self, group: &str, turn: Option<Turn>) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut group.turn, turn) {
            match before.not_before {
                None => self.ready.remove(&(before.attempts, before.number)),
                Some(at) => self.delayed.remove(&(at, before.attempts, before.number)),
            };
        }
        if let Some(turn) = turn {
            match turn.not_before {
                None => self.ready.insert((turn.attempts, turn.number)),
                Some(at) => self.delayed.insert((at, turn.attempts, turn.number)),
            };
        }
    }

    /// The numbers of a group, in order.
    pub(super) fn group(&self, group: &str) -> impl Iterator<Item = u64> {
        let group = self.groups.get(group).into_iter();
        group.flat_map(|group| group.numbers.iter().copied())
    }

    /// The one with the fewest attempts, of those that wait for nothing. Unless `patient`, all count as such.
    pub(super) fn next(&self, now: Instant, patient: bool) -> Option<u64> {
        let until = |(at, _, _): &&(Instant, u32, u64)| !patient || *at <= now;
        let due = self.delayed.iter().take_while(until);
        let due = due.map(|(_, attempts, number)| (*attempts, *number)).min();
        let ready = self.ready.first().copied();
        ready.into_iter().chain(due).min().map(|(_, number)| number)
    }

    /// When, after now, one that is delayed may be tried, or one is given up.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let delayed = self.delayed.range((now, u32::MAX, u64::MAX)..).next();
        let expiry = self.expiries.range((now, u64::MAX)..).next();
        let delayed = delayed.map(|(at, _, _)| *at);
        delayed.into_iter().chain(expiry.map(|(at, _)| *at)).min()
    }

    /// Those that wait after a failure.
    pub(super) fn delayed(&self) -> impl Iterator<Item = u64> {
        self.delayed.iter().map(|(_, _, number)| *number)
    }

    /// Those with a newer one of their group behind them, the oldest first.
    pub(super) fn superseded(&self) -> impl Iterator<Item = u64> {
        self.superseded.iter().copied()
    }

    /// Those whose time is over.
    pub(super) fn expired(&self, now: Instant) -> impl Iterator<Item = u64> {
        let over = self.expiries.range(..=(now, u64::MAX));
        over.map(|(_, number)| *number)
    }
}
