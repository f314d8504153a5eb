//! The daemon as a child process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::binary::daemon_binary;
use super::http::{Reply, http_client};
use super::log::Log;
use super::wait::until;

/// For the start of the process and its first cycle, on a machine that builds at the same time.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What stands before the URL in the log.
const SERVED: &str = "Dashboard, API and metrics are served";

/// A running daemon. Dropping it kills it, and shows its log when the test fails; it is killed as well when the test
/// runner is.
#[derive(Debug)]
pub struct Daemon {
    child: Mutex<Child>,
    guard: Child,
    log: Log,
    url: String,
    http: Client,
    folder: TempDir,
    data_dir: PathBuf,
}

/// How a process ended that was expected to end by itself.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// Names of what it left in its data directory and its working directory.
    pub left_behind: Vec<String>,
}

impl Daemon {
    /// Starts the daemon with these arguments on a free port, in a data directory of its own, and waits for `/ready`.
    pub async fn start<A: AsRef<str>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let data_dir = folder.path().join("data");
        Self::launch(folder, data_dir, http_client(), arguments).await
    }

    /// The same, where it is asked by this client.
    pub async fn start_for<A: AsRef<str>>(
        http: Client,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let data_dir = folder.path().join("data");
        Self::launch(folder, data_dir, http, arguments).await
    }

    /// The same, on the data of an earlier daemon.
    pub async fn start_on<A: AsRef<str>>(
        data_dir: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        Self::launch(folder, data_dir.to_owned(), http_client(), arguments).await
    }

    async fn launch<A: AsRef<str>>(
        folder: TempDir,
        data_dir: PathBuf,
        http: Client,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let work_dir = folder.path().join("work");
        std::fs::create_dir(&work_dir).expect("a new folder can be written");
        let mut command = command(daemon_binary(), &work_dir, arguments);
        command
            .args(["--api-port", "0", "--data-dir"])
            .arg(&data_dir);
        let mut child = command
            .spawn()
            .expect("the daemon's program can be started");
        let log = Log::follow(child.stderr.take().expect("stderr is piped"));
        let guard = guard(child.id(), folder.path());
        let mut daemon = Self {
            child: Mutex::new(child),
            guard,
            log,
            url: String::new(),
            http,
            folder,
            data_dir,
        };
        daemon.url = until(START_LIMIT, "the daemon says its URL", async || {
            daemon.said_url()
        })
        .await;
        let ready = async || match daemon.get("/ready").await.status {
            200 => Ok(()),
            status => Err(format!("/ready answers {status}")),
        };
        until(START_LIMIT, "the first cycle ends", ready).await;
        daemon
    }

    fn said_url(&self) -> Result<String, String> {
        if let Some(status) = self.try_ended() {
            panic!(
                "the daemon ended at its start: {status}\n{}",
                self.log.text()
            );
        }
        let line = self.log.line_with(SERVED).ok_or("it has not yet")?;
        let (_, url) = line
            .split_once("url=\"")
            .ok_or_else(|| format!("no URL in {line}"))?;
        Ok(url.trim_end_matches(['"', '/']).to_owned())
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has written to stderr.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its working directory, which holds nothing that it did not write.
    pub fn work_dir(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// The most memory that was ever resident, in kB, from `/proc`.
    pub fn peak_kilobytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).expect("the daemon runs");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .expect("Linux says VmHWM");
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        digits.parse().expect("digits were kept")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child());
        kill_process(pid, signal).expect("the daemon runs and is ours");
    }

    /// Waits until it has ended.
    pub async fn ended(&self, limit: Duration) -> ExitStatus {
        let look = async || self.try_ended().ok_or_else(|| "it runs".to_owned());
        until(limit, "the daemon ends", look).await
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub async fn terminate(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended(Duration::from_secs(10)).await
    }

    fn try_ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("the daemon is our child")
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Daemon {
    /// A request for a path, to be refined.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    /// A request that changes something, with a JSON document.
    pub fn change(&self, method: Method, path: &str, document: &Value) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(document.to_string())
    }

    /// What a path answers.
    pub async fn get(&self, path: &str) -> Reply {
        let reply = Reply::of(self.request(path)).await;
        reply.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// The JSON document at a path, which must answer 200.
    pub async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "GET {path}: {}", reply.text());
        reply.json()
    }

    /// Asks a path again and again until `find` finds what it looks for in the document.
    pub async fn until<T>(
        &self,
        limit: Duration,
        path: &str,
        what: &str,
        mut find: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        let look = async || {
            let document = self.json(path).await;
            find(&document).ok_or_else(|| format!("{path} answers {document:#}"))
        };
        until(limit, what, look).await
    }

    /// Waits until this many further cycles have ended.
    pub async fn cycles(&self, count: u64) {
        let path = "/api/v1/cluster/status";
        let cycle = |status: &Value| status["cycle"].as_u64();
        let last = cycle(&self.json(path).await).expect("the first cycle has ended") + count;
        let limit = Duration::from_secs(10 * (count + 1));
        self.until(limit, path, "cycles go on", |status| {
            cycle(status).filter(|now| *now >= last)
        })
        .await;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // First the guard, so that it never kills a process id that is no longer ours.
        end(&mut self.guard);
        end(&mut self.child());
        self.show_log_of_failure();
    }
}

impl Daemon {
    #[expect(clippy::print_stderr, reason = "the output of a failing test")]
    fn show_log_of_failure(&self) {
        if std::thread::panicking() {
            eprintln!(
                "---- log of the daemon at {}\n{}\n----",
                self.url,
                self.log.text()
            );
        }
    }
}

fn end(child: &mut Child) {
    // Errors mean that it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs the daemon's program with these arguments, which shall make it end by itself.
pub async fn run_to_end<A: AsRef<str>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    run_program_to_end(daemon_binary(), arguments).await
}

/// Runs a program of ours with these arguments, which shall make it end by itself.
pub async fn run_program_to_end<A: AsRef<str>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Ended {
    let folder = tempfile::tempdir().expect("the temporary folder can be written");
    let mut command = tokio::process::Command::from(command(program, folder.path(), arguments));
    let running = command.stdout(Stdio::piped()).kill_on_drop(true).output();
    let ended = tokio::time::timeout(START_LIMIT, running).await;
    let output = ended
        .expect("it ends by itself")
        .expect("the program can be started");
    let entries = std::fs::read_dir(folder.path()).expect("the folder is ours");
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        left_behind: names.collect(),
    }
}

/// The program in a working directory, with nothing of the environment that would configure it.
fn command<A: AsRef<str>>(
    program: &Path,
    work_dir: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ETCD_MONITOR_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
        .args(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        )
        .current_dir(work_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A process that kills another one and removes its folder when the pipe from this process ends: when the runner ends
/// or is killed while the daemon runs.
fn guard(pid: u32, folder: &Path) -> Child {
    let script = r#"read -r _; kill -s KILL "$1"; rm -rf -- "$2""#;
    Command::new("/bin/sh")
        .args(["-c", script, "guard", &pid.to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("/bin/sh can be started")
}
