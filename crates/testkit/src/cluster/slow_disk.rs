//! A slow disk under a real etcd: strace delays every `fdatasync`, which WAL and backend both use.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

use super::Member;
use crate::error::{Error, Unavailable};
use crate::wait;

/// strace stops each thread once to attach; a busy etcd has dozens.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// What strace says when it has attached.
const ATTACHED: &str = "attached";

/// A member's disk is slow as long as this lives.
#[derive(Debug)]
pub struct SlowDisk {
    tracer: Child,
}

impl SlowDisk {
    /// Makes the disk fast again, and returns when it is.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.detach();
        self.tracer
            .wait()
            .await
            .map(drop)
            .map_err(Error::io("wait for strace"))
    }

    /// On SIGINT strace lets its tracees go, and ends. On SIGKILL it would do the same, less
    /// orderly.
    fn detach(&self) {
        let pid = self
            .tracer
            .id()
            .and_then(|pid| Pid::from_raw(pid.cast_signed()));
        // A refusal means that it has ended, with the member for instance.
        let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::INT));
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        self.detach();
    }
}

impl Member {
    /// Makes the disk of the running process slow: every sync takes this much longer, until the
    /// value is dropped.
    ///
    /// # Errors
    /// [`Unavailable`] where strace is missing or may not trace; a test prints the reason and
    /// passes.
    pub async fn slow_disk(&self, delay: Duration) -> Result<SlowDisk, Unavailable> {
        let Some(pid) = self.pid() else {
            return Err(Unavailable::new(format!("{} does not run", self.name)));
        };
        let talk = self.launch.log.with_extension("strace");
        let file = File::create(&talk).map_err(|error| Unavailable::new(error.to_string()))?;
        let mut command = Command::new("strace");
        command
            .arg("-f")
            .args(tracing(delay))
            .arg("-p")
            .arg(pid.to_string());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        command.process_group(self.launch.group);
        let tracer = command
            .spawn()
            .map_err(|error| Unavailable::new(format!("strace: {error}")))?;
        let mut disk = SlowDisk { tracer };
        disk.wait_for_attachment(&talk).await?;
        Ok(disk)
    }
}

impl SlowDisk {
    async fn wait_for_attachment(&mut self, talk: &Path) -> Result<(), Unavailable> {
        let outcome = wait::until(ATTACH_LIMIT, async || {
            let said = fs::read_to_string(talk).unwrap_or_default();
            let said = said.trim();
            match self.tracer.try_wait() {
                Ok(Some(status)) => Ok(Err(Unavailable::new(format!("strace: {status}: {said}")))),
                _ if said.contains(ATTACHED) => Ok(Ok(())),
                _ => Err(format!("strace has not attached: {said}")),
            }
        });
        outcome
            .await
            .unwrap_or_else(|reason| Err(Unavailable::new(reason)))
    }
}

/// What stands before etcd to start it with a slow disk. The tracer is not the parent (`-D`), so
/// the child is etcd itself. The filter in the kernel (`--seccomp-bpf`) stops etcd at no other
/// system call; it can only be set at the start.
pub(super) fn wrapper(delay: Duration) -> Vec<String> {
    let words = ["strace", "-D", "-f", "--seccomp-bpf", "-q"].map(str::to_owned);
    words.into_iter().chain(tracing(delay)).collect()
}

/// Finds out whether a wrapped start works here, without etcd.
pub(super) async fn check() -> Result<(), Unavailable> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "--seccomp-bpf"])
        .args(tracing(Duration::ZERO))
        .arg("true");
    let output = command.stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| Unavailable::new(format!("strace: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Unavailable::new(format!(
        "strace: {}: {}",
        output.status,
        said.trim()
    )))
}

fn tracing(delay: Duration) -> [String; 6] {
    let inject = format!("inject=fdatasync:delay_enter={}", delay.as_micros());
    ["-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject].map(str::to_owned)
}
