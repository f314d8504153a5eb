//! How much may be in use in the file, so that what is allocated on the disk stays under its limit.
//!
//! redb writes anew what it changes, and uses what it freed later again, but gives nothing back to the disk while it runs:
//! what is allocated is the most that ever was in use, with gaps. So what is in use has to stay below the limit by a
//! reserve, and where the file grows nevertheless, by more.

use std::time::{Duration, Instant};

/// The least limit: below it the reserve would be smaller than what one transaction takes.
const LIMIT_MIN: u64 = 4 << 20;

/// After a compaction the next one waits so long.
const COMPACTION_PAUSE: Duration = Duration::from_mins(10);

/// The limit, and what follows from it.
#[derive(Debug)]
pub(crate) struct Space {
    limit: u64,
    /// Bytes that may be in use.
    live_max: u64,
    /// Bytes allocated when they were last looked at.
    allocated: u64,
    compacted: Option<Instant>,
}

impl Space {
    pub(crate) fn new(limit: u64) -> Self {
        let limit = limit.max(LIMIT_MIN);
        Self {
            limit,
            live_max: limit - reserve(limit),
            allocated: 0,
            compacted: None,
        }
    }

    pub(crate) fn live_max(&self) -> u64 {
        self.live_max
    }

    /// Takes note of what is allocated and what is in use. True where only a compaction brings the file under its limit.
    pub(crate) fn look(&mut self, allocated: u64, live: u64) -> bool {
        let near = self.limit - self.limit / 32;
        if allocated > self.allocated.max(near) {
            // It cannot grow further, so something has to leave before anything comes.
            self.live_max = self.live_max.min(live - live / 64).max(self.limit / 2);
        }
        self.allocated = allocated;
        let rested = self
            .compacted
            .is_none_or(|it| it.elapsed() >= COMPACTION_PAUSE);
        allocated > self.limit && live <= self.limit - reserve(self.limit) && rested
    }

    /// The file was compacted.
    pub(crate) fn compacted(&mut self, allocated: u64) {
        self.allocated = allocated;
        self.compacted = Some(Instant::now());
    }
}

/// What one transaction may write anew, and gaps.
fn reserve(limit: u64) -> u64 {
    (limit / 8).max(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_file_that_grows_near_its_limit_may_use_less() {
        let mut space = Space::new(64 * MIB);
        assert_eq!(space.live_max(), 56 * MIB);
        assert!(!space.look(50 * MIB, 48 * MIB));
        assert_eq!(space.live_max(), 56 * MIB);
        assert!(!space.look(63 * MIB, 55 * MIB));
        let less = space.live_max();
        assert!(less < 55 * MIB);
        assert!(!space.look(63 * MIB, 55 * MIB));
        assert_eq!(space.live_max(), less, "it did not grow");
    }

    #[test]
    fn a_file_above_its_limit_is_compacted_when_enough_has_left() {
        let mut space = Space::new(64 * MIB);
        assert!(!space.look(100 * MIB, 90 * MIB));
        assert!(space.look(100 * MIB, 50 * MIB));
        space.compacted(55 * MIB);
        assert!(
            !space.look(100 * MIB, 50 * MIB),
            "it was compacted just now"
        );
    }
}
