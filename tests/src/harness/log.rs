//! What a process writes, line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::wait::until;

/// Lines kept of one process: a daemon of a test writes a few dozen.
const LINES_MAX: usize = 10_000;

/// The lines that a process has written so far.
#[derive(Debug, Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    /// Follows a pipe to its end, which comes when the process ends.
    pub(super) fn follow(pipe: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let lines = Arc::clone(&log.lines);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() < LINES_MAX {
                    lines.push(line);
                }
            }
        });
        log
    }

    /// Everything written so far.
    pub fn text(&self) -> String {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .join("\n")
    }

    /// The first line that has this text in it, if it was read already.
    pub fn line_with(&self, text: &str) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| line.contains(text)).cloned()
    }

    /// Waits for a line that has this text in it. What a process writes is read a moment later.
    pub async fn line(&self, text: &str, limit: Duration) -> String {
        let look = async || {
            self.line_with(text)
                .ok_or_else(|| format!("the log is {}", self.text()))
        };
        until(limit, &format!("a line with {text:?}"), look).await
    }
}
