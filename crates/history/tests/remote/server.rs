//! A real store as a child process, that ends with the test however the test ends.

use std::io::{Write, stderr};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, interval};

/// Ends the program in its order when it is told anything, and at once when the pipe from the test closes: also when the test was killed.
const KEEPER: &str = r#""$@" </dev/null &
while read -r _; do kill "$!"; wait "$!"; done
kill -9 "$!" 2>/dev/null; wait"#;

const START_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    VictoriaMetrics,
    Prometheus,
}

pub(crate) struct Server {
    pub(crate) kind: Kind,
    program: PathBuf,
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl Server {
    /// Starts one with an empty data folder; `None`, and says so, where the program is not there.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        let mut server = Self::prepare(kind)?;
        server.up().await;
        Some(server)
    }

    /// The same, but not started: its port refuses.
    pub(crate) fn prepare(kind: Kind) -> Option<Self> {
        // The first test to come installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name = match kind {
            Kind::VictoriaMetrics => "victoria-metrics",
            Kind::Prometheus => "prometheus",
        };
        let Some(program) = find(name) else {
            // Past the capture of a test that passes, and at once.
            let reason = "scripts/setup --test installs it where there is a package";
            let line = format!("skipped: no {name} in PATH; {reason}\n");
            stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        Some(Self {
            kind,
            program,
            port: free_port(),
            folder: TempDir::new().unwrap(),
            process: None,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn write_url(&self) -> String {
        self.url() + "/api/v1/write"
    }

    /// Starts it, on the same port and data as before.
    pub(crate) async fn up(&mut self) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.program);
        command.args(self.arguments());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        let health = self.url() + "/-/ready";
        until(START_LIMIT, "the store is ready", async || {
            let answer = reqwest::get(&health).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Stops it in its order, so that it keeps what it took.
    pub(crate) fn down(&mut self) {
        let mut pipe = self.process.as_ref().unwrap().stdin.as_ref().unwrap();
        pipe.write_all(b"stop\n").unwrap();
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }

    /// Makes what was written visible now instead of in a second.
    pub(crate) async fn settle(&self) {
        if self.kind == Kind::VictoriaMetrics {
            let answer = reqwest::get(self.url() + "/internal/force_flush").await;
            assert!(answer.unwrap().status().is_success());
        }
    }

    fn arguments(&self) -> Vec<String> {
        let data = self.folder.path().join("data");
        let (data, port) = (data.display(), self.port);
        match self.kind {
            Kind::VictoriaMetrics => vec![
                format!("-httpListenAddr=127.0.0.1:{port}"),
                format!("-storageDataPath={data}"),
                "-retentionPeriod=12".to_owned(),
            ],
            Kind::Prometheus => {
                let config = self.folder.path().join("prometheus.yml");
                std::fs::write(&config, "global: {}\n").unwrap();
                vec![
                    format!("--web.listen-address=127.0.0.1:{port}"),
                    format!("--storage.tsdb.path={data}"),
                    format!("--config.file={}", config.display()),
                    "--web.enable-remote-write-receiver".to_owned(),
                ]
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Looks until something is there.
pub(crate) async fn until<T>(
    limit: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).collect::<Vec<_>>();
    let system = Path::new("/usr/bin").to_owned();
    let mut found = folders.into_iter().chain([system]).map(|it| it.join(name));
    found.find(|it| it.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
