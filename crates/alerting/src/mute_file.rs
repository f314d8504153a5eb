//! Silences and acknowledgements on disk, shared by all processes that know the data directory.
//!
//! The file is only ever replaced as a whole, by a rename, so reading needs no lock and never waits. Who changes it
//! holds an advisory lock on a file beside it meanwhile.

mod format;
mod lock;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use crate::alert::{Acknowledgement, Fingerprint};
use crate::silence::{MAX_SILENCES, Mutes, Silence, SilenceState};
use format::Content;
use lock::Locked;

/// Its name in the data directory.
const FILE_NAME: &str = "mutes.json";

/// Largest file: a thousand silences and ten thousand acknowledgements of common length have about 4 MB.
const FILE_BYTES_MAX: usize = 32 << 20;

/// Acknowledgements that are kept: one for each alert that can be followed. The oldest makes room.
const ACKNOWLEDGEMENTS_MAX: usize = crate::engine::MAX_ALERTS;

/// The file that keeps silences and acknowledgements, for the daemon and for commands beside it alike.
///
/// Everything here blocks on the disk, and what changes the file waits up to 5 s for another process that does so too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteFile {
    path: PathBuf,
}

/// Tells one content of the file from another without reading it: equal stamps mean that nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteFileStamp(Option<(SystemTime, u64, u64)>);

/// Why the file could not be used. A variant is what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MuteFileError {
    /// The file system refused.
    #[error(
        "cannot {operation} {path}: {source}; check the permissions of the data directory and the space left on it"
    )]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came back.
        source: std::io::Error,
    },
    /// Another process has held the lock for too long.
    #[error(
        "another process has been changing {path} for more than 5 s; see what holds the lock, and try again"
    )]
    Busy {
        /// The lock's file.
        path: PathBuf,
    },
    /// A newer etcd-monitor wrote the file; it is left as it is.
    #[error(
        "{path} was written by a newer etcd-monitor (format version {found}, this one knows up to {}); use that version",
        format::VERSION
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
    /// The file was damaged: it was set aside. From now on there are no silences and no acknowledgements.
    #[error(
        "{path} is damaged ({reason}); it was set aside as {aside}, and nothing is silenced any more"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its new name.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There are too many silences that are not over.
    #[error(
        "there are {MAX_SILENCES} silences already that are not over; expire some, or let one with an expression take the place of many"
    )]
    TooMany,
    /// The file would be too large to be read again.
    #[error(
        "{path} would have {bytes} bytes, more than the {FILE_BYTES_MAX} that are read; expire silences with long comments"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it would have.
        bytes: usize,
    },
    /// No silence has this id.
    #[error("no silence has the id {0}; list them to see their ids")]
    NoSuchSilence(String),
    /// A silence has been over for some time.
    #[error("the silence {0} is over already")]
    Expired(String),
}

