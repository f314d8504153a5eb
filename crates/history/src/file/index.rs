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
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupState {
    /// Time of the newest row; `i64::MIN` where there is none.
    pub(crate) last: i64,
    /// Rows that are not yet in a block.
    pub(crate) pending_rows: usize,
}

impl Index {
    /// Reads the index, and tells how many records were damaged.
    pub(crate) fn load(txn: &ReadTransaction) -> Result<(Self, u64), Trouble> {
        let mut index = Self::default();
        let mut damaged = index.load_names(txn)?;
        damaged += index.load_pending(txn)?;
        damaged += index.load_newest_blocks(txn)?;
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
        }
        Ok(damaged)
    }

    fn load_newest_blocks(&mut self, txn: &ReadTransaction) -> Result<u64, Trouble> {
        let parts = txn.open_table(PARTS)?;
        let mut damaged = 0;
        for (group, state) in &mut self.groups {
            for tier in 0..TIERS.len() {
                let Some(entry) = parts.range(whole_group(tier, *group))?.next_back() else {
                    continue;
                };
                let (key, record) = entry?;
                match Part::read(key.value(), record.value()) {
                    Ok(part) => state.last = state.last.max(part.last),
                    Err(_) => damaged += 1,
                }
            }
        }
        Ok(damaged)
    }

    /// The state of a group, made where it is new.
    pub(crate) fn group(&mut self, group: GroupId) -> &mut GroupState {
        self.groups.entry(group).or_insert(GroupState {
            last: i64::MIN,
            pending_rows: 0,
        })
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
