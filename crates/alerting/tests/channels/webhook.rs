//! The webhook channel: what `docs/webhook.md` promises.

use axum::http::{Method, StatusCode};
use etcd_monitor_alerting::{
    Delivery, Notification, Notifier, TemplatePart, Templates, WebhookMethod, WebhookNotifier,
    WebhookOptions,
};
use etcd_monitor_model::Severity;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::fixture::{at, fired, links, not_durable};
use crate::recorder::{Recorder, Request};

async fn sent_with(
    options: WebhookOptions,
    notification: &Notification,
    delivery: &Delivery,
) -> Request {
    let server = Recorder::answering(StatusCode::NO_CONTENT).await;
    let hook = WebhookNotifier::new(&(server.url() + "/hook"), options).unwrap();
    let receipt = hook.notify(notification, delivery).await.unwrap();
    assert_eq!(receipt, None);
    server.only()
}

async fn sent(options: WebhookOptions) -> Request {
    let told = fired(&["m1"], Severity::Critical);
    sent_with(options, &told, &Delivery::default()).await
}

fn with_body(text: &str) -> WebhookOptions {
    let own = [(TemplatePart::WebhookBody, text.to_owned())];
    let mut options = WebhookOptions::default();
    options.templates = Templates::with_overrides(own).unwrap();
    options
}

#[tokio::test]
async fn posts_the_promised_json() {
    let mut told = fired(&["m1", "m2"], Severity::Critical);
    told.resolved = fired(&["m9"], Severity::Warning).over(at(75)).resolved;
    told.resolved_count = 1;
    let mut options = WebhookOptions::default();
    options.headers.push(("X-Token".to_owned(), "abc".into()));
    options.links = links();
    let request = sent_with(options, &told, &Delivery::default()).await;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.path(), "/hook");
    assert_eq!(request.headers["x-token"], "abc");
    assert_eq!(request.headers["idempotency-key"], told.id.as_str());
    let agent = concat!("etcd-monitor/", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.headers["user-agent"], agent);
    let body = request.json();
    for (pointer, value) in [
        ("/version", json!(1)),
        ("/status", json!("firing")),
        ("/kind", json!("fired")),
        ("/id", json!(told.id)),
        ("/at", json!("2026-01-02T00:00:00Z")),
        ("/dedup_key", json!("c0ffee0123456789")),
        ("/incident_at", json!("2026-01-02T00:00:00Z")),
        ("/sequence", json!(0)),
        ("/severity", json!("critical")),
        ("/about", json!("MemberDown in prod")),
        (
            "/group/labels",
            json!({"cluster": "prod", "rule": "MemberDown"}),
        ),
        ("/counts", json!({"firing": 2, "resolved": 1})),
        ("/alert/rule", json!("MemberDown")),
        ("/alert/severity", json!("critical")),
        ("/alert/state", json!("firing")),
        ("/alert/subject/name", json!("m1")),
        ("/alert/cause", json!("m1 refuses connections")),
        ("/alert/since", json!("2026-01-02T00:00:00Z")),
        ("/alert/lasted", json!(null)),
        ("/alerts/1/subject/name", json!("m2")),
        ("/resolved/0/subject/name", json!("m9")),
        ("/resolved/0/lasted_seconds", json!(75)),
        ("/links/dashboard", json!("https://ops.example/etcd/")),
        (
            "/links/alert",
            json!("https://ops.example/etcd/?cluster=prod#member-6d31"),
        ),
        ("/durable", json!(true)),
        ("/notes", json!([])),
    ] {
        assert_eq!(body.pointer(pointer), Some(&value), "{pointer}");
    }
}

