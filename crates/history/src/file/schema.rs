//! The tables of the file, and the names by which series are kept in it.

use etcd_monitor_model::{ClusterName, MemberId, SeriesKey};
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};
use sha2::{Digest, Sha256};

use super::error::Trouble;
use super::part::PartKey;
use super::pending::PendingKey;
use crate::rows::SeriesId;

/// The format that this version writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

/// Name of the record of the format.
pub(crate) const VERSION_RECORD: &str = "format";

/// Small records: the format's version, and the sizes of the tables.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// What a group and a series within it stand for.
pub(crate) const NAMES: TableDefinition<'_, (GroupId, SeriesId), &[u8]> =
    TableDefinition::new("names");
/// Rows that are not yet a block.
pub(crate) const PENDING: TableDefinition<'_, PendingKey, &[u8]> = TableDefinition::new("pending");
/// Blocks.
pub(crate) const PARTS: TableDefinition<'_, PartKey, &[u8]> = TableDefinition::new("parts");

pub(crate) type Names<'txn> = Table<'txn, (GroupId, SeriesId), &'static [u8]>;
pub(crate) type Pendings<'txn> = Table<'txn, PendingKey, &'static [u8]>;
pub(crate) type Parts<'txn> = Table<'txn, PartKey, &'static [u8]>;

/// What the samples of a member, or of a cluster as a whole, are kept under.
pub(crate) type GroupId = u64;

/// What shares its times: a member, or a cluster as a whole.
pub(crate) type Group = (ClusterName, Option<MemberId>);

/// The id of a group. Ids come from the names themselves: were the table of names lost, no series could take the id, and
/// so the samples, of another.
pub(crate) fn group_id((cluster, member): &Group) -> GroupId {
    let member = member.map_or_else(String::new, |it| it.to_string());
    id_of(&[cluster.as_str(), &member])
}

/// The id of a series within its group.
pub(crate) fn series_id(metric: &str, peer: Option<MemberId>) -> SeriesId {
    let peer = peer.map_or_else(String::new, |it| it.to_string());
    id_of(&[metric, &peer])
}

fn id_of(parts: &[&str]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let id = digest[..8]
        .iter()
        .fold(0, |id, byte| id << 8 | u64::from(*byte));
    // 0 stands for the times of a block.
    id.max(1)
}

/// A name as it lies in the file.
pub(crate) fn render_name(key: &SeriesKey) -> Vec<u8> {
    sealed(&serde_json::to_vec(key).expect("a key is text and numbers"))
}

/// Reads a name; `None` where it is damaged or does not belong to the id.
pub(crate) fn read_name(id: (GroupId, SeriesId), bytes: &[u8]) -> Option<SeriesKey> {
    let key: SeriesKey = serde_json::from_slice(unsealed(bytes)?).ok()?;
    let group = (key.cluster.clone(), key.member);
    (id == (group_id(&group), series_id(&key.metric, key.peer))).then_some(key)
}

/// The record with its checksum before it.
pub(crate) fn sealed(content: &[u8]) -> Vec<u8> {
    let mut bytes = crc32fast::hash(content).to_le_bytes().to_vec();
    bytes.extend(content);
    bytes
}

/// The record without its checksum; `None` where that does not fit.
pub(crate) fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, content) = bytes.split_at_checked(4)?;
    (checksum == crc32fast::hash(content).to_le_bytes()).then_some(content)
}

/// Makes the tables of a new file, and refuses a file of another format. A file that has its tables is only read, so that
/// it opens on a full disk too.
pub(crate) fn prepare(db: &Database) -> Result<(), Trouble> {
    let read = db.begin_read()?;
    match read.open_table(META) {
        Ok(meta) => check_version(&meta),
        Err(TableError::TableDoesNotExist(_)) => make_tables(db),
        Err(error) => Err(error.into()),
    }
}

fn check_version(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<(), Trouble> {
    match read_numbers(meta, VERSION_RECORD)? {
        Some([found]) if found == u64::from(VERSION) => Ok(()),
        Some([found]) if found > u64::from(VERSION) => {
            Err(Trouble::Newer(u32::try_from(found).unwrap_or(u32::MAX)))
        }
        _ => Err(Trouble::Damaged(
            "the record of the format is damaged".to_owned(),
        )),
    }
}

fn make_tables(db: &Database) -> Result<(), Trouble> {
    let txn = db.begin_write()?;
    write_numbers(
        &mut txn.open_table(META)?,
        VERSION_RECORD,
        &[u64::from(VERSION)],
    )?;
    txn.open_table(NAMES)?;
    txn.open_table(PENDING)?;
    txn.open_table(PARTS)?;
    txn.commit()?;
    Ok(())
}

/// Whole numbers kept under a name; `None` where they are missing or damaged.
pub(crate) fn read_numbers<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<Option<[u64; N]>, redb::StorageError> {
    let Some(record) = meta.get(name)? else {
        return Ok(None);
    };
    let words = unsealed(record.value()).map(|it| it.as_chunks::<8>().0);
    let numbers = words.map(|it| {
        it.iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect::<Vec<_>>()
    });
    Ok(numbers.and_then(|it| it.try_into().ok()))
}

/// Keeps whole numbers under a name.
pub(crate) fn write_numbers(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    name: &'static str,
    numbers: &[u64],
) -> Result<(), redb::StorageError> {
    let plain: Vec<u8> = numbers.iter().flat_map(|it| it.to_le_bytes()).collect();
    meta.insert(name, sealed(&plain).as_slice())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_its_id_alone() {
        let key = SeriesKey {
            cluster: ClusterName::new("a"),
            member: Some(MemberId(1)),
            metric: "term".into(),
            peer: None,
        };
        let id = (
            group_id(&(ClusterName::new("a"), Some(MemberId(1)))),
            series_id("term", None),
        );
        let bytes = render_name(&key);
        assert_eq!(read_name(id, &bytes), Some(key));
        assert_eq!(read_name((id.0, id.1 ^ 1), &bytes), None);
        assert_eq!(read_name(id, &bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn parts_of_a_name_do_not_run_together() {
        assert_ne!(series_id("ab", None), series_id("a", Some(MemberId(0xb))));
    }
}
