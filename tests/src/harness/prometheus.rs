//! A real Prometheus as a child process.

use std::path::Path;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::http::{http_client, until_ready};
use super::program::{KeptProgram, find_program, free_address};

/// A Prometheus with a configuration. It ends with the value.
#[derive(Debug)]
pub struct Prometheus {
    _process: KeptProgram,
    url: String,
    http: Client,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it on a free port of loopback; `None`, and says so on stderr, where it is not installed.
    pub async fn start(config: &Path) -> Option<Self> {
        let program = find_program(&["prometheus"], "Prometheus")?;
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let address = free_address();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().display()),
            format!("--web.listen-address={address}"),
        ];
        let started = Self {
            _process: KeptProgram::start(&program, arguments),
            url: format!("http://{address}"),
            http: http_client(),
            _folder: folder,
        };
        until_ready(&started.http, &started.at("/-/ready"), "Prometheus").await;
        Some(started)
    }

    /// What an expression amounts to now: each series with its value. A failure is what Prometheus says of it.
    pub async fn query(&self, expression: &str) -> Result<Vec<(Value, f64)>, String> {
        let request = self.http.get(self.at("/api/v1/query"));
        let reply = request.query(&[("query", expression)]).send().await;
        let document = reply.map_err(|error| error.to_string())?.json().await;
        let document: Value = document.map_err(|error| error.to_string())?;
        let Some(series) = document["data"]["result"].as_array() else {
            return Err(document["error"].to_string());
        };
        let value = |series: &Value| {
            let value = series["value"][1]
                .as_str()
                .and_then(|text| text.parse().ok());
            (series["metric"].clone(), value.unwrap_or(f64::NAN))
        };
        Ok(series.iter().map(value).collect())
    }

    /// The `data` of an answer of its API.
    pub async fn data(&self, path: &str) -> Value {
        let reply = self.http.get(self.at(path)).send().await;
        let document: Value = reply
            .expect("Prometheus answers")
            .json()
            .await
            .expect("its answer is JSON");
        assert_eq!(document["status"], "success", "{path}: {document}");
        document["data"].clone()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}
