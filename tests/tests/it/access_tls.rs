//! TLS of a real daemon by its web configuration file: who a client certificate is, what is taken in while it runs, and
//! what takes a restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use etcd_monitor_testkit::{CertificatePem, TestCa};
use etcd_monitor_tests::harness::{Daemon, Reply, client_builder, until};
use futures_util::StreamExt;
use reqwest::tls::Version;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Method};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::SOON;
use crate::access::{APPLIED, REFUSED, entry, made};
use crate::several::{deserted, written};

/// Authorities of the server and of its clients, and the files of both.
struct Stage {
    folder: TempDir,
    servers: TestCa,
    clients: TestCa,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: TestCa::new("servers").unwrap(),
            clients: TestCa::new("clients").unwrap(),
        };
        stage.install_server(&stage.servers);
        stage.write("clients.pem", &stage.clients.pem());
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As tools that rotate certificates do it.
    fn write(&self, name: &str, text: &str) {
        let next = self.path("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, self.path(name)).unwrap();
    }

    fn install_server(&self, by: &TestCa) {
        let pem = by.issue("server", &["127.0.0.1"]).unwrap();
        self.write("server.key", &pem.key);
        self.write("server.pem", &pem.certificate);
    }

    /// The web configuration file, with these lines.
    fn configure(&self, auth: &str, rest: &str) {
        let of_clients = match auth {
            "NoClientCert" => String::new(),
            _ => ", client_ca_file: clients.pem".to_owned(),
        };
        let tls = "tls_server_config: {cert_file: server.pem, key_file: server.key";
        let text = format!("{tls}, client_auth_type: {auth}{of_clients}}}\n{rest}");
        self.write("web.yml", &text);
    }

    async fn start(&self, by: Client) -> Daemon {
        let file = written(&[("silent", &deserted())]);
        let path = self.path("config.yml").to_string_lossy().into_owned();
        std::fs::copy(file.path(), &path).unwrap();
        let web = self.path("web.yml").to_string_lossy().into_owned();
        let config = ["--config", path.as_str(), "--interval", "1s"];
        let web = ["--web-config-file", web.as_str()];
        Daemon::start_for(by, config.iter().chain(&web)).await
    }

    fn anyone(&self) -> ClientBuilder {
        trusting(&self.servers)
    }

    /// A client that shows this certificate.
    fn with(&self, pem: &CertificatePem) -> Client {
        let both = format!("{}{}", pem.certificate, pem.key);
        let identity = Identity::from_pem(both.as_bytes()).unwrap();
        self.anyone().identity(identity).build().unwrap()
    }

    fn client(&self, name: &str) -> Client {
        self.with(&self.clients.issue(name, &[]).unwrap())
    }
}

fn trusting(ca: &TestCa) -> ClientBuilder {
    let root = Certificate::from_pem(ca.pem().as_bytes()).unwrap();
    client_builder().tls_certs_only([root])
}

/// The status of a route; `None` where client and server do not come together.
async fn status(daemon: &Daemon, client: &Client, path: &str) -> Option<u16> {
    let request = client.get(format!("{}{path}", daemon.url()));
    Reply::of(request).await.ok().map(|reply| reply.status)
}

async fn told(daemon: &Daemon, client: &Client, path: &str) -> Value {
    let request = client.get(format!("{}{path}", daemon.url()));
    Reply::of(request).await.unwrap().json()
}

/// Who the server takes this client for, and whether it may silence an alert.
async fn who(daemon: &Daemon, client: &Client) -> (String, String, u16) {
    let session = told(daemon, client, "/api/v1/session").await;
    let body =
        "{\"matchers\": [\"cluster=silent\"], \"duration_seconds\": 60, \"comment\": \"a test\"}";
    let url = format!("{}/api/v1/silences", daemon.url());
    let request = client.request(Method::POST, url).body(body);
    let request = request.header("content-type", "application/json");
    let silenced = Reply::of(request).await.unwrap().status;
    let text = |key: &str| session[key].as_str().unwrap_or_default().to_owned();
    (text("name"), text("role"), silenced)
}

