//! A real Alertmanager as a child process.

use std::path::Path;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::http::{http_client, until_ready};
use super::program::{KeptProgram, find_program, free_address};

/// Names under which packages and archives install it.
const PROGRAMS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// An Alertmanager that tells nobody. It ends with the value.
#[derive(Debug)]
pub struct Alertmanager {
    _process: KeptProgram,
    url: String,
    http: Client,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it on a free port of loopback; `None`, and says so on stderr, where it is not installed.
    pub async fn start() -> Option<Self> {
        let program = find_program(&PROGRAMS, "Alertmanager")?;
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let address = free_address();
        let started = Self {
            _process: launch(&program, folder.path(), &address),
            url: format!("http://{address}"),
            http: http_client(),
            _folder: folder,
        };
        until_ready(&started.http, &started.at("/-/ready"), "Alertmanager").await;
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

fn launch(program: &Path, folder: &Path, address: &str) -> KeptProgram {
    let config = folder.join("alertmanager.yml");
    let text = "route: {receiver: none}\nreceivers: [{name: none}]\n";
    std::fs::write(&config, text).expect("a new folder can be written");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.path={}", folder.join("data").display()),
        format!("--web.listen-address={address}"),
        "--cluster.listen-address=".to_owned(),
    ];
    KeptProgram::start(program, arguments)
}
