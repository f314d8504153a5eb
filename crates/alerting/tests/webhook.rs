//! The webhook channel against a real HTTP server on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use etcd_monitor_alerting::{
    AlertEngine, Alerting, ConfigError, Notification, Notifier, NotifyError, Rule, WebhookNotifier,
    WebhookOptions,
};
use etcd_monitor_model::Severity;
use scenario::{Says, empty_snapshot, finding, start};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod scenario;

/// What one request brought.
type Seen = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A server that answers with what `answer` makes of the number of the request, from 0.
struct Server {
    addr: SocketAddr,
    seen: Seen,
    task: JoinHandle<()>,
}

type Answer = Arc<dyn Fn(usize) -> Response + Send + Sync>;

impl Server {
    async fn start(answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        let seen = Seen::default();
        let state: (Seen, Answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(handle).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, seen, task }
    }

    fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.seen.lock().unwrap().clone()
    }

    fn webhook(&self, options: WebhookOptions) -> WebhookNotifier {
        webhook(
            &format!("http://{}/hook?token=verysecret", self.addr),
            options,
        )
        .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(
    State((seen, answer)): State<(Seen, Answer)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push((headers, body));
        seen.len() - 1
    };
    answer(number)
}

fn webhook(url: &str, options: WebhookOptions) -> Result<WebhookNotifier, ConfigError> {
    // An error says that another test of this binary was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    WebhookNotifier::new(url, options)
}

fn at_once() -> Vec<Rule> {
    vec![Rule::new("MemberDown", Duration::ZERO)]
}

fn notification() -> Notification {
    let mut snapshot = empty_snapshot(1, start());
    let finding = finding("m1", Says::True(Severity::Critical), start());
    snapshot.findings.extend(finding);
    AlertEngine::new(at_once())
        .observe(&snapshot, start())
        .remove(0)
}

fn answer(status: StatusCode) -> Response {
    status.into_response()
}

