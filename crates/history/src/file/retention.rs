//! What leaves the file: what is too old, and what is too much.

use std::time::Duration;

use super::error::Trouble;
use super::schema::GroupId;
use super::writer::Writer;
use crate::tier::TIERS;

/// How long and how much a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Age of the oldest samples as they were measured.
    pub samples: Duration,
    /// Age of the oldest buckets of one minute.
    pub minutes: Duration,
    /// Age of the oldest buckets of ten minutes.
    pub ten_minutes: Duration,
    /// Bytes allocated in the file. The file itself is longer, since it grows in large steps, but what is not allocated
    /// takes no room on the disk, or is used again.
    pub bytes: u64,
}

const DAY: u64 = 24 * 3600;
const DAY_MS: i64 = 24 * 3_600_000;

impl Default for Retention {
    /// 30 days of samples, 90 of minutes, 400 of ten minutes, 1 GiB.
    fn default() -> Self {
        Self {
            samples: Duration::from_secs(30 * DAY),
            minutes: Duration::from_secs(90 * DAY),
            ten_minutes: Duration::from_secs(400 * DAY),
            bytes: 1 << 30,
        }
    }
}

/// What a step of the size retention takes away: so much time of the tier that gives.
const STEP: i64 = DAY_MS / 4;

/// Days that a tier keeps as long as a coarser one still has something to give, the finest first.
const KEPT_DAYS: [i64; TIERS.len()] = [1, 7, 0];

/// Removes what is too old; then, while the file is too large, the oldest: first of the samples until a day is left, then
/// of the minutes until a week is left, then of whatever is oldest.
pub(crate) fn apply(
    writer: &mut Writer<'_>,
    retention: &Retention,
    now: i64,
) -> Result<(), Trouble> {
    let ages = [retention.samples, retention.minutes, retention.ten_minutes];
    for (tier, age) in ages.into_iter().enumerate() {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        drop_before(writer, tier, now.saturating_sub(age))?;
    }
    while writer.blocks.sizes.iter().sum::<u64>() > retention.bytes {
        let Some((tier, oldest)) = next_to_give(writer, now)? else {
            break;
        };
        drop_before(writer, tier, oldest.saturating_add(STEP))?;
    }
    Ok(())
}

/// The tier that gives next, and the time of its oldest block; `None` where no tier has a block.
fn next_to_give(writer: &Writer<'_>, now: i64) -> Result<Option<(usize, i64)>, Trouble> {
    let mut oldest_of_all = None;
    for (tier, days) in KEPT_DAYS.into_iter().enumerate() {
        let mut oldest = None;
        for group in writer.index.groups.keys() {
            let start = writer.blocks.oldest(tier, *group)?;
            oldest = [oldest, start].into_iter().flatten().min();
        }
        let Some(oldest) = oldest else {
            continue;
        };
        if oldest < now.saturating_sub(days * DAY_MS) {
            return Ok(Some((tier, oldest)));
        }
        oldest_of_all = [oldest_of_all, Some((tier, oldest))]
            .into_iter()
            .flatten()
            .min_by_key(|it| it.1);
    }
    Ok(oldest_of_all)
}

/// Removes the blocks of a tier whose rows are all from before a time, or begin before it where that cannot be read.
fn drop_before(writer: &mut Writer<'_>, tier: usize, time: i64) -> Result<(), Trouble> {
    let groups: Vec<GroupId> = writer.index.groups.keys().copied().collect();
    for group in groups {
        for start in writer.blocks.starts_before(tier, group, time)? {
            if writer
                .blocks
                .last_row(tier, group, start)?
                .is_none_or(|last| last < time)
            {
                writer.blocks.remove(tier, group, start)?;
            }
        }
        if tier == 0 {
            forget_pending(writer, group, time)?;
        }
    }
    Ok(())
}

/// Removes the rows of a member that is gone for so long that they never became a block.
fn forget_pending(writer: &mut Writer<'_>, group: GroupId, time: i64) -> Result<(), Trouble> {
    let state = *writer.index.group(group);
    if state.pending_rows > 0 && state.last < time {
        writer.take_pending(group, i64::MAX)?;
    }
    Ok(())
}
