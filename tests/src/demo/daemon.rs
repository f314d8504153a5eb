//! The daemon as a child process: its log is passed on, and its address is read from it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::say;

/// How long the daemon may take to stop: it promises 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(6);

/// The daemon, ended on drop.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    url: String,
    http: reqwest::Client,
    log: JoinHandle<()>,
}

impl Daemon {
    /// Starts the daemon at all its defaults on one endpoint. Takes a free port where the wanted one is in use.
    pub(super) async fn start(
        endpoint: &str,
        data: &Path,
        webhook_url: Option<&str>,
        wanted_port: u16,
    ) -> anyhow::Result<Self> {
        let free = TcpListener::bind(("127.0.0.1", wanted_port)).await.is_ok();
        if !free {
            say(&format!(
                "port {wanted_port} is in use; the dashboard takes a free one"
            ));
        }
        let mut command = Command::new(program()?);
        command
            .args(["--endpoints", endpoint, "--api-port"])
            .arg(if free {
                wanted_port.to_string()
            } else {
                "0".to_owned()
            })
            .arg("--data-dir")
            .arg(data)
            .args(
                webhook_url
                    .into_iter()
                    .flat_map(|url| ["--webhook-url", url]),
            )
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context("cannot start etcd-monitor")?;
        let stderr = child
            .stderr
            .take()
            .context("the daemon's stderr is not there")?;
        let mut lines = BufReader::new(stderr).lines();
        let url = timeout(Duration::from_secs(10), announced(&mut lines)).await??;
        let log = tokio::spawn(pass_on(lines));
        Ok(Self {
            child,
            url,
            http: reqwest::Client::new(),
            log,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the first cycle has ended.
    pub(super) async fn wait_ready(&self, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        loop {
            looks.tick().await;
            let ready = self.http.get(format!("{}ready", self.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if began.elapsed() > limit {
                bail!("the daemon was not ready within {} s", limit.as_secs());
            }
        }
    }

    /// Asks a path and returns status, content type and body.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<(u16, String, String)> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
        let status = answer.status().as_u16();
        let content_type = answer
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Ok((status, content_type, answer.text().await?))
    }

    /// Asks a path that answers JSON.
    pub(super) async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let (status, _, body) = self.get(path).await?;
        let parsed = serde_json::from_str(&body)
            .with_context(|| format!("/{path} ({status}) is not JSON: {body}"))?;
        if status == 200 {
            Ok(parsed)
        } else {
            bail!("/{path} answers {status}: {body}")
        }
    }

    /// The first bytes of the live events.
    pub(super) async fn first_event(&self) -> anyhow::Result<String> {
        let mut answer = self
            .http
            .get(format!("{}api/v1/events", self.url))
            .send()
            .await?;
        let chunk = timeout(Duration::from_secs(5), answer.chunk()).await??;
        Ok(String::from_utf8_lossy(&chunk.unwrap_or_default()).into_owned())
    }

    /// Waits until the daemon has ended by itself, which is a failure.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        let status = self.child.wait().await?;
        bail!("the daemon ended by itself ({status})")
    }

    /// Asks the daemon to stop and sees that it does so in time, with success.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = id
            .and_then(Pid::from_raw)
            .context("the daemon has ended already")?;
        kill_process(pid, Signal::TERM)?;
        let stopped = timeout(STOP_WITHIN, self.child.wait()).await;
        self.log.abort();
        let status = stopped.context("the daemon did not stop within 5 s of SIGTERM")??;
        if status.success() {
            Ok(())
        } else {
            bail!("the daemon stopped with {status}")
        }
    }
}

/// The daemon lies beside this program.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name("etcd-monitor");
    if path.is_file() {
        Ok(path)
    } else {
        bail!(
            "{} is not built: start the demo by scripts/demo",
            path.display()
        )
    }
}

/// Passes the log on until it names the address.
async fn announced(lines: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<String> {
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        show(&line);
        if let Some((_, rest)) = line.split_once("url=\"") {
            return Ok(rest.trim_end_matches('"').to_owned());
        }
        said.push(line);
    }
    bail!("the daemon ended at its start: {}", said.join("; "))
}

async fn pass_on(mut lines: Lines<BufReader<ChildStderr>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        show(&line);
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the daemon's console is the user's console"
)]
fn show(line: &str) {
    eprintln!("{line}");
}
