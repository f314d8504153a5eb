//! The Alertmanager channel: what it posts, and what the real Alertmanager makes of it.

use std::net::TcpListener;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use etcd_monitor_alerting::{
    AlertmanagerNotifier, AlertmanagerOptions, ConfigError, Delivery, HttpAuth, Notification,
    NotificationKind, Notifier, NotifyError,
};
use etcd_monitor_model::Severity;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{at, fired, links};
use crate::program::{Program, find, until};
use crate::recorder::Recorder;

fn channel(urls: &[String]) -> AlertmanagerNotifier {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = AlertmanagerOptions::new(urls.iter().cloned());
    options.links = links();
    AlertmanagerNotifier::new(options).unwrap()
}

async fn send(channel: &AlertmanagerNotifier, told: &Notification) {
    let receipt = channel.notify(told, &Delivery::default()).await.unwrap();
    assert_eq!(receipt, None);
}

/// The alerts of the last request.
fn posted(server: &Recorder) -> Vec<Value> {
    let request = server.requests().pop().unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.path(), "/api/v2/alerts");
    serde_json::from_value(request.json()).unwrap()
}

/// The severity and the end of each.
fn ends(posted: &[Value]) -> Vec<(&str, &str)> {
    posted
        .iter()
        .filter_map(|alert| {
            let severity = alert["labels"]["severity"].as_str()?;
            Some((severity, alert["endsAt"].as_str()?))
        })
        .collect()
}

/// `MemberDown` of m1, as our own alerts are.
fn down(severity: Severity) -> Notification {
    fired(&["m1"], severity)
}

#[tokio::test]
async fn an_alert_is_posted_with_labels_annotations_and_a_time_to_live() {
    let server = Recorder::answering(StatusCode::OK).await;
    let channel = channel(&[server.url()]).with_clock(|| at(10));
    let mut told = down(Severity::Critical);
    let own = [
        ("team", "db"),
        ("severity", "mine"),
        ("a-b.c", "x"),
        ("", "y"),
        ("1st", "z"),
        ("empty", ""),
    ];
    told.firing[0].labels = own
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    send(&channel, &told).await;
    let posted = posted(&server).pop().unwrap();
    let labels = json!({
        "alertname": "MemberDown", "cluster": "prod", "severity": "critical", "alert_type": "member",
        "subject": "m1", "subject_kind": "member", "member": "m1",
        "team": "db", "a_b_c": "x", "_": "y", "_1st": "z",
    });
    let expected = json!({
        "labels": labels,
        "annotations": {
            "summary": "MemberDown: m1 refuses connections",
            "description": "cluster: prod, member: m1 (6d31)\nStatus: connection refused (at 2026-01-02T00:00:00Z)",
            "action": "start etcd on m1",
            "since": "2026-01-02T00:00:00Z",
        },
        "startsAt": "2026-01-02T00:00:00Z",
        // Four times the resend interval.
        "endsAt": "2026-01-02T00:04:10Z",
        "generatorURL": "https://ops.example/etcd/?cluster=prod#member-6d31",
    });
    assert_eq!(posted, expected);
    assert_eq!(channel.pace().resend_every, Some(Duration::from_mins(1)));
}

#[tokio::test]
async fn what_is_over_ends_then_and_no_later_than_now() {
    let server = Recorder::answering(StatusCode::OK).await;
    let channel = channel(&[server.url()]).with_clock(|| at(50));
    let told = down(Severity::Warning);
    send(&channel, &told).await;
    send(&channel, &told.over(at(40))).await;
    assert_eq!(
        ends(&posted(&server)),
        [("warning", "2026-01-02T00:00:40Z")]
    );
    // The clock was set back since: the alert must not live on until it is caught up with.
    send(&channel, &told).await;
    send(&channel, &told.over(at(3_600))).await;
    assert_eq!(
        ends(&posted(&server)),
        [("warning", "2026-01-02T00:00:50Z")]
    );
}

#[tokio::test]
async fn another_severity_ends_the_alert_under_the_old_one() {
    let server = Recorder::answering(StatusCode::OK).await;
    let channel = channel(&[server.url()]).with_clock(|| at(10));
    let alive = "2026-01-02T00:04:10Z";
    let now = "2026-01-02T00:00:10Z";
    for _ in 0..2 {
        send(&channel, &down(Severity::Warning)).await;
        assert_eq!(ends(&posted(&server)), [("warning", alive)]);
    }
    send(&channel, &down(Severity::Critical)).await;
    assert_eq!(
        ends(&posted(&server)),
        [("warning", now), ("critical", alive)]
    );
    send(&channel, &down(Severity::Critical)).await;
    assert_eq!(ends(&posted(&server)), [("critical", alive)]);
}

