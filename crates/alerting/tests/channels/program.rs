//! A real server as a child process, that ends with the test however the test ends.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// Ends the program at once when the pipe from the test closes: also when the test was killed.
const KEEPER: &str = r#""$@" </dev/null &
read -r _; kill -9 "$!" 2>/dev/null; wait"#;

/// For what happens at once on a machine that does other things too.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(program: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program);
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// What it prints, once.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// The program of that name; `None`, and says so, where it is not there.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).collect::<Vec<_>>();
    let system = Path::new("/usr/bin").to_owned();
    let mut programs = folders.into_iter().chain([system]).map(|it| it.join(name));
    let found = programs.find(|it| it.is_file());
    if found.is_none() {
        // Past the capture of a test that passes, and at once.
        let reason = "scripts/setup --test installs it where there is a package";
        let line = format!("skipped: no {name} in PATH; {reason}\n");
        stderr().write_all(line.as_bytes()).unwrap();
    }
    found
}

/// Looks until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
    }
}
