//! What a receiver may say, and how it is called.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use etcd_monitor_history::{HttpAuth, RemoteError, RemoteWrite, Secret};
use etcd_monitor_model::{Sample, SampleBatch};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::fake::{Fake, Says, Seen};
use crate::samples::{LIMIT, Running, batches, quick};
use crate::server::until;

async fn reaches(running: &Running, name: &str, count: u64) {
    until(LIMIT, name, async || {
        (running.stat(name) >= count).then_some(())
    })
    .await;
}

/// A writer to a receiver that answers so, with `count` times 9 samples appended.
async fn writer(
    count: i64,
    answer: impl Fn(usize, &Seen) -> Says + Send + Sync + 'static,
) -> (Fake, Running, TempDir) {
    let requests = AtomicUsize::new(0);
    let fake = Fake::start(move |seen| answer(requests.fetch_add(1, Ordering::SeqCst), seen)).await;
    let folder = TempDir::new().unwrap();
    let running = Running::start(quick(fake.url(), folder.path()));
    running.append(&batches(count));
    (fake, running, folder)
}

#[tokio::test]
async fn the_request_is_as_the_protocol_wants_it() {
    let fake = Fake::start(|_| (204, "").into()).await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url() + "/api/v1/write", folder.path());
    options.external_labels = vec![("replica".into(), "b".into())];
    options.http.headers = vec![("X-Scope-OrgID".into(), SecretString::from("tenant"))];
    let running = Running::start(options);
    running.append(&batches(1));
    reaches(&running, "sent_samples_total", 9).await;
    running.stop().await;
    let seen = &fake.seen()[0];
    for (name, value) in [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        (
            "user-agent",
            concat!("etcd-monitor/", env!("CARGO_PKG_VERSION")),
        ),
        ("x-scope-orgid", "tenant"),
    ] {
        assert_eq!(seen.headers.get(name).unwrap(), value);
    }
    for series in &seen.series {
        let names: Vec<_> = series.labels.iter().map(|it| it.name.as_str()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        assert!(
            series
                .labels
                .iter()
                .any(|it| it.name == "replica" && it.value == "b")
        );
    }
}

#[tokio::test]
async fn what_is_refused_is_dropped_and_counted() {
    for status in [400, 401, 404, 302] {
        let (_fake, running, _folder) = writer(1, move |_, _| (status, "no\u{1b}[2J").into()).await;
        reaches(&running, "dropped_samples_total refused", 9).await;
        assert_eq!(running.stat("sent_samples_total"), 0);
        running.stop().await;
    }
}

/// A receiver that refuses a request for the sake of one batch in it.
#[tokio::test]
async fn one_bad_batch_costs_no_other() {
    let poison = |seen: &Seen| {
        seen.samples()
            .iter()
            .any(|(_, name)| name.ends_with("poison"))
    };
    let answer = move |_, seen: &Seen| {
        if poison(seen) {
            (400, "bad").into()
        } else {
            (200, "").into()
        }
    };
    let (fake, running, _folder) = writer(0, answer).await;
    let mut batches = batches(30);
    batches[17].samples.push(Sample {
        metric: "poison".into(),
        peer: None,
        value: 1.0,
    });
    running.append(&batches);
    reaches(&running, "sent_samples_total", 89 * 3).await;
    assert_eq!(running.stat("dropped_samples_total refused"), 4);
    let accepted = fake.seen().into_iter().filter(|seen| !poison(seen));
    let times: Vec<i64> = accepted
        .flat_map(|seen| seen.samples())
        .map(|(at, _)| at)
        .collect();
    assert!(times.is_sorted(), "the parts come in order");
    running.stop().await;
}