#[tokio::test]
async fn a_client_certificate_says_who_asks() {
    let stage = Stage::new();
    stage.configure(
        "RequireAndVerifyClientCert",
        "roles: {night-shift: operator, ops.example: admin}\n",
    );
    let viewer = stage.client("prometheus");
    let daemon = stage.start(viewer.clone()).await;
    let known = |name: &str, role: &str, status| (name.to_owned(), role.to_owned(), status);
    assert_eq!(
        who(&daemon, &viewer).await,
        known("prometheus", "viewer", 403)
    );
    assert_eq!(
        who(&daemon, &stage.client("night-shift")).await,
        known("night-shift", "operator", 201)
    );
    // The highest role of its names counts.
    let pem = stage.clients.issue("somebody", &["ops.example"]).unwrap();
    assert_eq!(
        who(&daemon, &stage.with(&pem)).await,
        known("somebody", "admin", 201)
    );
    let foreign = TestCa::new("clients").unwrap();
    let expired = stage.clients.issue_expired("night-shift", &[]).unwrap();
    let refused = [
        stage.anyone().build().unwrap(),
        stage.with(&foreign.issue("night-shift", &[]).unwrap()),
        stage.with(&expired),
    ];
    for client in &refused {
        assert_eq!(status(&daemon, client, "/health").await, None);
    }
    let line = daemon.log().line_with("caller=\"night-shift\"").unwrap();
    assert!(line.contains("via=Certificate"), "{line}");
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn a_certificate_or_a_token_is_enough_where_both_are_taken() {
    let token = made("ci", "operator");
    let stage = Stage::new();
    let tokens = format!("tokens:\n{}", entry("ci", "operator", &token));
    stage.configure("VerifyClientCertIfGiven", &tokens);
    let anyone = stage.anyone().build().unwrap();
    let daemon = stage.start(anyone.clone()).await;
    assert_eq!(status(&daemon, &anyone, "/metrics").await, Some(401));
    assert_eq!(
        status(&daemon, &stage.client("prometheus"), "/metrics").await,
        Some(200)
    );
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = stage.anyone().tls_version_min(version);
        let client = client.tls_version_max(version).build().unwrap();
        let request = client.get(format!("{}/metrics", daemon.url()));
        let right = Reply::of(request.bearer_auth(&token.token)).await.unwrap();
        assert_eq!(right.status, 200, "{version:?}");
        let request = client.get(format!("{}/metrics", daemon.url()));
        let wrong = Reply::of(request.bearer_auth("wrong")).await.unwrap();
        assert_eq!(wrong.status, 401, "{version:?}");
    }
    let expired = stage.clients.issue_expired("prometheus", &[]).unwrap();
    assert_eq!(
        status(&daemon, &stage.with(&expired), "/metrics").await,
        None
    );
    // A cookie that is handed out over TLS never travels without it.
    let body = format!("{{\"token\": \"{}\"}}", token.token);
    let request = anyone.post(format!("{}/api/v1/session", daemon.url()));
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let signed_in = Reply::of(request).await.unwrap();
    assert!(signed_in.header("set-cookie").ends_with("; Secure"));
    assert!(daemon.terminate().await.success());
}