#[tokio::test]
async fn a_change_that_nobody_took_is_told_again() {
    let server = Recorder::start(|number, _| match number {
        1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let channel = channel(&[server.url()]).with_clock(|| at(10));
    send(&channel, &down(Severity::Warning)).await;
    let told = down(Severity::Critical);
    let error = channel
        .notify(&told, &Delivery::default())
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    send(&channel, &told).await;
    assert_eq!(posted(&server).len(), 2, "the end of the old one as well");
}

#[tokio::test]
async fn labels_are_the_same_in_every_daemon() {
    let (one, two) = (
        Recorder::answering(StatusCode::OK).await,
        Recorder::answering(StatusCode::OK).await,
    );
    send(&channel(&[one.url()]), &down(Severity::Warning)).await;
    let mut told = down(Severity::Warning);
    "another".clone_into(&mut told.channel);
    "another".clone_into(&mut told.id);
    send(&channel(&[two.url()]), &told).await;
    let labels = |server| posted(server).pop().unwrap()["labels"].clone();
    assert_eq!(labels(&one), labels(&two));
}

#[tokio::test]
async fn one_of_several_is_enough_and_all_are_told() {
    let up = Recorder::answering(StatusCode::OK).await;
    let broken = Recorder::answering(StatusCode::INTERNAL_SERVER_ERROR).await;
    send(
        &channel(&[broken.url(), up.url()]),
        &down(Severity::Warning),
    )
    .await;
    assert_eq!(
        (up.only().body, broken.requests().len()),
        (broken.only().body, 1)
    );

    let refusing = Recorder::answering(StatusCode::NOT_FOUND).await;
    let told = down(Severity::Warning);
    let both = channel(&[refusing.url(), broken.url()]);
    let error = both.notify(&told, &Delivery::default()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("404") && error.to_string().contains("500"),
        "{error}"
    );
    let error = channel(&[refusing.url()])
        .notify(&told, &Delivery::default())
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
    assert!(error.to_string().contains("path prefix"), "{error}");
}

#[tokio::test]
async fn it_says_who_it_is_and_never_in_an_error() {
    let server = Recorder::start(|_, request| {
        let said = request.headers["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        (StatusCode::UNAUTHORIZED, said).into_response()
    })
    .await;
    for (auth, header) in [
        (HttpAuth::Bearer("verysecret".into()), "Bearer verysecret"),
        (
            HttpAuth::Basic {
                user: "u".to_owned(),
                password: "verysecret".into(),
            },
            "Basic dTp2ZXJ5c2VjcmV0",
        ),
    ] {
        let mut options = AlertmanagerOptions::new([server.url()]);
        options.auth = Some(auth);
        let channel = AlertmanagerNotifier::new(options).unwrap();
        let error = channel
            .notify(&down(Severity::Warning), &Delivery::default())
            .await;
        let text = error.unwrap_err().to_string();
        let seen = server.requests().pop().unwrap().headers["authorization"].clone();
        assert_eq!(seen, header);
        assert!(!text.contains("secret") && !text.contains("dTp2"), "{text}");
        assert!(text.contains("check user and password"), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() {
    let none = AlertmanagerNotifier::new(AlertmanagerOptions::new::<String>([])).unwrap_err();
    assert!(
        matches!(none, ConfigError::InvalidOption { option: "urls", .. }),
        "{none}"
    );
    let mut options = AlertmanagerOptions::new(["http://127.0.0.1:9093"]);
    options.resend_every = Duration::ZERO;
    let zero = AlertmanagerNotifier::new(options).unwrap_err();
    assert!(
        matches!(
            zero,
            ConfigError::InvalidOption {
                option: "resend_every",
                ..
            }
        ),
        "{zero}"
    );
}

/// A real Alertmanager.
struct Alertmanager {
    url: String,
    _program: Program,
    _folder: TempDir,
}

impl Alertmanager {
    /// `None`, and says so, where there is none.
    async fn start() -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let program = find("prometheus-alertmanager").or_else(|| find("alertmanager"))?;
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(
            &config,
            "route: {receiver: none}\nreceivers: [{name: none}]\n",
        )
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", folder.path().join("data").display()),
            format!("--web.listen-address={addr}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let started = Self {
            url: format!("http://{addr}"),
            _program: Program::start(&program, &arguments),
            _folder: folder,
        };
        let ready = started.url.clone() + "/-/ready";
        until("Alertmanager is ready", async || {
            let answer = reqwest::get(&ready).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        Some(started)
    }

    /// What is active there.
    async fn alerts(&self) -> Vec<Value> {
        let answer = reqwest::get(self.url.clone() + "/api/v2/alerts")
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    async fn severities(&self) -> Vec<String> {
        let alerts = self.alerts().await;
        let severity = |alert: &Value| alert["labels"]["severity"].as_str().unwrap().to_owned();
        alerts.iter().map(severity).collect()
    }

    /// Waits until nothing is active.
    async fn is_quiet(&self) {
        until("nothing is active", async || {
            self.alerts().await.is_empty().then_some(())
        })
        .await;
    }

    fn channel(&self) -> AlertmanagerNotifier {
        channel(std::slice::from_ref(&self.url))
    }

    /// Its alerts live for 4 s.
    fn hasty_channel(&self) -> AlertmanagerNotifier {
        let mut options = AlertmanagerOptions::new([self.url.clone()]);
        options.resend_every = Duration::from_secs(1);
        AlertmanagerNotifier::new(options).unwrap()
    }
}

/// Since a minute ago, by the clock that Alertmanager looks at.
fn down_now(severity: Severity) -> Notification {
    let mut told = down(severity);
    told.firing[0].since = Timestamp::now() - Duration::from_mins(1);
    told
}

#[tokio::test]
async fn an_alert_appears_in_the_real_one_and_is_cleared_when_it_is_over() {
    let Some(real) = Alertmanager::start().await else {
        return;
    };
    let (one, two) = (real.channel(), real.channel());
    let told = down_now(Severity::Critical);
    send(&one, &told).await;
    // Another daemon on the same cluster, which saw it a little later.
    let mut seen_later = told.clone();
    seen_later.firing[0].since = told.firing[0].since + Duration::from_secs(5);
    send(&two, &seen_later).await;
    let alerts = real.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["labels"]["alertname"], "MemberDown");
    assert_eq!(alerts[0]["annotations"]["action"], "start etcd on m1");
    assert_eq!(alerts[0]["status"]["state"], "active");
    assert_eq!(
        alerts[0]["generatorURL"],
        "https://ops.example/etcd/?cluster=prod#member-6d31"
    );
    send(&one, &told.over(Timestamp::now())).await;
    send(&two, &seen_later.over(Timestamp::now())).await;
    real.is_quiet().await;
}

#[tokio::test]
async fn a_severity_that_changes_leaves_one_alert_in_the_real_one() {
    let Some(real) = Alertmanager::start().await else {
        return;
    };
    let channel = real.channel();
    for severity in [Severity::Warning, Severity::Critical, Severity::Warning] {
        send(&channel, &down_now(severity)).await;
        assert_eq!(real.severities().await, [severity.as_str()]);
    }
    // A member whose name was not known at first.
    let mut named = down_now(Severity::Warning);
    "n1".clone_into(&mut named.firing[0].subject.name);
    send(&channel, &named).await;
    assert_eq!(real.severities().await.len(), 1);
    send(&channel, &named.over(Timestamp::now())).await;
    real.is_quiet().await;
}

#[tokio::test]
async fn sending_again_keeps_an_alert_alive_in_the_real_one_and_silence_ends_it() {
    let Some(real) = Alertmanager::start().await else {
        return;
    };
    let channel = real.hasty_channel();
    let mut told = down_now(Severity::Warning);
    send(&channel, &told).await;
    let end = async || -> Timestamp {
        let alerts = real.alerts().await;
        alerts[0]["endsAt"].as_str().unwrap().parse().unwrap()
    };
    let first = end().await;
    told.kind = NotificationKind::Resent;
    send(&channel, &told).await;
    assert!(end().await > first);
    real.is_quiet().await;
    assert!(Timestamp::now() > first);
}

#[tokio::test]
async fn what_an_earlier_process_told_under_another_severity_lapses_in_the_real_one() {
    let Some(real) = Alertmanager::start().await else {
        return;
    };
    send(&real.hasty_channel(), &down_now(Severity::Warning)).await;
    send(&real.channel(), &down_now(Severity::Critical)).await;
    until("the old one is over", async || {
        (real.severities().await == ["critical"]).then_some(())
    })
    .await;
}
