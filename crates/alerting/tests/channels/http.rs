//! What holds for every channel over HTTP, shown on the webhook.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use etcd_monitor_alerting::{
    ConfigError, Delivery, HttpOptions, Notifier, NotifyError, WebhookNotifier, WebhookOptions,
};
use etcd_monitor_model::Severity;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::fixture::fired;
use crate::recorder::Recorder;

fn webhook(url: &str, options: WebhookOptions) -> Result<WebhookNotifier, ConfigError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    WebhookNotifier::new(url, options)
}

async fn refusal(hook: &WebhookNotifier) -> NotifyError {
    let told = fired(&["m1"], Severity::Critical);
    hook.notify(&told, &Delivery::default()).await.unwrap_err()
}

async fn refusal_of(server: &Recorder) -> NotifyError {
    let url = server.url() + "/hook?token=verysecret";
    refusal(&webhook(&url, WebhookOptions::default()).unwrap()).await
}

#[tokio::test]
async fn what_is_broken_for_now_is_worth_another_attempt_and_what_is_refused_is_not() {
    for (status, retryable) in [
        (500, true),
        (502, true),
        (503, true),
        (429, true),
        (408, true),
        (400, false),
        (401, false),
        (404, false),
        (301, false),
    ] {
        let server = Recorder::answering(StatusCode::from_u16(status).unwrap()).await;
        let error = refusal_of(&server).await;
        assert_eq!(error.is_retryable(), retryable, "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        server.only();
    }
}

async fn wait_asked(value: String) -> Option<Duration> {
    let answer = move |_, _: &_| {
        (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", value.clone())],
        )
            .into_response()
    };
    let server = Recorder::start(answer).await;
    match refusal_of(&server).await {
        NotifyError::Unavailable { retry_after, .. } => retry_after,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_time_to_wait_is_passed_on_in_both_forms() {
    assert_eq!(wait_asked("7".into()).await, Some(Duration::from_secs(7)));
    let in_a_while = SystemTime::now() + Duration::from_secs(100);
    let wait = wait_asked(httpdate::fmt_http_date(in_a_while))
        .await
        .unwrap();
    assert!((90..=100).contains(&wait.as_secs()), "{wait:?}");
    let past = wait_asked("Sun, 06 Nov 1994 08:49:37 GMT".into()).await;
    assert_eq!(past, Some(Duration::ZERO));
    // Nobody is silenced for a year.
    assert_eq!(
        wait_asked("31536000".into()).await,
        Some(Duration::from_hours(1))
    );
    assert_eq!(wait_asked("soon".into()).await, None);
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let mut options = WebhookOptions::default();
    options.http.timeout = Duration::from_millis(100);
    let error = refusal(&webhook(&url, options).unwrap()).await;
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = Recorder::answering(StatusCode::OK).await;
    let target = elsewhere.url();
    let answer = move |_, _: &_| {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", target.clone())],
        )
            .into_response()
    };
    let error = refusal_of(&Recorder::start(answer).await).await;
    assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn no_error_shows_a_secret_nor_steers_the_terminal() {
    let answers = [
        "no: verysecret",
        "no: Bearer-of-news",
        "\x1b]0;x\x07 bad field",
    ];
    let server = Recorder::start(move |number, _| {
        (StatusCode::BAD_REQUEST, answers[number]).into_response()
    })
    .await;
    let mut options = WebhookOptions::default();
    let secret = "Bearer-of-news".into();
    options.headers.push(("Authorization".to_owned(), secret));
    let hook = webhook(&(server.url() + "/hook?token=verysecret"), options).unwrap();
    for _ in 0..2 {
        let error = refusal(&hook).await.to_string();
        assert!(error.contains("quotes the request"), "{error}");
        assert!(
            !error.contains("verysecret") && !error.contains("news"),
            "{error}"
        );
    }
    let error = refusal(&hook).await.to_string();
    assert!(
        error.contains("]0;x  bad field") && !error.contains('\x1b'),
        "{error}"
    );
    assert!(!format!("{hook:?}").contains("verysecret"));
}

#[tokio::test]
async fn an_endless_refusal_is_read_in_part() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let answer = move |_, _: &_| {
        let counter = Arc::clone(&counter);
        let chunks = futures_util::stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![b'x'; 1_024])
        });
        (StatusCode::BAD_REQUEST, Body::from_stream(chunks)).into_response()
    };
    let text = refusal_of(&Recorder::start(answer).await).await.to_string();
    assert!(text.len() < 600, "{} bytes", text.len());
    assert!(sent.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn nobody_listening_is_worth_another_attempt_and_names_the_place_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://user:verysecret@{addr}/verysecret?k=verysecret");
    let error = refusal(&webhook(&url, WebhookOptions::default()).unwrap()).await;
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.contains(&format!("http://{addr}")), "{text}");
    assert!(!text.contains("verysecret"), "{text}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() {
    let build = |url: &str| webhook(url, WebhookOptions::default()).unwrap_err();
    assert!(matches!(build("not a url"), ConfigError::InvalidUrl { .. }));
    assert!(matches!(
        build("ftp://host/x"),
        ConfigError::UnsupportedScheme { .. }
    ));
    let mut options = WebhookOptions::default();
    options
        .headers
        .push(("X-Token".to_owned(), "verysecret\n".into()));
    let error = webhook("http://127.0.0.1/", options).unwrap_err();
    let name = "X-Token".to_owned();
    assert_eq!(error, ConfigError::InvalidHeader { name });
    assert!(!error.to_string().contains("verysecret"));
}

#[tokio::test]
async fn a_file_of_certificates_that_cannot_be_used_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ca.pem");
    let build = || {
        let mut http = HttpOptions::default();
        http.ca_file = Some(path.clone());
        let mut options = WebhookOptions::default();
        options.http = http;
        webhook("https://127.0.0.1/", options)
            .unwrap_err()
            .to_string()
    };
    let missing = build();
    assert!(
        missing.contains("ca.pem") && missing.contains("No such file"),
        "{missing}"
    );
    std::fs::write(&path, "no certificate\n").unwrap();
    let empty = build();
    assert!(empty.contains("there is no certificate in it"), "{empty}");
}

/// The certificate of `localhost` and its authority, in PEM.
fn certificates(ca_file: &Path) -> ServerConfig {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca_file, authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap().der().clone();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let builder = ServerConfig::builder().with_no_client_auth();
    builder.with_single_cert(vec![certificate], key).unwrap()
}

/// Takes every request, over TLS.
async fn tls_server(listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(socket).await else {
            continue;
        };
        let mut request = vec![0; 64 * 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named_and_only_there() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::TempDir::new().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let acceptor = TlsAcceptor::from(Arc::new(certificates(&ca_file)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/hook",
        listener.local_addr().unwrap().port()
    );
    let server = tokio::spawn(tls_server(listener, acceptor));
    let error = refusal(&webhook(&url, WebhookOptions::default()).unwrap()).await;
    assert!(error.to_string().contains("certificate"), "{error}");
    let mut options = WebhookOptions::default();
    options.http.ca_file = Some(ca_file);
    let told = fired(&["m1"], Severity::Critical);
    let hook = webhook(&url, options).unwrap();
    hook.notify(&told, &Delivery::default()).await.unwrap();
    server.abort();
}