/// As Prometheus refuses what is too old for it.
#[tokio::test]
async fn many_bad_batches_cost_no_more_than_their_neighbours() {
    let all = batches(100);
    let bad_until = all[200].at.as_millisecond();
    let too_old = move |seen: &Seen| seen.samples().iter().any(|(at, _)| *at < bad_until);
    let answer = move |_, seen: &Seen| {
        let status = if too_old(seen) { 400 } else { 200 };
        (status, "too old").into()
    };
    let (fake, running, _folder) = writer(0, answer).await;
    running.append(&all);
    until(LIMIT, "all is dealt with", async || {
        let dropped = running.stat("dropped_samples_total refused");
        (running.stat("sent_samples_total") + dropped == 900).then_some(())
    })
    .await;
    assert!(running.stat("sent_samples_total") >= 300 - 600 / 4);
    assert!(fake.seen().len() < 60, "{}", fake.seen().len());
    running.stop().await;
}

#[tokio::test]
async fn a_request_is_no_larger_than_it_may_be() {
    let fake = Fake::start(|_| (200, "").into()).await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.samples_per_request_max = 100;
    let running = Running::start(options);
    running.append(&batches(300));
    reaches(&running, "sent_samples_total", 2700).await;
    running.stop().await;
    let seen = fake.seen();
    assert!(seen.iter().all(|it| it.samples().len() <= 100));
    let times: Vec<_> = seen
        .iter()
        .flat_map(Seen::samples)
        .map(|(at, _)| at)
        .collect();
    assert!(times.len() == 2700 && times.is_sorted());
}

/// A receiver that is away between the parts of what was taken from the queue at once.
#[tokio::test]
async fn what_was_accepted_is_not_sent_again() {
    let requests = AtomicUsize::new(0);
    let answer = move |_: &Seen| {
        let away = requests.fetch_add(1, Ordering::SeqCst) % 3 == 2;
        (if away { 503 } else { 200 }, "").into()
    };
    let fake = Fake::start(answer).await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.samples_per_request_max = 100;
    let running = Running::start(options);
    running.append(&batches(300));
    reaches(&running, "sent_samples_total", 2700).await;
    running.stop().await;
    let seen = fake.seen().into_iter().enumerate();
    let accepted = seen.filter(|(number, _)| number % 3 != 2);
    let samples: Vec<_> = accepted.flat_map(|(_, seen)| seen.samples()).collect();
    assert_eq!(samples.len(), 2700);
    assert!(samples.iter().map(|(at, _)| at).is_sorted());
}

