//! The file of the audit log: appended to, and moved aside when it is large.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Size from which a file is moved aside; some 30,000 calls.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// A file, and whether the last line could be written.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    path: PathBuf,
    failing: bool,
    bytes_max: u64,
}

impl LogFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            failing: false,
            bytes_max: FILE_BYTES_MAX,
        }
    }

    /// Appends whole lines. A failure is told when it begins and when it ends.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.try_append(lines);
        let path = self.path.display();
        match &written {
            Err(error) if !self.failing => {
                tracing::error!(
                    "The audit log {path} cannot be written, calls are told in this log alone: {error}"
                );
            }
            Ok(()) if self.failing => tracing::info!("The audit log {path} is written again"),
            _ => {}
        }
        self.failing = written.is_err();
        written
    }

    fn try_append(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = self.open()?;
        let bytes = file.metadata()?.len();
        if bytes > 0 && bytes + lines.len() as u64 > self.bytes_max {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            std::fs::rename(&self.path, aside)?;
            file = self.open()?;
        }
        file.write_all(lines)?;
        file.sync_data()
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_large_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut file = LogFile::new(path.clone());
        file.bytes_max = 10;
        for line in ["first\n", "second\n", "third\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("audit.log"), read("audit.log.1")),
            ("third\n".into(), "second\n".into())
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_failure_is_kept_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("gone");
        let mut file = LogFile::new(inner.join("audit.log"));
        assert!(file.append(b"x\n").is_err() && file.failing);
        std::fs::create_dir(&inner).unwrap();
        assert!(file.append(b"x\n").is_ok() && !file.failing);
    }
}
