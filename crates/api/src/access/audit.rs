//! The audit log: every call that changes something or tries to, and every one whose credentials are not taken, one JSON
//! object per line.

mod file;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etcd_monitor_model::{Stat, StatSource};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::failed_login::FailedLogin;
use file::LogFile;

/// Lines that wait to be written.
const WAITING_MAX: usize = 1_024;

/// Where calls are noted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Audit(Arc<State>);

#[derive(Debug)]
struct State {
    lines: mpsc::Sender<String>,
    dropped: Arc<AtomicU64>,
}

/// Writes what is noted.
#[derive(Debug)]
pub struct AuditWriter {
    lines: mpsc::Receiver<String>,
    file: LogFile,
    dropped: Arc<AtomicU64>,
}

/// One call.
#[derive(Debug, Serialize)]
pub(crate) struct AuditEntry {
    pub(crate) at: Timestamp,
    /// Who called; `None`: nobody said.
    pub(crate) caller: Option<String>,
    pub(crate) role: Option<super::Role>,
    pub(crate) via: Option<super::Via>,
    /// Address and port of the other end of the connection, which may be a proxy's.
    pub(crate) peer: Option<String>,
    pub(crate) method: String,
    /// The route, or `none` where there is none.
    pub(crate) route: String,
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    /// Why its credentials were not taken; `None` where it had none, or they were.
    pub(crate) reason: Option<FailedLogin>,
    /// The user of the file whose password was tried in vain. Another name is not told: it may be a password that was
    /// typed in the wrong place.
    pub(crate) user: Option<String>,
    pub(crate) request_id: Option<String>,
    /// Calls of strangers that were left out since the line before this one.
    pub(crate) left_out: u64,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Done,
    /// The caller may not, or asked wrongly.
    Refused,
    /// The server could not.
    Failed,
}

impl Outcome {
    pub(crate) fn of(status: u16) -> Self {
        match status {
            500.. => Self::Failed,
            400.. => Self::Refused,
            _ => Self::Done,
        }
    }
}

impl Audit {
    /// Notes calls in this file; one of the same name with `.1` behind it holds those before. The writer must run.
    pub fn new(path: PathBuf) -> (Self, AuditWriter) {
        let (sender, lines) = mpsc::channel(WAITING_MAX);
        let dropped = Arc::<AtomicU64>::default();
        let audit = Self(Arc::new(State {
            lines: sender,
            dropped: Arc::clone(&dropped),
        }));
        let file = LogFile::new(path);
        (
            audit,
            AuditWriter {
                lines,
                file,
                dropped,
            },
        )
    }

    /// Notes a call. Never waits: what finds no place is counted.
    pub(crate) fn note(&self, entry: &AuditEntry) {
        let line = serde_json::to_string(entry).ok();
        let sent = line.is_some_and(|line| self.0.lines.try_send(line + "\n").is_ok());
        if !sent {
            self.leave_out();
        }
    }

    /// Counts a call that is not noted.
    pub(super) fn leave_out(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl StatSource for Audit {
    fn stats(&self) -> Vec<Stat> {
        let dropped = self.0.dropped.load(Ordering::Relaxed);
        let help = "Calls that stand in no line of the audit log, since too many came or it cannot be written";
        vec![Stat::counter(
            "etcd_monitor_audit_dropped_calls_total",
            help,
            dropped,
        )]
    }
}

impl AuditWriter {
    /// Writes until `stop` is cancelled and nothing waits any more, or nobody can note anything.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let count = tokio::select! {
                count = self.lines.recv_many(&mut batch, WAITING_MAX) => count,
                () = stop.cancelled() => break,
            };
            if count == 0 {
                return;
            }
            self.write(&mut batch).await;
        }
        self.lines.close();
        while self.lines.recv_many(&mut batch, WAITING_MAX).await > 0 {
            self.write(&mut batch).await;
        }
    }

    async fn write(&mut self, batch: &mut Vec<String>) {
        let count = batch.len() as u64;
        let text = batch.drain(..).collect::<String>();
        let mut file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = file.append(text.as_bytes());
            (file, written)
        });
        let failed = match written.await {
            Ok((file, written)) => {
                self.file = file;
                written.is_err()
            }
            Err(_) => true,
        };
        if failed {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}
