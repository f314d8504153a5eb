//! Where certificates and keys come from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::TlsError;

/// Largest file that is read; a bundle with every public CA has a quarter.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Certificates or a key, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pem {
    /// In a file of their own, which is read again when it changes.
    File(PathBuf),
    /// In the settings themselves.
    Inline(InlinePem),
}

/// The text of certificates or of a key. It is not printed.
#[derive(Clone)]
pub struct InlinePem(SecretString);

impl From<SecretString> for InlinePem {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl fmt::Debug for InlinePem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InlinePem")
    }
}

/// Only what the operator wrote is compared with what the operator wrote before: the time tells nobody anything.
impl PartialEq for InlinePem {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for InlinePem {}

/// What was read, and where.
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    /// The key of the settings, and the file where there is one.
    pub(super) place: String,
}

impl Pem {
    /// Reads what the settings name by `key`, or by `key` with `_file` behind it.
    pub(super) fn read(&self, key: &str) -> Result<Found, TlsError> {
        match self {
            Self::Inline(text) => Ok(Found {
                bytes: text.0.expose_secret().as_bytes().to_vec(),
                place: key.to_owned(),
            }),
            Self::File(path) => {
                let place = format!("{key}_file {}", path.display());
                let bytes = read(path).map_err(|error| TlsError::of(&place, error))?;
                Ok(Found { bytes, place })
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let what = "it is too large for a file of certificates";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}
