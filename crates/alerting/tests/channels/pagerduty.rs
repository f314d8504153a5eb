//! The PagerDuty channel: the Events API v2 as PagerDuty publishes it.

use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use etcd_monitor_alerting::{
    ConfigError, Delivery, Notification, NotificationKind, Notifier, NotifyError,
    PagerDutyNotifier, PagerDutyOptions,
};
use etcd_monitor_model::Severity;
use serde_json::{Value, json};

use crate::fixture::{at, fired, links, not_durable};
use crate::recorder::Recorder;

/// 32 characters, as integration keys are.
const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn accepting() -> Recorder {
    Recorder::start(|_, _| {
        let body = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;
        (StatusCode::ACCEPTED, body).into_response()
    })
    .await
}

fn pagerduty(server: &Recorder) -> PagerDutyNotifier {
    let mut options = PagerDutyOptions::new(KEY);
    options.url = server.url();
    options.links = links();
    PagerDutyNotifier::new(options).unwrap()
}

async fn event(notification: &Notification) -> Value {
    let server = accepting().await;
    let sent = pagerduty(&server)
        .notify(notification, &not_durable())
        .await;
    assert_eq!(sent.unwrap(), None);
    let request = server.only();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.path(), "/v2/enqueue");
    assert!(request.body.len() < 512 * 1024, "{}", request.body.len());
    request.json()
}

#[tokio::test]
async fn a_group_that_fires_triggers_an_incident() {
    let event = event(&fired(&["m1", "m2"], Severity::Critical)).await;
    let link = "https://ops.example/etcd/?cluster=prod#member-6d31";
    for (pointer, value) in [
        ("/routing_key", json!(KEY)),
        ("/event_action", json!("trigger")),
        ("/dedup_key", json!("c0ffee0123456789")),
        ("/client", json!("etcd-monitor")),
        ("/client_url", json!(link)),
        (
            "/links",
            json!([{"href": link, "text": "Open the dashboard"}]),
        ),
        ("/payload/source", json!("prod/m1")),
        ("/payload/severity", json!("critical")),
        ("/payload/timestamp", json!("2026-01-02T00:00:00Z")),
        ("/payload/component", json!("m1")),
        ("/payload/group", json!("prod")),
        ("/payload/class", json!("MemberDown")),
        ("/payload/custom_details/firing", json!(2)),
        ("/payload/custom_details/action", json!("start etcd on m1")),
        (
            "/payload/custom_details/alerts/1",
            json!("[critical] MemberDown: m2 refuses connections"),
        ),
        (
            "/payload/custom_details/evidence/0",
            json!("Status: connection refused (at 2026-01-02T00:00:00Z)"),
        ),
    ] {
        assert_eq!(event.pointer(pointer), Some(&value), "{pointer}");
    }
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("[FIRING critical] 2 alerts, MemberDown in prod"),
        "{summary}"
    );
    let notes = event["payload"]["custom_details"]["notes"][0].as_str();
    assert!(notes.unwrap().starts_with("not stored on disk"));
}

#[tokio::test]
async fn every_kind_has_its_action_and_the_key_of_the_group() {
    let told = fired(&["m1"], Severity::Warning);
    for (kind, action) in [
        (NotificationKind::Fired, "trigger"),
        (NotificationKind::Updated, "trigger"),
        (NotificationKind::Repeated, "trigger"),
        (NotificationKind::Acknowledged, "acknowledge"),
        (NotificationKind::Resolved, "resolve"),
    ] {
        let mut told = told.clone();
        if kind == NotificationKind::Resolved {
            told = told.over(at(9));
        }
        told.kind = kind;
        let event = event(&told).await;
        assert_eq!(event["event_action"], action);
        assert_eq!(event["dedup_key"], "c0ffee0123456789");
    }
    for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
        let event = event(&fired(&["m1"], severity)).await;
        assert_eq!(event["payload"]["severity"], severity.as_str());
    }
}

#[tokio::test]
async fn the_limits_of_an_event_hold_for_the_largest_message() {
    let names: Vec<String> = (0..100)
        .map(|n| format!("m{n}{}", "ü".repeat(2_000)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut told = fired(&names, Severity::Critical);
    for alert in &mut told.firing {
        alert.evidence = vec![alert.evidence[0].clone(); 150];
        alert.evidence[0].value = "x".repeat(5_000);
    }
    told.dedup_key = "k".repeat(300);
    told.firing_count = 10_000;
    let event = event(&told).await;
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!(chars(&event["payload"]["summary"]), 1_024);
    assert_eq!(chars(&event["dedup_key"]), 255);
}

#[tokio::test]
async fn it_wants_to_hear_of_acknowledgements() {
    let pace = pagerduty(&accepting().await).pace();
    assert!(pace.sends_acknowledged && pace.sends_resolved);
    assert_eq!(pace.resend_every, None);
}

#[tokio::test]
async fn a_refused_event_says_what_to_check_and_never_the_key() {
    let server = Recorder::start(|number, _| match number {
        0 => {
            let body = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#;
            (StatusCode::BAD_REQUEST, body.to_owned()).into_response()
        }
        1 => (StatusCode::BAD_REQUEST, format!("no such key: {KEY}")).into_response(),
        2 => StatusCode::TOO_MANY_REQUESTS.into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
    .await;
    let pagerduty = pagerduty(&server);
    assert!(!format!("{pagerduty:?}").contains(KEY));
    let told = fired(&["m1"], Severity::Warning);
    for said in ["should be 32 characters", "quotes the request"] {
        let error = pagerduty
            .notify(&told, &Delivery::default())
            .await
            .unwrap_err();
        assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(said) && text.contains("integration key"),
            "{text}"
        );
        assert!(!text.contains(KEY), "{text}");
    }
    for _ in 0..2 {
        let error = pagerduty.notify(&told, &Delivery::default()).await;
        assert!(error.unwrap_err().is_retryable());
    }
}

#[tokio::test]
async fn an_empty_key_is_refused_when_it_is_built() {
    let error = PagerDutyNotifier::new(PagerDutyOptions::new(" ")).unwrap_err();
    let option = "routing_key";
    assert!(matches!(error, ConfigError::InvalidOption { option: it, .. } if it == option));
}
