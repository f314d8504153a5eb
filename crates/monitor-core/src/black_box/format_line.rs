//! The first line of every file: what it is, and in which version of the format.

/// The version that this release writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

const NAME: &str = "etcd-monitor-recording ";

/// Longest first line.
const LINE_BYTES_MAX: usize = 40;

pub(super) fn line() -> String {
    format!("{NAME}{VERSION}\n")
}

/// The version of a file, and what follows its first line; `None` for a file that is no recording.
pub(super) fn version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let end = bytes
        .iter()
        .take(LINE_BYTES_MAX)
        .position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&bytes[..end]).ok()?;
    let version = line.strip_prefix(NAME)?.parse().ok()?;
    Some((version, &bytes[end + 1..]))
}
