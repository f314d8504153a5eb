//! TLS as real clients see it, with files that rotate under a server that listens.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::routing::get;
use etcd_monitor_testkit::{CertificatePem, TestCa};
use reqwest::tls::Version;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::accept;
use crate::admission::Admission;
use crate::connection::{Connection, Server};
use crate::limits::HttpLimits;
use crate::tasks::Tasks;

/// For whatever must happen; it is over far sooner where it does.
const LIMIT: Duration = Duration::from_secs(20);

/// A server that says who its client is, its authority, and its files.
struct Stage {
    folder: TempDir,
    ca: TestCa,
    settings: TlsSettings,
}

struct Running {
    address: SocketAddr,
    tls: LiveTls,
    _stop: DropGuard,
}

impl Stage {
    fn new() -> Self {
        // An error means that it is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let settings = TlsSettings {
            cert: Pem::File(folder.path().join("server.pem")),
            key: Pem::File(folder.path().join("server.key")),
            ..TlsSettings::default()
        };
        let ca = TestCa::new("servers").unwrap();
        let stage = Self {
            folder,
            ca,
            settings,
        };
        stage.install(&stage.ca.issue("server", &["localhost"]).unwrap());
        stage
    }

    fn asking(auth: ClientAuth, clients: &TestCa) -> Self {
        let mut stage = Self::new();
        let file = stage.folder.path().join("clients.pem");
        fs::write(&file, clients.pem()).unwrap();
        stage.settings.client_auth = auth;
        stage.settings.client_ca = Some(Pem::File(file));
        stage
    }

    fn check(&self) -> Result<(), TlsError> {
        PreparedTls::new(&self.settings, false).map(drop)
    }

    fn install(&self, pem: &CertificatePem) {
        replace(path(&self.settings.key), &pem.key);
        replace(path(&self.settings.cert), &pem.certificate);
    }

    async fn run(&self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let tls = LiveTls::new(PreparedTls::new(&self.settings, true).unwrap());
        let limits = HttpLimits {
            tls_check: Duration::from_millis(20),
            ..HttpLimits::default()
        };
        let admission = Admission::new(limits.connections, limits.connections_per_address);
        let files = tls.clone();
        let ended = stop.clone();
        let pause = limits.tls_check;
        let server = Server {
            router: axum::Router::new().route("/", get(who)),
            tls: Some(tls.clone()),
            tasks: Tasks::default(),
            stop: stop.clone(),
            limits,
        };
        tokio::spawn(accept::run(listener, Arc::new(server), admission));
        tokio::spawn(async move { ended.run_until_cancelled(files.follow_files(pause)).await });
        Running {
            address,
            tls,
            _stop: stop.drop_guard(),
        }
    }

    fn client(&self) -> ClientBuilder {
        trusting(&self.ca)
    }

    fn client_with(&self, pem: &CertificatePem) -> ClientBuilder {
        let both = format!("{}{}", pem.certificate, pem.key);
        self.client()
            .identity(Identity::from_pem(both.as_bytes()).unwrap())
    }
}

fn path(pem: &Pem) -> &Path {
    match pem {
        Pem::File(path) => path,
        Pem::Inline(_) => panic!("it is no file"),
    }
}

/// A client that trusts servers of this authority alone.
fn trusting(ca: &TestCa) -> ClientBuilder {
    let root = Certificate::from_pem(ca.pem().as_bytes()).unwrap();
    let fresh = Client::builder().no_proxy().pool_max_idle_per_host(0);
    fresh.timeout(LIMIT).tls_certs_only([root])
}

