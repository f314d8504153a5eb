//! What is in the file: tables, records with their checksums, the format version.

use std::ops::RangeFull;

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, TableError, WriteTransaction,
};
use serde::Serialize;

use super::super::{Changes, KeptReceipt, MAX_DEAD_LETTERS, ReceiptKey, Stored};
use super::trouble::Trouble;

/// The format that this version writes.
pub(super) const VERSION: u64 = 1;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const ROWS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("rows");
const WAITING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("waiting");
const RECEIPTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("receipts");
const DEAD: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("dead");

/// Name of the record that holds the format version.
const VERSION_RECORD: &str = "format_version";

/// Makes the tables of a new file, and refuses a file of another format. A file that has its tables is only read, so
/// that it opens on a full disk too.
pub(super) fn prepare(db: &Database) -> Result<(), Trouble> {
    let read = db.begin_read()?;
    match read.open_table(META) {
        Ok(meta) => check_version(&meta),
        Err(TableError::TableDoesNotExist(_)) => make_tables(db),
        Err(error) => Err(error.into()),
    }
}

fn check_version(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<(), Trouble> {
    let record = meta.get(VERSION_RECORD)?;
    let found = record
        .as_ref()
        .and_then(|it| unsealed(VERSION_RECORD.as_bytes(), it.value()));
    let found = found.and_then(|it| Some(u64::from_le_bytes(it.try_into().ok()?)));
    match found {
        Some(VERSION) => Ok(()),
        Some(found) if found > VERSION => Err(Trouble::Newer(found)),
        // There is no older format yet; one that comes to be is taken over here.
        Some(_) | None => Err(Trouble::Damaged(
            "the record of the format is damaged".to_owned(),
        )),
    }
}

fn make_tables(db: &Database) -> Result<(), Trouble> {
    let txn = db.begin_write()?;
    txn.open_table(META)?.insert(
        VERSION_RECORD,
        &*sealed(VERSION_RECORD.as_bytes(), &VERSION.to_le_bytes()),
    )?;
    open_all(&txn)?;
    txn.commit()?;
    Ok(())
}

fn open_all(txn: &WriteTransaction) -> Result<(), Trouble> {
    txn.open_table(ROWS)?;
    txn.open_table(WAITING)?;
    txn.open_table(RECEIPTS)?;
    txn.open_table(DEAD)?;
    Ok(())
}

/// Reads everything into `stored`, which has what was read also where the reading ends with an error. Notifications
/// come first: they are what was promised.
pub(super) fn read(db: &Database, stored: &mut Stored) -> Result<(), Trouble> {
    let txn = db.begin_read()?;
    read_table(&txn, WAITING, &mut stored.damaged, |number, json| {
        stored.waiting.insert(number, json.into());
        Some(())
    })?;
    read_table(&txn, ROWS, &mut stored.damaged, |key, value| {
        stored.rows.insert(key.to_owned(), value.to_vec());
        Some(())
    })?;
    read_table(&txn, RECEIPTS, &mut stored.damaged, |_, json| {
        let (key, receipt): (ReceiptKey, KeptReceipt) = serde_json::from_slice(json).ok()?;
        stored.receipts.insert(key, receipt);
        Some(())
    })?;
    read_table(&txn, DEAD, &mut stored.damaged, |number, json| {
        let letter = serde_json::from_slice(json).ok()?;
        stored.dead.insert(number, letter);
        Some(())
    })
}

/// Hands each record of a table to `take`, and counts those that are not as they were written.
fn read_table<K: redb::Key + 'static>(
    txn: &ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    damaged: &mut u64,
    mut take: impl FnMut(K::SelfType<'_>, &[u8]) -> Option<()>,
) -> Result<(), Trouble> {
    for record in txn.open_table(table)?.range::<K::SelfType<'_>>(RangeFull)? {
        let (key, value) = record?;
        let content = unsealed(K::as_bytes(&key.value()).as_ref(), value.value());
        let taken = content.and_then(|content| take(key.value(), content));
        *damaged += u64::from(taken.is_none());
    }
    Ok(())
}

/// Writes all of it in one transaction; when it returns, it is durable.
pub(super) fn write(db: &Database, changes: &Changes) -> Result<(), Trouble> {
    let txn = db.begin_write()?;
    if changes.anew {
        forget(&txn)?;
    }
    write_rows(&mut txn.open_table(ROWS)?, changes)?;
    write_waiting(&mut txn.open_table(WAITING)?, changes)?;
    write_receipts(&mut txn.open_table(RECEIPTS)?, changes)?;
    write_dead(&mut txn.open_table(DEAD)?, changes)?;
    txn.commit()?;
    Ok(())
}

fn forget(txn: &WriteTransaction) -> Result<(), Trouble> {
    txn.delete_table(ROWS)?;
    txn.delete_table(WAITING)?;
    txn.delete_table(RECEIPTS)?;
    txn.delete_table(DEAD)?;
    Ok(())
}

type ByText<'txn> = Table<'txn, &'static str, &'static [u8]>;
type ByNumber<'txn> = Table<'txn, u64, &'static [u8]>;

fn write_rows(table: &mut ByText<'_>, changes: &Changes) -> Result<(), Trouble> {
    for row in &changes.rows {
        match &row.value {
            Some(value) => drop(table.insert(&*row.key, &*sealed(row.key.as_bytes(), value))?),
            None => drop(table.remove(&*row.key)?),
        }
    }
    Ok(())
}

fn write_waiting(table: &mut ByNumber<'_>, changes: &Changes) -> Result<(), Trouble> {
    for (number, json) in &changes.waiting {
        match json {
            Some(json) => drop(table.insert(number, &*sealed(&number.to_le_bytes(), json))?),
            None => drop(table.remove(number)?),
        }
    }
    Ok(())
}

fn write_receipts(table: &mut ByText<'_>, changes: &Changes) -> Result<(), Trouble> {
    for (key, receipt) in &changes.receipts {
        let name = key.to_string();
        match receipt {
            Some(receipt) => {
                let record = sealed(name.as_bytes(), &json(&(key, receipt))?);
                table.insert(&*name, &*record)?;
            }
            None => drop(table.remove(&*name)?),
        }
    }
    Ok(())
}

fn write_dead(table: &mut ByNumber<'_>, changes: &Changes) -> Result<(), Trouble> {
    for (number, letter) in &changes.dead {
        table.insert(number, &*sealed(&number.to_le_bytes(), &json(letter)?))?;
    }
    while table.len()? > MAX_DEAD_LETTERS as u64 {
        table.pop_first()?;
    }
    Ok(())
}

fn json(record: &impl Serialize) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(record).map_err(|error| Trouble::Io(error.to_string()))
}

/// The record with a checksum before it, which is of its key too: one under another key is none.
pub(super) fn sealed(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = checksum(key, content).to_vec();
    bytes.extend(content);
    bytes
}

/// The record without its checksum; `None` where that does not fit.
fn unsealed<'a>(key: &[u8], bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (found, content) = bytes.split_at_checked(4)?;
    (found == checksum(key, content)).then_some(content)
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(content);
    hasher.finalize().to_le_bytes()
}
