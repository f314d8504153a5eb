//! Which put made which revision.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use crate::streams::puts::Acknowledged;

/// Puts that are remembered: events of older ones count, but have no latency. About 60 MiB.
const REMEMBERED_MAX: usize = 1 << 19;

/// Puts by their revision.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    /// Revision of the first that is remembered.
    first: i64,
    /// Revisions one after the other; `None` for those that nobody has acknowledged yet.
    puts: VecDeque<Option<Acknowledged>>,
    count: u64,
    /// Of each key: how many puts, and the revision of the last.
    of_keys: BTreeMap<u64, (u64, i64)>,
}

/// What is known of a revision.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    /// This put made it.
    Put(Acknowledged),
    /// It is too old to be remembered.
    Forgotten,
    /// Nobody has acknowledged it, or not yet.
    Not,
}

impl Acknowledgements {
    pub(super) fn note(&mut self, put: Acknowledged) {
        if self.count == 0 {
            self.first = put.revision;
        }
        self.count += 1;
        let (count, last) = self.of_keys.entry(put.key).or_default();
        *count += 1;
        *last = put.revision.max(*last);
        // Answers come in any order: one of before the first.
        while put.revision < self.first && self.puts.len() < REMEMBERED_MAX {
            self.puts.push_front(None);
            self.first -= 1;
        }
        let Some(place) = self.place(put.revision) else {
            return;
        };
        if place < 2 * REMEMBERED_MAX {
            while self.puts.len() <= place {
                self.puts.push_back(None);
            }
            if let Some(known) = self.puts.get_mut(place) {
                *known = Some(put);
            }
        }
        while self.puts.len() > REMEMBERED_MAX {
            self.puts.pop_front();
            self.first += 1;
        }
    }

    fn place(&self, revision: i64) -> Option<usize> {
        usize::try_from(revision.checked_sub(self.first)?).ok()
    }

    pub(super) fn of(&self, revision: i64) -> Known {
        let is_full = self.puts.len() >= REMEMBERED_MAX;
        let Some(place) = self.place(revision) else {
            return if is_full {
                Known::Forgotten
            } else {
                Known::Not
            };
        };
        match self.puts.get(place) {
            Some(Some(put)) => Known::Put(*put),
            _ => Known::Not,
        }
    }

    /// All of them.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Puts to this key.
    pub(super) fn of_key(&self, key: u64) -> u64 {
        self.of_keys.get(&key).map_or(0, |(count, _)| *count)
    }

    /// Puts to this key after this revision, as far as they are remembered.
    pub(super) fn of_key_after(&self, key: u64, revision: i64) -> u64 {
        let skipped = self.place(revision + 1).unwrap_or(0);
        let later = self.puts.iter().skip(skipped).flatten();
        later.filter(|put| put.key == key).count() as u64
    }
}

pub(super) fn lock(
    acknowledged: &RwLock<Acknowledgements>,
) -> RwLockWriteGuard<'_, Acknowledgements> {
    acknowledged.write().unwrap_or_else(PoisonError::into_inner)
}

/// Of each key the revision of the last put, when it is asked.
pub(super) fn last_of_keys(
    acknowledged: &RwLock<Acknowledgements>,
) -> impl FnOnce() -> BTreeMap<u64, i64> {
    || {
        let acknowledged = lock(acknowledged);
        let of_keys = acknowledged.of_keys.iter();
        of_keys.map(|(key, (_, last))| (*key, *last)).collect()
    }
}