#[tokio::test]
async fn posts_the_promised_json() {
    let server = Server::start(|_| answer(StatusCode::NO_CONTENT)).await;
    let mut options = WebhookOptions::default();
    options.headers.push(("X-Token".to_owned(), "abc".into()));
    let notification = notification();
    server.webhook(options).notify(&notification).await.unwrap();

    let (headers, body) = server.requests().remove(0);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-token"], "abc");
    assert_eq!(body["version"], 1);
    assert_eq!(body["status"], "firing");
    assert_eq!(body["kind"], "fired");
    assert_eq!(body["dedup_key"], notification.dedup_key);
    assert_eq!(body["alert"]["rule"], "MemberDown");
    assert_eq!(body["alert"]["severity"], "critical");
    assert_eq!(body["alert"]["state"], "firing");
    assert_eq!(body["alert"]["subject"]["name"], "m1");
    assert_eq!(body["alert"]["cause"], "m1 refuses connections");
    assert_eq!(body["alert"]["since"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_users_name_and_password_in_the_url_become_basic_authentication() {
    let server = Server::start(|_| answer(StatusCode::OK)).await;
    let url = format!("http://user:pass@{}/hook", server.addr);
    let hook = webhook(&url, WebhookOptions::default()).unwrap();
    hook.notify(&notification()).await.unwrap();
    let (headers, _) = server.requests().remove(0);
    assert_eq!(headers["authorization"], "Basic dXNlcjpwYXNz");
}

/// Runs the driver on one critical finding until the channel has delivered or failed.
async fn deliver_through_the_driver(hook: WebhookNotifier) -> (u64, u64) {
    let cancel = CancellationToken::new();
    let mut snapshot = empty_snapshot(1, start());
    let finding = finding("m1", Says::True(Severity::Critical), start());
    snapshot.findings.extend(finding);
    let (_sender, snapshots) = watch::channel(Some(Arc::new(snapshot)));
    let hooks: Vec<Arc<dyn Notifier>> = vec![Arc::new(hook)];
    let (alerting, handle) = Alerting::new(at_once(), [snapshots], hooks, cancel.clone());
    let running = tokio::spawn(alerting.with_clock(start).run());
    let mut views = handle.subscribe();
    let settled = views.wait_for(|view| {
        view.channels
            .iter()
            .any(|channel| channel.delivered + channel.failed > 0)
    });
    tokio::time::timeout(Duration::from_secs(30), settled)
        .await
        .unwrap()
        .unwrap();
    cancel.cancel();
    running.await.unwrap();
    let channel = &handle.latest().channels[0];
    (channel.delivered, channel.failed)
}

#[tokio::test]
async fn a_server_error_is_tried_again() {
    let server = Server::start(|number| match number {
        0 => answer(StatusCode::INTERNAL_SERVER_ERROR),
        _ => answer(StatusCode::OK),
    })
    .await;
    let hook = server.webhook(WebhookOptions::default());
    assert_eq!(deliver_through_the_driver(hook).await, (1, 0));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].1, requests[1].1, "each attempt says the same");
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let server = Server::start(|_| answer(StatusCode::NOT_FOUND)).await;
    let hook = server.webhook(WebhookOptions::default());
    assert_eq!(deliver_through_the_driver(hook).await, (0, 1));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_time_to_wait_is_passed_on() {
    let server =
        Server::start(|_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response())
            .await;
    let error = server
        .webhook(WebhookOptions::default())
        .notify(&notification())
        .await;
    let Err(NotifyError::Unavailable { retry_after, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_timeout() {
    let app = Router::new().fallback(|| async {
        std::future::pending::<()>().await;
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut options = WebhookOptions::default();
    options.timeout = Duration::from_millis(100);
    let error = webhook(&url, options)
        .unwrap()
        .notify(&notification())
        .await
        .unwrap_err();
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
    server.abort();
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = Server::start(|_| answer(StatusCode::OK)).await;
    let target = format!("http://{}/", elsewhere.addr);
    let server = Server::start(move |_| {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", target.clone())],
        )
            .into_response()
    })
    .await;
    let error = server
        .webhook(WebhookOptions::default())
        .notify(&notification())
        .await;
    assert!(
        matches!(error, Err(NotifyError::Rejected { .. })),
        "{error:?}"
    );
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn no_error_shows_a_secret_nor_steers_the_terminal() {
    let answers = [
        "no: verysecret",
        "no: Bearer-of-news",
        "\x1b]0;x\x07 bad field",
    ];
    let server =
        Server::start(move |number| (StatusCode::BAD_REQUEST, answers[number]).into_response())
            .await;
    let mut options = WebhookOptions::default();
    options
        .headers
        .push(("Authorization".to_owned(), "Bearer-of-news".into()));
    let hook = server.webhook(options);
    for _ in 0..2 {
        let error = hook.notify(&notification()).await.unwrap_err().to_string();
        assert!(error.contains("quotes the request"), "{error}");
        assert!(
            !error.contains("verysecret") && !error.contains("news"),
            "{error}"
        );
    }
    let error = hook.notify(&notification()).await.unwrap_err().to_string();
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
    let server = Server::start(move |_| {
        let counter = Arc::clone(&counter);
        let chunks = futures_util::stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![b'x'; 1_024])
        });
        (StatusCode::BAD_REQUEST, Body::from_stream(chunks)).into_response()
    })
    .await;
    let error = server
        .webhook(WebhookOptions::default())
        .notify(&notification())
        .await;
    let text = error.unwrap_err().to_string();
    assert!(text.len() < 600, "{} bytes", text.len());
    assert!(sent.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn nobody_listening_is_worth_another_attempt_and_names_the_place_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://user:verysecret@{addr}/verysecret?k=verysecret");
    let hook = webhook(&url, WebhookOptions::default()).unwrap();
    let error = hook.notify(&notification()).await.unwrap_err();
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
    assert_eq!(
        error,
        ConfigError::InvalidHeader {
            name: "X-Token".to_owned()
        }
    );
    assert!(!error.to_string().contains("verysecret"));
}
