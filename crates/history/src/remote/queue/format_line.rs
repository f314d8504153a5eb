//! The first line of each file of the queue, with the version of its format.

use std::path::Path;

use crate::remote::RemoteError;

const VERSION: u32 = 1;

/// The line, of a file of this kind.
pub(super) fn line(kind: &str) -> String {
    format!("etcd-monitor {kind} {VERSION}\n")
}

/// What follows the line; `None` where it is damaged. A file of a newer version is refused.
pub(super) fn after<'a>(
    path: &Path,
    kind: &str,
    content: &'a [u8],
) -> Result<Option<&'a [u8]>, RemoteError> {
    let Some((found, rest)) = parse(kind, content) else {
        return Ok(None);
    };
    if found > VERSION {
        return Err(RemoteError::NewerQueue {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok((found == VERSION).then_some(rest))
}

fn parse<'a>(kind: &str, content: &'a [u8]) -> Option<(u32, &'a [u8])> {
    let rest = content.strip_prefix(b"etcd-monitor ")?;
    let rest = rest.strip_prefix(kind.as_bytes())?.strip_prefix(b" ")?;
    let end = rest.iter().take(11).position(|byte| *byte == b'\n')?;
    let version = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    Some((version, &rest[end + 1..]))
}
