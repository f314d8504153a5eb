//! How many files the process may have open, of which connections are most.

/// What the process needs beside connections of clients: stores, the black box, the log, and connections to members.
const OWN: usize = 512;

/// What is asked for; each connection takes one.
#[cfg(unix)]
const WANTED: u64 = 16_384;

/// Asks for as many files as connections need, and says how many connections there may be, `wanted` at most: those of
/// clients must leave room for those to etcd.
pub(super) fn connections(wanted: usize) -> usize {
    let files = raised().unwrap_or(usize::MAX);
    let room = files.saturating_sub(OWN).max(files / 2);
    if room < wanted {
        tracing::warn!(
            files,
            connections = room,
            "Fewer connections are taken: the process may not have more files open (ulimit -n)"
        );
    }
    room.min(wanted)
}

/// The limit of open files, raised as far as is wanted and allowed; `None` where there is none.
#[cfg(unix)]
fn raised() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    let most = limit.maximum.unwrap_or(u64::MAX).min(WANTED);
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    let is_raised = current < most && setrlimit(Resource::Nofile, raised).is_ok();
    usize::try_from(if is_raised { most } else { current }).ok()
}

/// Elsewhere handles are limited by memory alone.
#[cfg(not(unix))]
fn raised() -> Option<usize> {
    None
}
