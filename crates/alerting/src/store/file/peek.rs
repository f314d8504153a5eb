//! A look at a file that another process may have open, without a lock and without a change.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend};

use super::super::Stored;
use super::trouble::Trouble;
use super::{CACHE_BYTES, guarded, schema};

/// A file that is larger is not read into memory for a look.
const LENGTH_MAX: u64 = 256 << 20;

/// What the file has; `None` where it is not there, is being written, or is not as it was written.
pub(super) fn read(path: &Path) -> Option<Stored> {
    let bytes = undisturbed(path)?;
    let mut stored = Stored::default();
    guarded(|| {
        let db = copy(&bytes)?;
        schema::prepare(&db)?;
        schema::read(&db, &mut stored)
    })
    .ok()?;
    (stored.damaged == 0).then_some(stored)
}

/// The bytes of the file, if nobody wrote to it meanwhile: it is consistent after each commit, and not between.
fn undisturbed(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let before = state(&file.metadata().ok()?)?;
    if before.0 > LENGTH_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let after = state(&file.metadata().ok()?)?;
    (before == after).then_some(bytes)
}

fn state(metadata: &Metadata) -> Option<(u64, SystemTime)> {
    Some((metadata.len(), metadata.modified().ok()?))
}

fn copy(bytes: &[u8]) -> Result<Database, Trouble> {
    let memory = InMemoryBackend::new();
    let written = memory
        .set_len(bytes.len() as u64)
        .and_then(|()| memory.write(0, bytes));
    written.map_err(|error| Trouble::Io(error.to_string()))?;
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    Ok(builder.create_with_backend(memory)?)
}