/// As tools that rotate certificates do it.
fn replace(path: &Path, content: &str) {
    let next = path.with_extension("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, path).unwrap();
}

async fn who(request: Request) -> String {
    let connection = request.extensions().get::<Connection>();
    let certificate = connection.and_then(|connection| connection.certificate.as_ref());
    certificate.map_or_else(
        || "nobody".to_owned(),
        |shown| format!("{:?} {}", shown.common_name, shown.names.join(",")),
    )
}

impl Running {
    /// What the server says of this client; `None` where they do not come together.
    async fn ask(&self, client: ClientBuilder) -> Option<String> {
        let url = format!("https://localhost:{}/", self.address.port());
        let answer = client.build().unwrap().get(url).send().await.ok()?;
        answer.text().await.ok()
    }

    async fn reload_fails(&self, expected: bool) {
        let waiting = async {
            while self.tls.is_reload_failing() != expected {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, waiting)
            .await
            .expect("the files are looked at");
    }
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http_are_spoken() {
    let stage = Stage::new();
    let server = stage.run().await;
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = stage
            .client()
            .tls_version_min(version)
            .tls_version_max(version);
        assert_eq!(
            server.ask(client).await.as_deref(),
            Some("nobody"),
            "{version:?}"
        );
    }
    let url = format!("https://localhost:{}/", server.address.port());
    let newest = stage
        .client()
        .build()
        .unwrap()
        .get(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(newest.version(), reqwest::Version::HTTP_2);
    let older = stage.client().http1_only().build().unwrap();
    let older = older.get(&url).send().await.unwrap();
    assert_eq!(older.version(), reqwest::Version::HTTP_11);
}

#[tokio::test]
async fn versions_and_ciphers_are_those_of_the_settings() {
    let mut stage = Stage::new();
    stage.settings.min_version = TlsVersion::Tls13;
    let server = stage.run().await;
    let old = stage.client().tls_version_max(Version::TLS_1_2);
    assert_eq!(server.ask(old).await, None);
    assert!(server.tls.failed_handshakes() > 0);
    assert!(server.ask(stage.client()).await.is_some());

    stage.settings.min_version = TlsVersion::Tls12;
    // The server's key is of an elliptic curve, which this suite cannot use.
    stage.settings.cipher_suites = vec!["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned()];
    let server = stage.run().await;
    let old = stage.client().tls_version_max(Version::TLS_1_2);
    assert_eq!(server.ask(old).await, None);
    assert!(server.ask(stage.client()).await.is_some());
}

#[tokio::test]
async fn clients_are_taken_as_the_settings_say() {
    use ClientAuth::{None as Nobody, Request, RequireAndVerify, RequireAny, VerifyIfGiven};
    let (ours, theirs) = (TestCa::new("ours").unwrap(), TestCa::new("theirs").unwrap());
    let names = ["scraper.example", "10.0.0.7"];
    let good = ours.issue("scraper", &names).unwrap();
    let foreign = theirs.issue("scraper", &names).unwrap();
    let expired = ours.issue_expired("scraper", &names).unwrap();
    let known = Some("Some(\"scraper\") scraper.example,10.0.0.7");
    let nobody = Some("nobody");
    for (auth, without, with_good, with_foreign, with_expired) in [
        (Request, nobody, nobody, nobody, nobody),
        (RequireAny, None, nobody, nobody, nobody),
        (VerifyIfGiven, nobody, known, None, None),
        (RequireAndVerify, None, known, None, None),
    ] {
        let stage = Stage::asking(auth, &ours);
        let server = stage.run().await;
        assert_eq!(
            server.ask(stage.client()).await.as_deref(),
            without,
            "{auth:?}"
        );
        for (pem, expected) in [
            (&good, with_good),
            (&foreign, with_foreign),
            (&expired, with_expired),
        ] {
            let said = server.ask(stage.client_with(pem)).await;
            assert_eq!(said.as_deref(), expected, "{auth:?}");
        }
    }
    let stage = Stage::new();
    assert_eq!(stage.settings.client_auth, Nobody);
    let said = stage.run().await.ask(stage.client_with(&good)).await;
    assert_eq!(said.as_deref(), nobody);
}

/// Whoever signs certificates signs no lines into the log and no names without end.
#[tokio::test]
async fn names_that_no_log_can_bear_are_no_names() {
    let ours = TestCa::new("ours").unwrap();
    let server = Stage::asking(ClientAuth::RequireAndVerify, &ours);
    let running = server.run().await;
    let long = "a".repeat(200);
    for (name, said) in [
        ("two\nlines", "None fine.example"),
        (&long, "None fine.example"),
        ("one line", "Some(\"one line\") fine.example"),
    ] {
        let pem = ours.issue(name, &["fine.example"]).unwrap();
        let told = running.ask(server.client_with(&pem)).await;
        assert_eq!(told.as_deref(), Some(said), "{name}");
    }
}

#[tokio::test]
async fn a_client_must_bear_an_allowed_name() {
    let ours = TestCa::new("ours").unwrap();
    let mut stage = Stage::asking(ClientAuth::RequireAndVerify, &ours);
    stage.settings.client_allowed_sans = vec!["10.0.0.7".to_owned(), "a.example".to_owned()];
    let server = stage.run().await;
    for (names, taken) in [
        (&["a.example"][..], true),
        (&["b.example", "10.0.0.7"], true),
        (&["b.example"], false),
        (&[], false),
    ] {
        let pem = ours.issue("a.example", names).unwrap();
        let said = server.ask(stage.client_with(&pem)).await;
        assert_eq!(said.is_some(), taken, "{names:?}");
    }
}

#[tokio::test]
async fn a_rotated_certificate_is_used_and_a_broken_one_leaves_the_one_before() {
    let stage = Stage::new();
    let server = stage.run().await;
    let next = TestCa::new("next").unwrap();
    assert_eq!(server.ask(trusting(&next)).await, None);

    replace(path(&stage.settings.cert), "-----BEGIN NONSENSE-----\n");
    server.reload_fails(true).await;
    assert!(server.ask(stage.client()).await.is_some());

    fs::remove_file(path(&stage.settings.cert)).unwrap();
    server.reload_fails(true).await;
    assert!(server.ask(stage.client()).await.is_some());

    stage.install(&next.issue("server", &["localhost"]).unwrap());
    server.reload_fails(false).await;
    assert!(server.ask(trusting(&next)).await.is_some());
    assert_eq!(server.ask(stage.client()).await, None);
}

#[tokio::test]
async fn who_may_sign_for_clients_rotates_too() {
    let (before, after) = (
        TestCa::new("before").unwrap(),
        TestCa::new("after").unwrap(),
    );
    let stage = Stage::asking(ClientAuth::RequireAndVerify, &before);
    let server = stage.run().await;
    let (old, new) = (
        before.issue("a", &[]).unwrap(),
        after.issue("b", &[]).unwrap(),
    );
    assert!(server.ask(stage.client_with(&old)).await.is_some());
    replace(
        path(stage.settings.client_ca.as_ref().unwrap()),
        &after.pem(),
    );
    let taken = async { while server.ask(stage.client_with(&new)).await.is_none() {} };
    tokio::time::timeout(LIMIT, taken)
        .await
        .expect("the new authority is read");
    assert_eq!(server.ask(stage.client_with(&old)).await, None);
}

#[test]
fn wrong_settings_say_what_is_wrong_and_show_nothing_of_a_key() {
    let refused = |change: fn(&mut TlsSettings)| {
        let mut stage = Stage::new();
        change(&mut stage.settings);
        stage.check().unwrap_err().to_string()
    };
    assert!(Stage::new().check().is_ok());
    let missing = refused(|settings| settings.cert = Pem::File("/nowhere/cert.pem".into()));
    assert!(missing.contains("cert_file /nowhere/cert.pem"), "{missing}");
    let swapped = refused(|settings| settings.key.clone_from(&settings.cert));
    assert!(
        swapped.contains("key_file") && swapped.contains("private key"),
        "{swapped}"
    );
    let other = refused(|settings| {
        let other = TestCa::new("other").unwrap().issue("other", &[]).unwrap();
        replace(path(&settings.key), &other.key);
    });
    assert!(
        other.contains("cert_file") && !other.contains("BEGIN"),
        "{other}"
    );
    let alone = refused(|settings| settings.client_auth = ClientAuth::RequireAndVerify);
    assert!(alone.contains("client_ca_file"), "{alone}");
    let unasked = refused(|settings| settings.client_ca = Some(settings.cert.clone()));
    assert!(unasked.contains("client_auth_type"), "{unasked}");
    let order = refused(|settings| {
        settings.min_version = TlsVersion::Tls13;
        settings.max_version = TlsVersion::Tls12;
    });
    assert!(order.contains("max_version"), "{order}");
    let cipher =
        refused(|settings| settings.cipher_suites = vec!["TLS_RSA_WITH_RC4_128_SHA".to_owned()]);
    assert!(
        cipher.contains("RC4") && cipher.contains("TLS_ECDHE_RSA"),
        "{cipher}"
    );
    let curve = refused(|settings| settings.curve_preferences = vec!["CurveP521".to_owned()]);
    assert!(
        curve.contains("CurveP521") && curve.contains("X25519"),
        "{curve}"
    );
}
