//! What is known of the file without reading its blocks.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_monitor_model::{SeriesKey, SeriesSelector};
use redb::{ReadTransaction, ReadableTable};

use super::error::Trouble;
use super::part::{self, Part};
use super::schema::{GroupId, META, NAMES, PARTS, PENDING, read_name, read_numbers};
use super::{part::PartKey, pending};
use crate::rows::SeriesId;
use crate::tier::TIERS;

/// Tables whose bytes are counted: pending, and the tiers.
pub(crate) const SIZES: usize = 1 + TIERS.len();

/// Name of the record of sizes.
pub(crate) const SIZES_RECORD: &str = "sizes";

/// What is known of the whole file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) groups: HashMap<GroupId, GroupState>,
    /// Shared between copies, since it seldom changes.
    pub(crate) names: Arc<Names>,
    /// Bytes allocated, about: of pending rows, and of each tier.
    pub(crate) sizes: [u64; SIZES],
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
}

impl Default for GroupState {
    fn default() -> Self {
        Self {
            last: i64::MIN,
            pending_rows: 0,
            pending_since: i64::MAX,
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
        for entry in txn.open_table(NAMES)?.iter()? {
            let (id, name) = entry?;
            match read_name(id.value(), name.value()) {
                Some(key) => {
                    self.group(id.value().0);
                    Arc::make_mut(&mut self.names).insert(id.value(), key);
                }
                None => damaged += 1,
            }
        }
        Ok(damaged)
    }

    fn load_pending(&mut self, txn: &ReadTransaction) -> Result<u64, Trouble> {
        let mut damaged = 0;
        for entry in txn.open_table(PENDING)?.iter()? {
            let (key, record) = entry?;
            let Ok((rows, last)) = pending::head(key.value(), record.value()) else {
                damaged += 1;
                continue;
            };
            let group = self.group(key.value().0);
            group.pending_rows += rows;
            group.last = group.last.max(last);
            group.pending_since = group.pending_since.min(key.value().1);
        }
        Ok(damaged)
    }

    fn load_newest_blocks(&mut self, txn: &ReadTransaction) -> Result<(), Trouble> {
        let parts = txn.open_table(PARTS)?;
        for tier in 0..TIERS.len() {
            let mut from = (tier_byte(tier), 0, i64::MIN, 0);
            let end = (tier_byte(tier), u64::MAX, i64::MAX, u64::MAX);
            while let Some(entry) = parts.range(from..=end)?.next() {
                let group = entry?.0.value().1;
                let newest = parts.range(whole_group(tier, group))?.next_back();
                if let Some((key, record)) = newest.transpose()? {
                    // One that cannot be read is found when it is merged.
                    let last = Part::read(key.value(), record.value()).map(|part| part.last);
                    let state = self.group(group);
                    state.last = state.last.max(last.unwrap_or(key.value().2));
                }
                let Some(next) = group.checked_add(1) else {
                    break;
                };
                from.1 = next;
            }
        }
        Ok(())
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
fn measure(txn: &ReadTransaction) -> Result<[u64; SIZES], Trouble> {
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
