//! The end of a member's log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const LINES: usize = 25;

/// Far more than 25 log lines of etcd.
const BYTES: u64 = 64 << 10;

/// The last lines of a log, or why it cannot be read: text for a message in either case.
pub(super) fn tail(path: &Path) -> String {
    let text = match end_of(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return format!("  (cannot read {}: {error})", path.display()),
    };
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.join("\n")
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, "a line\n".repeat(1000) + "the last").expect("written");
        let shown = tail(&path);
        assert_eq!(shown.lines().count(), LINES);
        assert!(shown.ends_with("a line\nthe last"));
    }
}