/// Every field that is sent stands in the documentation, and is there in every kind of message.
#[tokio::test]
async fn every_field_is_documented() {
    let documented = include_str!("../../../../docs/webhook.md");
    let told = fired(&["m1"], Severity::Warning);
    let request = sent_with(WebhookOptions::default(), &told.over(at(9)), &not_durable()).await;
    let body = request.json();
    for name in body.as_object().unwrap().keys() {
        assert!(documented.contains(&format!("`{name}")), "{name}");
    }
    for name in body["alert"].as_object().unwrap().keys() {
        assert!(documented.contains(&format!("`{name}")), "{name}");
    }
    assert_eq!(body["status"], "resolved");
    assert_eq!(body["durable"], false);
    assert!(
        body["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("not stored on disk")
    );
}

#[tokio::test]
async fn the_users_name_and_password_in_the_url_become_basic_authentication() {
    let server = Recorder::answering(StatusCode::OK).await;
    let url = format!("http://user:pass@{}/hook", server.addr);
    let hook = WebhookNotifier::new(&url, WebhookOptions::default()).unwrap();
    let told = fired(&["m1"], Severity::Warning);
    hook.notify(&told, &Delivery::default()).await.unwrap();
    assert_eq!(server.only().headers["authorization"], "Basic dXNlcjpwYXNz");
}

#[tokio::test]
async fn each_attempt_says_the_same_with_the_same_key() {
    let server = Recorder::answering(StatusCode::SERVICE_UNAVAILABLE).await;
    let hook = WebhookNotifier::new(&server.url(), WebhookOptions::default()).unwrap();
    let told = fired(&["m1"], Severity::Warning);
    for _ in 0..2 {
        hook.notify(&told, &Delivery::default()).await.unwrap_err();
    }
    let requests = server.requests();
    assert_eq!(requests[0].body, requests[1].body);
    let key = |at: usize| requests[at].headers["idempotency-key"].clone();
    assert_eq!(key(0), key(1));
}

/// The time of a signature by the key of the documentation, which must hold.
fn verified(header: &str, body: &[u8]) -> i64 {
    let (time, signature) = header.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(b"topsecret").unwrap();
    let mac = mac.chain_update(time).chain_update(".").chain_update(body);
    assert_eq!(signature, format!("{:x}", mac.finalize().into_bytes()));
    time.parse().unwrap()
}

#[test]
fn the_documented_signature_holds() {
    let documented = include_str!("../../../../docs/webhook.md");
    let begin = "    X-Etcd-Monitor-Signature: ";
    let example = documented.lines().find_map(|line| line.strip_prefix(begin));
    assert_eq!(
        verified(example.unwrap(), br#"{"version":1}"#),
        1_767_312_000
    );
}

#[tokio::test]
async fn a_name_that_no_header_takes_is_encoded() {
    let mut told = fired(&["m1"], Severity::Warning);
    told.id = "größe\r\nX: y-1".to_owned();
    let request = sent_with(WebhookOptions::default(), &told, &Delivery::default()).await;
    assert_eq!(
        request.headers["idempotency-key"],
        "gr%C3%B6%C3%9Fe%0D%0AX: y-1"
    );
    assert_eq!(request.headers.get("x"), None);
}

#[tokio::test]
async fn a_signature_is_over_time_and_body() {
    let mut options = WebhookOptions::default();
    options.signing_key = Some("topsecret".into());
    let request = sent(options).await;
    let header = &request.headers["x-etcd-monitor-signature"];
    let time = verified(header.to_str().unwrap(), &request.body);
    let now = jiff::Timestamp::now().as_second();
    assert!((now - time).abs() < 60, "{header:?}");
    assert!(
        !sent(WebhookOptions::default())
            .await
            .headers
            .contains_key("x-etcd-monitor-signature")
    );
}

#[tokio::test]
async fn method_type_and_body_can_be_ones_own() {
    let mut options = with_body("<a>{{ title | safe }}</a>");
    options.method = WebhookMethod::Put;
    options.content_type = "text/plain".to_owned();
    let request = sent(options).await;
    assert_eq!(request.method, Method::PUT);
    assert_eq!(request.headers["content-type"], "text/plain");
    let expected = "<a>[FIRING critical] MemberDown: m1 refuses connections</a>";
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn the_documented_body_of_ones_own_is_json_whatever_members_say() {
    let documented = include_str!("../../../../docs/webhook.md");
    let template = documented
        .lines()
        .find(|line| line.starts_with(r#"{"text": {{"#));
    let mut told = fired(&["m1"], Severity::Critical);
    told.firing[0].cause = "\"}, {{ 7 * 7 }} \\ </script>".to_owned();
    let options = with_body(template.unwrap());
    let body = sent_with(options, &told, &Delivery::default()).await.json();
    let text = "[FIRING critical] MemberDown: \"}, {{ 7 * 7 }} \\ </script>";
    assert_eq!(body, json!({"text": text, "critical": true, "runbook": ""}));
}

#[tokio::test]
async fn a_template_that_fails_is_replaced_by_the_built_in_json_which_says_so() {
    for text in ["{{ alert.nothing.at_all }}", "{\"text\": {{ title }}"] {
        let body = sent(with_body(text)).await.json();
        assert_eq!(body["version"], 1);
        assert_eq!(body["alert"]["rule"], "MemberDown");
        let note = body["notes"][0].as_str().unwrap();
        assert!(
            note.starts_with("the template webhook.body failed"),
            "{note}"
        );
    }
}