impl MuteFile {
    /// The file of a data directory, which must exist when something is written.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE_NAME),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to compare in order to see whether there is something new to load.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn stamp(&self) -> Result<MuteFileStamp, MuteFileError> {
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok(MuteFileStamp(Some((
                found.modified().map_err(|error| self.io("read", error))?,
                found.len(),
                inode(&found),
            )))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(MuteFileStamp(None)),
            Err(error) => Err(self.io("read", error)),
        }
    }

    /// Reads what people decided; nothing while there is no file. What is long over is left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a newer etcd-monitor wrote it, or it is damaged: then it is set aside, and the next
    /// call finds nothing.
    pub fn load(&self, now: Timestamp) -> Result<Mutes, MuteFileError> {
        let mut mutes = match self.read()? {
            Content::Mutes(mutes) => mutes,
            // Who looks under the lock sees whether it is so, or whether somebody has just mended it.
            Content::Damaged(_) => {
                Locked::beside(&self.path).and_then(|_lock| self.read_sound())?
            }
            Content::Newer(found) => return Err(self.newer(found)),
        };
        tidy(&mut mutes, now);
        Ok(mutes)
    }

    /// Adds a silence. Of those that are over, the oldest makes room for it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load) says, and when the file cannot be written, another process keeps it locked, or there are
    /// 1,000 silences already that are not over.
    pub fn add_silence(&self, silence: Silence, now: Timestamp) -> Result<(), MuteFileError> {
        self.change(now, |mutes| {
            make_room(&mut mutes.silences, now)?;
            mutes.silences.push(silence);
            Ok(())
        })
    }

    /// Ends a silence now, and gives it as it is then. One that is to come never begins: it begins and ends now.
    ///
    /// # Errors
    ///
    /// When no silence has the id, it is over already, or as [`add_silence`](Self::add_silence) says.
    pub fn expire_silence(&self, id: &str, now: Timestamp) -> Result<Silence, MuteFileError> {
        self.change(now, |mutes| {
            let mut all = mutes.silences.iter_mut();
            let silence = all
                .find(|silence| silence.id == id)
                .ok_or_else(|| MuteFileError::NoSuchSilence(id.to_owned()))?;
            if silence.state_at(now) == SilenceState::Expired {
                return Err(MuteFileError::Expired(id.to_owned()));
            }
            silence.starts_at = silence.starts_at.min(now);
            silence.ends_at = now;
            Ok(silence.clone())
        })
    }

    /// Notes that somebody takes care of an alert, in the place of who did before.
    ///
    /// # Errors
    ///
    /// As [`add_silence`](Self::add_silence) says of the file.
    pub fn acknowledge(
        &self,
        alert: Fingerprint,
        acknowledgement: Acknowledgement,
        now: Timestamp,
    ) -> Result<(), MuteFileError> {
        self.change(now, |mutes| {
            mutes.acknowledgements.insert(alert, acknowledgement);
            while mutes.acknowledgements.len() > ACKNOWLEDGEMENTS_MAX {
                forget_oldest(mutes);
            }
            Ok(())
        })
    }

    /// Notes that nobody takes care of an alert any more; false when nobody did.
    ///
    /// # Errors
    ///
    /// As [`add_silence`](Self::add_silence) says of the file.
    pub fn remove_acknowledgement(
        &self,
        alert: Fingerprint,
        now: Timestamp,
    ) -> Result<bool, MuteFileError> {
        self.change(now, |mutes| {
            Ok(mutes.acknowledgements.remove(&alert).is_some())
        })
    }

    /// Reads, changes and writes under the lock. Where the change fails, nothing is written.
    fn change<T>(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Mutes) -> Result<T, MuteFileError>,
    ) -> Result<T, MuteFileError> {
        let _lock = Locked::beside(&self.path)?;
        let mut mutes = self.read_sound()?;
        tidy(&mut mutes, now);
        let outcome = change(&mut mutes)?;
        self.write(&mutes)?;
        Ok(outcome)
    }

    /// Reads the file under the lock; a damaged one is set aside.
    fn read_sound(&self) -> Result<Mutes, MuteFileError> {
        match self.read()? {
            Content::Mutes(mutes) => Ok(mutes),
            Content::Newer(found) => Err(self.newer(found)),
            Content::Damaged(reason) => Err(self.set_aside(reason)),
        }
    }

    fn read(&self) -> Result<Content, MuteFileError> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path)
            .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
        match read {
            Ok(length) if length > FILE_BYTES_MAX => Ok(Content::Damaged(format!(
                "it has more than {FILE_BYTES_MAX} bytes"
            ))),
            Ok(_) => Ok(format::parse(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Content::Mutes(Mutes::default()))
            }
            Err(error) => Err(self.io("read", error)),
        }
    }

    /// Puts a new file in the place of the old one: after a crash there is either.
    fn write(&self, mutes: &Mutes) -> Result<(), MuteFileError> {
        let text = format::render(mutes);
        if text.len() > FILE_BYTES_MAX {
            return Err(MuteFileError::TooLarge {
                path: self.path.clone(),
                bytes: text.len(),
            });
        }
        let new = with_suffix(&self.path, "new");
        write_synced(&new, &text).map_err(|error| self.io("write", error))?;
        std::fs::rename(&new, &self.path).map_err(|error| self.io("replace", error))?;
        sync_folder(&self.path).map_err(|error| self.io("write", error))
    }

    fn set_aside(&self, reason: String) -> MuteFileError {
        let aside = with_suffix(&self.path, "damaged");
        match std::fs::rename(&self.path, &aside) {
            Ok(()) => MuteFileError::Damaged {
                path: self.path.clone(),
                aside,
                reason,
            },
            Err(error) => self.io("set aside", error),
        }
    }

    fn newer(&self, found: u32) -> MuteFileError {
        MuteFileError::Newer {
            path: self.path.clone(),
            found,
        }
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> MuteFileError {
        MuteFileError::Io {
            operation,
            path: self.path.clone(),
            source,
        }
    }
}

/// Leaves out what has been over for long.
fn tidy(mutes: &mut Mutes, now: Timestamp) {
    mutes.silences.retain(|silence| !silence.is_forgotten(now));
}

/// Sees that one more silence fits.
fn make_room(silences: &mut Vec<Silence>, now: Timestamp) -> Result<(), MuteFileError> {
    while silences.len() >= MAX_SILENCES {
        let over = silences
            .iter()
            .enumerate()
            .filter(|(_, silence)| silence.state_at(now) == SilenceState::Expired);
        let oldest = over.min_by_key(|(_, silence)| silence.ends_at);
        let (index, _) = oldest.ok_or(MuteFileError::TooMany)?;
        silences.remove(index);
    }
    Ok(())
}

fn forget_oldest(mutes: &mut Mutes) {
    let all = mutes.acknowledgements.iter();
    let oldest = all.min_by_key(|(_, it)| it.at).map(|(alert, _)| *alert);
    if let Some(alert) = oldest {
        mutes.acknowledgements.remove(&alert);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the rename itself durable, where a folder can be synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Tells a file from the one that it replaced within one tick of the file system's clock.
#[cfg(unix)]
fn inode(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_found: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests;
