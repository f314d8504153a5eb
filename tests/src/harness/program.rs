//! Programs of others as child processes.

use std::ffi::OsStr;
use std::io::{Write, stderr};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends the program when the pipe from the test closes: also when the test was killed.
const KEEPER: &str = r#""$@" </dev/null &
read -r _; kill -9 "$!" 2>/dev/null; wait"#;

/// A program that ends with the value.
#[derive(Debug)]
pub(super) struct KeptProgram(Child);

impl KeptProgram {
    pub(super) fn start(program: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn();
        Self(child.expect("a shell can be started"))
    }
}

impl Drop for KeptProgram {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The first program of these names in `PATH`; `None`, and says so on stderr, where there is none.
pub fn find_program(names: &[&str], what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    if found.is_none() {
        // Past the capture of a test that passes.
        let line = format!("skipped: no {what} in PATH; scripts/setup --test installs it\n");
        let _ = stderr().write_all(line.as_bytes());
    }
    found
}

/// A free port of loopback, as `host:port`.
pub(super) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it listens").to_string()
}
