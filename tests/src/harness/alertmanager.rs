//! A real Alertmanager as a child process.

use std::io::{Write, stderr};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::http::http_client;
use super::wait::until;

/// Names under which packages and archives install it.
const PROGRAMS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// Ends the program when the pipe from the test closes: also when the test was killed.
const KEEPER: &str = r#""$@" </dev/null &
read -r _; kill -9 "$!" 2>/dev/null; wait"#;

const START_LIMIT: Duration = Duration::from_secs(30);

/// An Alertmanager that tells nobody. It ends with the value.
#[derive(Debug)]
pub struct Alertmanager {
    keeper: Child,
    url: String,
    http: Client,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it on a free port of loopback; `None`, and says so on stderr, where it is not installed.
    pub async fn start() -> Option<Self> {
        let program = find()?;
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("it listens").to_string();
        drop(listener);
        let started = Self {
            keeper: launch(&program, folder.path(), &address),
            url: format!("http://{address}"),
            http: http_client(),
            _folder: folder,
        };
        let ready = async || match started.http.get(started.at("/-/ready")).send().await {
            Ok(reply) if reply.status().is_success() => Ok(()),
            Ok(reply) => Err(reply.status().to_string()),
            Err(error) => Err(error.to_string()),
        };
        until(START_LIMIT, "Alertmanager is ready", ready).await;
        Some(started)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The alerts that are active there.
    pub async fn alerts(&self) -> Vec<Value> {
        let reply = self.http.get(self.at("/api/v2/alerts")).send().await;
        let reply = reply.expect("Alertmanager answers");
        reply.json().await.expect("its answer is JSON")
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = PROGRAMS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    if found.is_none() {
        // Past the capture of a test that passes.
        let line = "skipped: no Alertmanager in PATH; scripts/setup --test installs it\n";
        let _ = stderr().write_all(line.as_bytes());
    }
    found
}

fn launch(program: &Path, folder: &Path, address: &str) -> Child {
    let config = folder.join("alertmanager.yml");
    let text = "route: {receiver: none}\nreceivers: [{name: none}]\n";
    std::fs::write(&config, text).expect("a new folder can be written");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.path={}", folder.join("data").display()),
        format!("--web.listen-address={address}"),
        "--cluster.listen-address=".to_owned(),
    ];
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", KEEPER, "keeper"])
        .arg(program)
        .args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).spawn();
    child.expect("a shell can be started")
}
