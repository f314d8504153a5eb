//! One etcd process at a time: start, signal, reap.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::error::Error;

/// etcd hands its leadership over before it ends; beyond this it will not end by itself.
const TERMINATION_LIMIT: Duration = Duration::from_secs(20);

/// How a process of one member is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    /// What stands before the program, such as strace.
    pub(super) wrapper: Vec<String>,
    /// Both outputs are appended here, so a panic of etcd is in its log.
    pub(super) log: PathBuf,
    /// The group that the guard kills.
    pub(super) group: i32,
}

/// The slot for a member's process.
#[derive(Debug, Default)]
pub(super) struct Process {
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Starts the program; a process that still runs in the slot is an error of the test.
    pub(super) fn start(&self, launch: &Launch, arguments: &[String]) -> Result<u32, Error> {
        let mut slot = self.slot();
        if pid_of(slot.as_mut()).is_some() {
            return Err(Error::Usage(format!(
                "{} already runs",
                launch.program.display()
            )));
        }
        let log = open_log(&launch.log)?;
        let output = log
            .try_clone()
            .map_err(Error::io("duplicate the log file"))?;
        let mut command = launch.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .process_group(launch.group);
        let program = launch.program.display();
        let child = command
            .spawn()
            .map_err(Error::io(format!("start {program}")))?;
        let pid = child.id().unwrap_or_default();
        *slot = Some(child);
        Ok(pid)
    }

    /// The pid, or `None` when no process runs.
    pub(super) fn pid(&self) -> Option<u32> {
        pid_of(self.slot().as_mut())
    }

    /// Sends a signal; `false` when no process runs.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let pid = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        pid.is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
    }

    /// Kills and reaps. Cancel-safe: the signal is sent at once, the runtime reaps what is not
    /// waited for.
    pub(super) async fn kill(&self) -> Result<(), Error> {
        let Some(mut child) = self.slot().take() else {
            return Ok(());
        };
        child.kill().await.map_err(Error::io("kill etcd"))
    }

    /// Ends the process by SIGTERM, also when it was stopped, and by SIGKILL when it takes too
    /// long.
    pub(super) async fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        let Some(mut child) = self.slot().take() else {
            return Ok(());
        };
        match timeout(TERMINATION_LIMIT, child.wait()).await {
            Ok(outcome) => outcome.map(drop).map_err(Error::io("wait for etcd")),
            Err(_) => child.kill().await.map_err(Error::io("kill etcd")),
        }
    }

    /// Blocks until a process that was killed is dead; its files are closed then. The runtime reaps
    /// it.
    pub(super) fn wait_for_death(&self) {
        let Some(pid) = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed())) else {
            return;
        };
        // ECHILD means that it is already reaped, which is what we wait for.
        let _ = rustix::process::waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
    }

    fn slot(&self) -> MutexGuard<'_, Option<Child>> {
        // The slot is valid after every statement, so a panic of another holder does no harm.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Launch {
    fn command(&self, arguments: &[String]) -> Command {
        let Some((first, rest)) = self.wrapper.split_first() else {
            let mut command = Command::new(&self.program);
            command.args(arguments);
            return command;
        };
        let mut command = Command::new(first);
        command.args(rest).arg(&self.program).args(arguments);
        command
    }
}

/// `None` also for a process that has ended by itself.
fn pid_of(child: Option<&mut Child>) -> Option<u32> {
    let child = child?;
    match child.try_wait() {
        Ok(None) => child.id(),
        Ok(Some(_)) | Err(_) => None,
    }
}

fn open_log(path: &Path) -> Result<std::fs::File, Error> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(Error::io(format!("open {}", path.display())))
}
