//! The certificates that a channel trusts in the place of the system's.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::config_error::ConfigError;

/// Bytes of a file of certificates: a system's whole store is a quarter of it.
const CA_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads the file, which an endless one does not get past.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let failed = |error: std::io::Error| unusable(path, error.to_string());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let limited = file.take(CA_FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    if limited.map_err(failed)? as u64 > CA_FILE_BYTES_MAX {
        return Err(unusable(path, "it is larger than 1 MiB".to_owned()));
    }
    Ok(bytes)
}

pub(super) fn unusable(path: &Path, reason: String) -> ConfigError {
    ConfigError::CaFile {
        path: path.to_owned(),
        reason,
    }
}
