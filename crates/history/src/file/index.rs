//! What is known of the file without reading its blocks.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_monitor_model::{SeriesKey, SeriesSelector};
use redb::{ReadTransaction, ReadableTable};

use super::error::Trouble;
use super::part::{self, Part};
use super::scan;
use super::schema::{GroupId, META, NAMES, PARTS, PENDING, read_name, read_numbers};
use super::{part::PartKey, pending};
use crate::bytes::BadBlock;
use crate::clock::Setback;
use crate::rows::SeriesId;
use crate::tier::TIERS;

/// Tables whose bytes are counted: pending, and the tiers.
pub(crate) const SIZES: usize = 1 + TIERS.len();

/// Name of the record of sizes.
pub(crate) const SIZES_RECORD: &str = "sizes";

/// Name of the record of the time that ages are reckoned from.
pub(crate) const PACED_RECORD: &str = "paced";

/// What is known of the whole file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) groups: HashMap<GroupId, GroupState>,
    /// Shared between copies, since it seldom changes.
    pub(crate) names: Arc<Names>,
    /// Bytes allocated, about: of pending rows, and of each tier.
    pub(crate) sizes: [u64; SIZES],
    /// The time that ages are reckoned from, in Unix milliseconds; `None` before the first write.
    pub(crate) paced: Option<i64>,
}

/// What the ids stand for.
pub(crate) type Names = HashMap<(GroupId, SeriesId), SeriesKey>;

/// What is known of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupState {
    /// Time of the newest row; `i64::MIN` where there is none.
    pub(crate) last: i64,
    /// Rows that are not yet in a block.
    pub(crate) pending_rows: usize,
    /// Time of the first of them; `i64::MAX` where there is none.
    pub(crate) pending_since: i64,
    /// Batches in a row that were far older than the newest row.
    pub(crate) setback: Setback,
}

impl Default for GroupState {
    fn default() -> Self {
        Self {
            last: i64::MIN,
            pending_rows: 0,
            pending_since: i64::MAX,
            setback: Setback::default(),
        }
    }
}

impl Index {
    /// Reads the index, and tells how many records were damaged.
    pub(crate) fn load(txn: &ReadTransaction) -> Result<(Self, u64), Trouble> {
        let mut index = Self::default();
        let mut damaged = index.load_names(txn)?;
        damaged += index.load_pending(txn)?;
        index.load_newest_blocks(txn)?;
        let meta = txn.open_table(META)?;
        index.sizes = match read_numbers(&meta, SIZES_RECORD)? {
            Some(sizes) => sizes,
            None => measure(txn)?,
        };
        let paced = read_numbers(&meta, PACED_RECORD)?;
        index.paced = paced.map(|[it]: [u64; 1]| it.cast_signed());
        Ok((index, damaged))
    }

    /// The series that a selector matches, in order.
    pub(crate) fn matching(
        &self,
        selector: &SeriesSelector,
    ) -> Vec<(SeriesKey, GroupId, SeriesId)> {
        let names = self.names.iter().filter(|(_, key)| selector.matches(key));
        let mut found: Vec<_> = names
            .map(|((group, series), key)| (key.clone(), *group, *series))
            .collect();
        found.sort();
        found
    }

    fn load_names(&mut self, txn: &ReadTransaction) -> Result<u64, Trouble> {
        let mut damaged = 0;
        let all = (0, 0)..=(u64::MAX, u64::MAX);
        scan::each(&txn.open_table(NAMES)?, all, |id, name| {
            match read_name(id, name) {
                Some(key) => {
                    self.group(id.0);
                    Arc::make_mut(&mut self.names).insert(id, key);
                }
                None => damaged += 1,
            }
            Ok(())
        })?;
        Ok(damaged)
    }

    fn load_pending(&mut self, txn: &ReadTransaction) -> Result<u64, Trouble> {
        let mut damaged = 0;
        let all = (0, i64::MIN)..=(u64::MAX, i64::MAX);
        scan::each(&txn.open_table(PENDING)?, all, |key, record| {
            let group = self.group(key.0);
            group.pending_since = group.pending_since.min(key.1);
            match pending::head(key, record) {
                Ok((rows, last)) => {
                    group.pending_rows += rows;
                    group.last = group.last.max(last);
                }
                Err(BadBlock) => damaged += 1,
            }
            Ok(())
        })?;
        Ok(damaged)
    }

    fn load_newest_blocks(&mut self, txn: &ReadTransaction) -> Result<(), Trouble> {
        let parts = txn.open_table(PARTS)?;
        for (tier, step) in TIERS.into_iter().enumerate() {
            let mut from = (tier_byte(tier), 0, i64::MIN, 0);
            let end = (tier_byte(tier), u64::MAX, i64::MAX, u64::MAX);
            while let Some((key, _)) = scan::first(&parts, from..=end)? {
                let group = key.1;
                if let Some((key, record)) = scan::last(&parts, whole_group(tier, group))? {
                    // One that cannot be read is found when it is merged.
                    let last = Part::read(key, record.value()).map_or(key.2, |part| part.last);
                    let state = self.group(group);
                    state.last = state.last.max(last.saturating_add(step - 1));
                }
                let Some(next) = group.checked_add(1) else {
                    break;
                };
                from.1 = next;
            }
        }
        Ok(())
    }

    /// Time of the newest row of all; `None` where there is none.
    pub(crate) fn newest(&self) -> Option<i64> {
        let newest = self.groups.values().map(|it| it.last).max();
        newest.filter(|it| *it > i64::MIN)
    }

    /// The state of a group, made where it is new.
    pub(crate) fn group(&mut self, group: GroupId) -> &mut GroupState {
        self.groups.entry(group).or_default()
    }
}

/// The keys of all blocks of a group in a tier.
pub(crate) fn whole_group(tier: usize, group: GroupId) -> std::ops::RangeInclusive<PartKey> {
    let tier = tier_byte(tier);
    (tier, group, i64::MIN, 0)..=(tier, group, i64::MAX, u64::MAX)
}

/// A tier as it stands in keys.
pub(crate) fn tier_byte(tier: usize) -> u8 {
    u8::try_from(tier).expect("there are three tiers")
}

/// Counts all bytes by reading the whole file, where the record of them is lost.
pub(super) fn measure(txn: &ReadTransaction) -> Result<[u64; SIZES], Trouble> {
    let mut sizes = [0; SIZES];
    for entry in txn.open_table(PENDING)?.iter()? {
        sizes[0] += part::allocated(entry?.1.value().len() as u64);
    }
    for entry in txn.open_table(PARTS)?.iter()? {
        let (key, record) = entry?;
        if let Some(size) = sizes.get_mut(usize::from(key.value().0) + 1) {
            *size += part::allocated(record.value().len() as u64);
        }
    }
    Ok(sizes)
}