/// Certificates and keys that stand in the file itself, and everything of TLS that a reload changes.
#[tokio::test]
async fn other_tls_is_taken_in_while_the_daemon_runs() {
    let stage = Stage::new();
    stage.configure("NoClientCert", "");
    let anyone = stage.anyone().build().unwrap();
    let daemon = stage.start(anyone.clone()).await;
    assert_eq!(status(&daemon, &anyone, "/metrics").await, Some(200));

    stage.configure("RequireAndVerifyClientCert", "");
    daemon.log().line(APPLIED, SOON).await;
    assert_eq!(status(&daemon, &anyone, "/metrics").await, None);
    let viewer = stage.client("prometheus");
    assert_eq!(status(&daemon, &viewer, "/metrics").await, Some(200));

    // Another authority: whoever the one before knew is told no more, also on the streams that are open.
    let url = format!("{}/api/v1/events", daemon.url());
    let mut events = viewer.get(url).send().await.unwrap().bytes_stream();
    assert!(events.next().await.unwrap().is_ok());
    let next = TestCa::new("next").unwrap();
    stage.write("clients.pem", &next.pem());
    let ended = async { while events.next().await.is_some_and(|frame| frame.is_ok()) {} };
    tokio::time::timeout(SOON, ended)
        .await
        .expect("the stream ends");
    assert_eq!(status(&daemon, &viewer, "/metrics").await, None);
    let new = stage.with(&next.issue("prometheus", &[]).unwrap());
    assert_eq!(status(&daemon, &new, "/metrics").await, Some(200));

    // All of it in the file itself, and of another authority.
    let other = TestCa::new("other").unwrap();
    let pem = other.issue("server", &["127.0.0.1"]).unwrap();
    let indented = |text: &str| text.trim().replace('\n', "\n    ");
    let inline = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n  min_version: TLS13\n",
        indented(&pem.certificate),
        indented(&pem.key)
    );
    stage.write("web.yml", &inline);
    let old = trusting(&other).tls_version_max(Version::TLS_1_2);
    let fresh = trusting(&other).build().unwrap();
    until(
        SOON,
        "the other certificate is shown",
        async || match status(&daemon, &fresh, "/metrics").await {
            Some(200) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    assert_eq!(
        status(&daemon, &old.build().unwrap(), "/metrics").await,
        None
    );
    assert!(!daemon.log().text().contains("PRIVATE KEY"));
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn what_takes_a_restart_is_told_in_the_log_and_in_the_status() {
    let stage = Stage::new();
    stage.configure("NoClientCert", "");
    let anyone = stage.anyone().build().unwrap();
    let daemon = stage.start(anyone.clone()).await;
    let configuration = async || told(&daemon, &anyone, "/api/v1/configuration").await;
    let web = stage.path("web.yml").to_string_lossy().into_owned();
    let now = configuration().await;
    assert_eq!(now["web_configuration_file"], web);
    assert_eq!(now["needs_restart"], serde_json::json!([]));

    stage.write("web.yml", "http_server_config: {http2: false}\n");
    let line = daemon.log().line(REFUSED, SOON).await;
    assert!(
        line.contains("tls_server_config") && line.contains("only a restart"),
        "{line}"
    );
    let now = until(SOON, "the status says so", async || {
        let now = configuration().await;
        let is_told = now["web_configuration_error"].is_string();
        is_told.then_some(now).ok_or("it does not yet".to_owned())
    })
    .await;
    let needed = now["needs_restart"].to_string();
    assert!(needed.contains("tls_server_config"), "{needed}");
    daemon.signal(Signal::HUP);
    daemon
        .log()
        .line("SIGHUP: the configuration was not", SOON)
        .await;

    stage.configure("NoClientCert", "http_server_config: {http2: false}\n");
    daemon.log().line(APPLIED, SOON).await;
    let now = until(SOON, "the status says so", async || {
        let now = configuration().await;
        let is_well = now["web_configuration_error"].is_null();
        is_well.then_some(now).ok_or("it does not yet".to_owned())
    })
    .await;
    // What the reload by SIGHUP found still stands until the next one.
    assert_eq!(now["last_reload"]["ok"], false);
    daemon.signal(Signal::HUP);
    daemon
        .log()
        .line("SIGHUP: the configuration was read", SOON)
        .await;
    until(SOON, "nothing waits for a restart", async || {
        let now = configuration().await;
        (now["needs_restart"] == serde_json::json!([]))
            .then_some(())
            .ok_or(now.to_string())
    })
    .await;
    assert!(daemon.terminate().await.success());
}

/// Clients that ask all the time meet no error while certificates rotate under them.
#[tokio::test]
async fn certificates_rotate_under_load() {
    let stage = Stage::new();
    stage.configure("NoClientCert", "");
    let anyone = stage.anyone().build().unwrap();
    let daemon = stage.start(anyone.clone()).await;
    let url = format!("{}/health", daemon.url());
    let (answered, stop) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let asking = (0..4).map(|_| {
        // Each request is a connection of its own, with a handshake.
        let (client, url) = (anyone.clone(), url.clone());
        let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let reply = Reply::of(client.get(&url)).await;
                assert_eq!(reply.map(|reply| reply.status), Ok(200));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    for number in 0..2 {
        let serial = served_serial(&daemon, &stage).await;
        stage.install_server(&stage.servers);
        until(
            Duration::from_secs(30),
            "the new one is shown",
            async || {
                let now = served_serial(&daemon, &stage).await;
                (now != serial)
                    .then_some(())
                    .ok_or(format!("rotation {number}"))
            },
        )
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    for one in asking {
        one.await.unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) > 20);
    assert!(daemon.terminate().await.success());
}

/// The certificate that the daemon shows now.
async fn served_serial(daemon: &Daemon, stage: &Stage) -> Vec<u8> {
    let client = stage.anyone().tls_info(true).build().unwrap();
    let url = format!("{}/health", daemon.url());
    let response = client.get(url).send().await.unwrap();
    let info = response
        .extensions()
        .get::<reqwest::tls::TlsInfo>()
        .unwrap();
    info.peer_certificate().unwrap().to_vec()
}
