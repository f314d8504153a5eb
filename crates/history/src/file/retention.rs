//! What leaves the file: what is too old, and what is too much.

use std::time::Duration;

use super::error::Trouble;
use super::schema::GroupId;
use super::writer::{Limits, Writer};
use crate::tier::TIERS;

/// How long and how much a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Age of the oldest samples as they were measured. Older ones become buckets of one minute.
    pub samples: Duration,
    /// Age of the oldest buckets of one minute; older than that there are only buckets of ten minutes.
    pub minutes: Duration,
    /// Age of the oldest buckets of ten minutes.
    pub ten_minutes: Duration,
    /// Bytes that the file may have allocated on the disk; at least 4 MiB. Its length may be up to twice that, with holes
    /// that take no room.
    pub bytes: u64,
}

const DAY: u64 = 24 * 3600;
const DAY_MS: i64 = 24 * 3_600_000;

impl Default for Retention {
    /// 30 days of samples, 90 of minutes, 400 of ten minutes, 2 GiB.
    fn default() -> Self {
        Self {
            samples: Duration::from_secs(30 * DAY),
            minutes: Duration::from_secs(90 * DAY),
            ten_minutes: Duration::from_secs(400 * DAY),
            bytes: 2 << 30,
        }
    }
}

/// A step of the size retention takes away the oldest block of the tier that gives, and those that end at most so much later.
const STEP: i64 = DAY_MS / 4;

/// Rows of a minute from which on its bucket, of four columns, takes less room than they do.
const WORTH: usize = 4;

/// Steps in one transaction, so that none takes long.
const STEPS_MAX: usize = 16;

/// Which tier gives when the file is too large, as long as it has something older than so many days.
const GIVING: [(usize, i64); 4] = [(1, 30), (0, 7), (1, 7), (0, 1)];

impl Retention {
    /// Age of the oldest rows of a tier, in milliseconds.
    pub(crate) fn age(&self, tier: usize) -> i64 {
        let age = [self.samples, self.minutes, self.ten_minutes][tier];
        i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Removes what is too old; then, while too many bytes are in use, what is worth least: the oldest minutes and samples in
/// turns as [`GIVING`] says, then whatever is oldest.
pub(crate) fn apply(writer: &mut Writer<'_>, limits: Limits<'_>) -> Result<(), Trouble> {
    for tier in 0..TIERS.len() {
        let age = limits.retention.age(tier);
        drop_before(writer, tier, limits.now.saturating_sub(age), limits, 1)?;
    }
    for _ in 0..STEPS_MAX {
        if writer.blocks.sizes.iter().sum::<u64>() <= limits.live_max {
            break;
        }
        let Some((tier, oldest)) = next_to_give(writer, limits.now)? else {
            break;
        };
        let (start, group) = oldest;
        let last = writer.blocks.last_row(tier, group, start)?.unwrap_or(start);
        drop_before(writer, tier, last.saturating_add(STEP), limits, WORTH)?;
    }
    writer.forget_empty_groups()
}

/// Start and group of the oldest block of a tier.
type Oldest = (i64, GroupId);

/// The tier that gives next, with the start and the group of its oldest block; `None` where no tier has a block.
fn next_to_give(writer: &Writer<'_>, now: i64) -> Result<Option<(usize, Oldest)>, Trouble> {
    let mut oldest = [None; TIERS.len()];
    for (tier, oldest) in oldest.iter_mut().enumerate() {
        for group in writer.index.groups.keys() {
            let start = writer.blocks.oldest(tier, *group)?;
            let block = start.map(|it| (it, *group));
            *oldest = [*oldest, block].into_iter().flatten().min();
        }
    }
    let gives = |(tier, days): &(usize, i64)| {
        oldest[*tier].is_some_and(|it| it.0 < now.saturating_sub(days * DAY_MS))
    };
    if let Some((tier, _)) = GIVING.into_iter().find(gives) {
        return Ok(oldest[tier].map(|it| (tier, it)));
    }
    let of_all = oldest.into_iter().enumerate();
    Ok(of_all
        .filter_map(|(tier, oldest)| Some((tier, oldest?)))
        .min_by_key(|it| it.1))
}

/// Removes the blocks of a tier whose rows are all from before a time, or begin before it where that cannot be read.
/// Samples become minutes, as far as those are kept, where a minute has so many rows.
fn drop_before(
    writer: &mut Writer<'_>,
    tier: usize,
    time: i64,
    limits: Limits<'_>,
    rows_of_a_minute: usize,
) -> Result<(), Trouble> {
    let minutes_since = limits.now.saturating_sub(limits.retention.age(1));
    let groups: Vec<GroupId> = writer.index.groups.keys().copied().collect();
    for group in groups {
        for start in writer.blocks.starts_before(tier, group, time)? {
            match writer.blocks.last_row(tier, group, start)? {
                Some(last) if last >= time => {}
                Some(last) if tier == 0 && last >= minutes_since => {
                    writer.blocks.coarsen(group, start, rows_of_a_minute)?;
                }
                _ => writer.blocks.remove(tier, group, start)?,
            }
        }
    }
    Ok(())
}
