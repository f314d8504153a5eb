//! A clock that was ahead and is right again: what it dated leaves the file, so that storing goes on. And the pace of the
//! retention, which no step of the clock moves.

use std::collections::BTreeSet;

use etcd_monitor_model::SampleBatch;

use super::error::Trouble;
use super::intake::{Taken, group_of};
use super::schema::GroupId;
use super::writer::Writer;
use crate::clock::BEHIND;
use crate::tier::TIERS;

const HOUR: i64 = 3_600_000;

/// What a clock that was ahead left in a file that began then may span this much, in milliseconds.
const SHORT: i64 = HOUR;

/// The rows of a group around a time, in Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// Time of the last row before it.
    pub(crate) before: Option<i64>,
    /// Time of the first row from it on.
    pub(crate) next: Option<i64>,
}

impl Around {
    /// Of times in their order.
    pub(crate) fn of(times: &[i64], at: i64) -> Self {
        let (before, from) = times.split_at(times.partition_point(|it| *it < at));
        Self {
            before: before.last().copied(),
            next: from.first().copied(),
        }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            next: [self.next, other.next].into_iter().flatten().min(),
        }
    }

    /// True where the rows from `at` on, up to the newest, are of a clock that was ahead: `at` lies in a gap, and they span
    /// no more time than has passed since the last row before it. Else the clock may be wrong now, and they may be right.
    fn is_ahead(self, at: i64, newest: i64) -> bool {
        let Some(next) = self.next else {
            return false;
        };
        let passed = self.before.map_or(SHORT, |it| at.saturating_sub(it));
        let spanned = newest.saturating_sub(next);
        next.saturating_sub(at) > BEHIND && spanned <= passed.saturating_add(BEHIND)
    }
}

impl Writer<'_> {
    /// Removes what a clock that was ahead dated, of groups whose batches say that it was set back.
    pub(super) fn drop_ahead(&mut self, batches: &[SampleBatch]) -> Result<(), Trouble> {
        for batch in batches {
            let (group, at) = (group_of(batch), batch.at.as_millisecond());
            let Some(state) = self.index.groups.get_mut(&group) else {
                continue;
            };
            let newest = state.last;
            if state.setback.note(at, newest) && self.around(group, at)?.is_ahead(at, newest) {
                tracing::warn!(
                    cluster = %batch.cluster, at = %batch.at,
                    "the clock was set back; what it dated later leaves the history file"
                );
                self.cut(group, at)?;
            }
        }
        Ok(())
    }

    fn around(&self, group: GroupId, at: i64) -> Result<Around, Trouble> {
        let mut around = self.pending_around(group, at)?;
        for tier in 0..TIERS.len() {
            around = around.join(self.blocks.around(tier, group, at)?);
        }
        Ok(around)
    }

    /// Removes the rows of a group from a time on; those before stay as they are.
    fn cut(&mut self, group: GroupId, at: i64) -> Result<(), Trouble> {
        let mut rows = self.take_pending(group, i64::MAX)?;
        let mut last = i64::MIN;
        for (tier, step) in TIERS.into_iter().enumerate() {
            self.blocks.cut(tier, group, at)?;
            let newest = self.blocks.newest_row(tier, group)?;
            // What was sealed is complete.
            last = last.max(newest.map_or(i64::MIN, |it| it.saturating_add(step - 1)));
        }
        self.index.group(group).last = last;
        self.index.paced = self.index.paced.map(|it| it.min(at));
        self.add(group, rows.split_before(at))
    }

    /// Moves the time that ages are reckoned from towards the clock's: twice as fast as samples cover time, of which no gap
    /// counts for more than an hour. So a clock that is ahead ages the file by no more than two hours, and twice the time
    /// for which it is; after an outage, what is too old goes within as long again.
    pub(super) fn pace(&mut self, newest: Option<i64>, taken: &Taken, now: i64) -> i64 {
        let before = self.index.paced.or(newest).unwrap_or(now);
        let covered = covered(newest, taken);
        let paced = now.min(before.saturating_add(covered.saturating_mul(2)));
        let paced = paced.max(before);
        self.index.paced = Some(paced);
        paced.min(now)
    }
}

/// Milliseconds that the rows of a flush cover after the newest row before them.
fn covered(newest: Option<i64>, taken: &Taken) -> i64 {
    let times = taken.tables.values().flat_map(|it| &it.times).copied();
    let mut before = newest;
    let mut covered = 0_i64;
    for time in times.collect::<BTreeSet<i64>>() {
        if let Some(before) = before {
            covered += time.saturating_sub(before).clamp(0, HOUR);
        }
        before = before.max(Some(time));
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;

    #[test]
    fn only_a_gap_that_was_as_long_as_what_follows_is_of_a_clock_that_was_ahead() {
        let around = |before, next| Around {
            before: Some(before),
            next: Some(next),
        };
        // A year ahead for an hour.
        assert!(around(0, 365 * DAY).is_ahead(HOUR, 365 * DAY + HOUR));
        // Back into a weekend without a monitor, after which it stored for a week.
        assert!(!around(0, 3 * DAY).is_ahead(DAY, 10 * DAY));
        // Back into what was stored.
        assert!(!around(DAY - 10_000, DAY).is_ahead(DAY, 10 * DAY));
        // Back before all that was stored.
        let all = Around {
            before: None,
            next: Some(100 * DAY),
        };
        assert!(!all.is_ahead(0, 130 * DAY));
        // The file began while the clock was ahead.
        assert!(all.is_ahead(0, 100 * DAY + HOUR));
        assert!(!all.is_ahead(0, 100 * DAY + 2 * HOUR));
        assert!(!Around::default().is_ahead(0, DAY));
    }
}
