//! Kills the etcd processes of a cluster when the test runner dies, however it dies.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};

use crate::error::Error;

/// Leads the process group of the cluster and does nothing else. It ends with the runner, the group
/// lives on until its last etcd is gone.
const ANCHOR: &str = "while read -r _; do :; done";

/// Waits for the end of the pipe from the runner. Without a `done` before it, the runner was killed:
/// kill the group and remove the data. A process that is just dying may still create a file, so that
/// is repeated (for at most 5 s). Whether the group is gone cannot be asked: in a container nobody may
/// reap its zombies.
const GUARD: &str = r#"
while read -r word; do [ "$word" = done ] && exit 0; done
kill -s KILL -- "-$1" 2>/dev/null
tries=0
while rm -rf -- "$2"; [ -e "$2" ] && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
"#;

/// A process group for the children of one cluster, and a process that kills it when the runner is
/// gone.
///
/// A group and not a list of pids: a child joins it before its `exec`, so there is no moment in
/// which a started etcd is unknown to the guard. Both processes live in groups of their own and so
/// survive a signal to the runner's group.
#[derive(Debug)]
pub(crate) struct Guard {
    anchor: Child,
    watcher: Child,
}

impl Guard {
    /// Starts the guard; `data` is what it removes when the runner was killed.
    pub(crate) fn start(data: &Path) -> Result<Self, Error> {
        let anchor = shell(ANCHOR).spawn().map_err(Error::io("start /bin/sh"))?;
        let watcher = shell(GUARD).arg(anchor.id().to_string()).arg(data).spawn();
        Ok(Self {
            anchor,
            watcher: watcher.map_err(Error::io("start /bin/sh"))?,
        })
    }

    /// The process group that children join.
    pub(crate) fn group(&self) -> i32 {
        Pid::from_child(&self.anchor).as_raw_pid()
    }

    /// Kills every process of the group. Already dead ones are no error.
    pub(crate) fn kill_group(&self) {
        // ESRCH, nobody left, is the only possible refusal for a group of our own.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.anchor), Signal::KILL);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill_group();
        if let Some(mut pipe) = self.watcher.stdin.take() {
            // If the watcher is already gone there is nobody to tell.
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.anchor.wait();
        let _ = self.watcher.wait();
    }
}

/// A shell in a process group of its own, that holds none of the runner's outputs open. The write
/// end of its input stays in the runner alone, since the standard library opens pipes
/// close-on-exec.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(script)
        .arg("etcd-monitor-guard")
        .process_group(0);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
