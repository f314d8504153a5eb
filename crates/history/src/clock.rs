//! What a clock that was ahead, and is right again, does to the order of samples.

/// So much older than the newest, in milliseconds, is not late: the clock was set back. Longer than the ten minutes of the
/// coarsest buckets.
pub(crate) const BEHIND: i64 = 15 * 60_000;

/// So many batches in a row are no accident.
const IN_A_ROW: u8 = 3;

/// Batches in a row of one group that are far older than its newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Setback {
    in_a_row: u8,
}

impl Setback {
    /// Notes the time of a batch beside the newest time of its group; true when the clock was set back, once for several
    /// batches in a row.
    pub(crate) fn note(&mut self, at: i64, newest: i64) -> bool {
        if newest.saturating_sub(at) <= BEHIND {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row += 1;
        let is_set_back = self.in_a_row >= IN_A_ROW;
        if is_set_back {
            self.in_a_row = 0;
        }
        is_set_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_batch_is_no_setback_and_several_far_older_ones_are() {
        let mut setback = Setback::default();
        let mut note = |at| setback.note(at, 10 * BEHIND);
        assert!(![9 * BEHIND, 9 * BEHIND, 11 * BEHIND].map(&mut note)[2]);
        assert_eq!([0, 1, 9 * BEHIND].map(&mut note), [false; 3]);
        assert_eq!([0, 1, 2, 3].map(&mut note), [false, false, true, false]);
    }
}