#[tokio::test]
async fn overload_is_waited_out_as_long_as_it_asks_within_a_bound() {
    for status in [429, 503] {
        let busy = move |number: usize, _: &Seen| Says {
            status: if number == 0 { status } else { 200 },
            headers: vec![("Retry-After", "1".to_owned())],
            text: String::new(),
        };
        let began = Instant::now();
        let (_fake, running, _folder) = writer(1, busy).await;
        reaches(&running, "sent_samples_total", 9).await;
        assert!(
            began.elapsed() >= Duration::from_secs(1),
            "it was asked for a second"
        );
        assert_eq!(running.stat("requests_total unavailable"), 1);
        assert_eq!(running.stat("dropped_samples_total"), 0);
        running.stop().await;
    }
    let forever = |number: usize, _: &Seen| Says {
        status: if number == 0 { 503 } else { 200 },
        headers: vec![("Retry-After", "86400".to_owned())],
        text: String::new(),
    };
    let requests = AtomicUsize::new(0);
    let fake =
        Fake::start(move |seen| forever(requests.fetch_add(1, Ordering::SeqCst), seen)).await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.retry_after_max = Duration::from_millis(50);
    let running = Running::start(options);
    running.append(&batches(1));
    reaches(&running, "sent_samples_total", 9).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_neither_intake_nor_stop() {
    let fake = Fake::silent().await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.stop_timeout = Duration::from_millis(200);
    let running = Running::start(options.clone());
    running.append(&batches(100));
    reaches(&running, "queue_samples", 900).await;
    running.stop().await;
    let again = RemoteWrite::open(options).unwrap();
    assert_eq!(crate::samples::stat(&again, "queue_samples"), 900);
}

#[tokio::test]
async fn samples_that_cannot_be_sent_are_counted() {
    let (_fake, running, _folder) = writer(1, |_, _| (200, "").into()).await;
    let good = batches(1).remove(0);
    let late = SampleBatch {
        at: good.at - jiff::SignedDuration::from_secs(5),
        ..good.clone()
    };
    running.append(&[late]);
    assert_eq!(running.stat("dropped_samples_total out_of_order"), 3);
    let mut odd = SampleBatch {
        at: good.at + jiff::SignedDuration::from_secs(5),
        ..good
    };
    odd.samples[0].value = f64::NAN;
    odd.samples[1].metric = "a-b".into();
    running.append(&[odd]);
    assert_eq!(running.stat("dropped_samples_total unusable"), 2);
    reaches(&running, "sent_samples_total", 10).await;
    running.stop().await;
}

#[tokio::test]
async fn secrets_are_read_from_files_for_each_request() {
    let fake = Fake::start(|_| (200, "").into()).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first-token\n").unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.http.auth = HttpAuth::Bearer(Secret::File(file.clone()));
    let running = Running::start(options);
    let batches = batches(2);
    running.append(&batches[..3]);
    reaches(&running, "sent_samples_total", 9).await;
    std::fs::write(&file, "second-token").unwrap();
    running.append(&batches[3..]);
    reaches(&running, "sent_samples_total", 18).await;
    running.stop().await;
    let tokens: Vec<_> = fake
        .seen()
        .iter()
        .map(|it| it.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer first-token", "Bearer second-token"]);
}

#[tokio::test]
async fn a_user_has_a_password() {
    let fake = Fake::start(|_| (200, "").into()).await;
    let folder = TempDir::new().unwrap();
    let mut options = quick(fake.url(), folder.path());
    options.http.auth = HttpAuth::Basic {
        user: "u".to_owned(),
        password: Secret::Value(SecretString::from("p")),
    };
    let running = Running::start(options);
    running.append(&batches(1));
    reaches(&running, "sent_samples_total", 9).await;
    running.stop().await;
    assert_eq!(fake.seen()[0].headers["authorization"], "Basic dTpw");
}

#[test]
fn bad_options_are_refused_without_their_secrets() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let folder = TempDir::new().unwrap();
    let refused = |url: &str, auth: HttpAuth, ca: Option<&Path>| {
        let mut options = quick(url.to_owned(), folder.path());
        options.http.auth = auth;
        options.http.ca_file = ca.map(Path::to_owned);
        let error = RemoteWrite::open(options).unwrap_err();
        assert!(!error.to_string().contains("verysecret"), "{error}");
        error
    };
    let url = "ftp://user:verysecret@a/";
    assert!(matches!(
        refused(url, HttpAuth::None, None),
        RemoteError::InvalidUrl { .. }
    ));
    let missing = HttpAuth::Bearer(Secret::File(folder.path().join("missing")));
    assert!(matches!(
        refused("http://a/", missing, None),
        RemoteError::File { .. }
    ));
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "").unwrap();
    let error = refused("https://a/", HttpAuth::None, Some(&empty));
    assert!(matches!(error, RemoteError::File { .. }), "{error}");
}

/// Takes connections and makes TLS of them.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, addr) = self.listener.accept().await.unwrap();
            // A client that does not trust us goes away here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A receiver with a certificate for `localhost`, and the certificate of its authority.
async fn with_tls() -> (Fake, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
        vec![certificate.der().clone()],
        rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let fake = Fake::on(addr, Tls { listener, acceptor }, |_| (200, "").into());
    (fake, authority.pem())
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    let (fake, pem) = with_tls().await;
    let folder = TempDir::new().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let mut options = quick(format!("https://localhost:{}", fake.port()), folder.path());
    options.http.ca_file = Some(ca.clone());
    let running = Running::start(options.clone());
    running.append(&batches(1));
    reaches(&running, "sent_samples_total", 9).await;
    running.stop().await;
    let (_, other) = with_tls().await;
    std::fs::write(&ca, other).unwrap();
    options.stop_timeout = Duration::from_millis(100);
    let running = Running::start(options);
    running.append(&batches(1));
    reaches(&running, "requests_total unavailable", 1).await;
    assert_eq!(running.stat("sent_samples_total"), 0);
    running.stop().await;
}
