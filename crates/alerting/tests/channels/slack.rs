//! The Slack channel: incoming webhooks and the Web API as Slack publishes them.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use etcd_monitor_alerting::{
    ConfigError, Delivery, NotificationKind, Notifier, NotifyError, Receipt, SlackNotifier,
    SlackOptions, SlackTarget,
};
use etcd_monitor_model::Severity;
use serde_json::Value;

use crate::fixture::{after, at, fired, links, next};
use crate::recorder::Recorder;

const TOKEN: &str = "xoxb-123456789-verysecret";
const POSTED: &str = r#"{"ok":true,"channel":"C0123","ts":"1767312000.000100","message":{}}"#;

fn says(body: &'static str) -> Response {
    ([("content-type", "application/json")], body).into_response()
}

fn build(target: SlackTarget) -> SlackNotifier {
    let mut options = SlackOptions::new(target);
    options.links = links();
    SlackNotifier::new(options).unwrap()
}

fn bot(server: &Recorder) -> SlackNotifier {
    let api = server.url() + "/api";
    build(SlackTarget::bot(TOKEN, "#etcd").with_api_url(api))
}

fn hook(server: &Recorder) -> SlackNotifier {
    let url = server.url() + "/services/T000/B000/verysecretverysecret";
    build(SlackTarget::webhook(url))
}

fn section(content: &Value, number: usize) -> &str {
    let block = &content["attachments"][0]["blocks"][number];
    assert_eq!(block["type"], "section");
    assert_eq!(block["text"]["type"], "mrkdwn");
    let text = block["text"]["text"].as_str().unwrap();
    assert!(text.chars().count() <= 3_000);
    text
}

#[tokio::test]
async fn an_incoming_webhook_gets_a_coloured_message() {
    let server = Recorder::start(|_, _| "ok".into_response()).await;
    let slack = hook(&server);
    let told = fired(&["m1"], Severity::Critical);
    for (told, colour) in [
        (told.clone(), "#c62828"),
        (fired(&["m1"], Severity::Warning), "#ef6c00"),
        (fired(&["m1"], Severity::Info), "#1565c0"),
        (told.over(at(100)), "#2e7d32"),
    ] {
        let receipt = slack.notify(&told, &Delivery::default()).await.unwrap();
        assert_eq!(receipt, None);
        let request = server.requests().pop().unwrap();
        assert_eq!(
            request.uri.path(),
            "/services/T000/B000/verysecretverysecret"
        );
        assert_eq!(request.json()["attachments"][0]["color"], colour);
    }
    let content = server.requests()[0].json();
    assert_eq!(
        content["text"],
        "[FIRING critical] MemberDown: m1 refuses connections"
    );
    let text = section(&content, 0);
    for line in [
        "cluster: prod, member: m1 (6d31)\n",
        "• Status: connection refused (at 2026-01-02T00:00:00Z)\n",
        "*Do:* start etcd on m1\n",
        "since 2026-01-02T00:00:00Z, alert ",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let link = "<https://ops.example/etcd/?cluster=prod#member-6d31|Open the dashboard>";
    assert_eq!(section(&content, 1), link);
    let over = server.requests()[3].json();
    assert!(
        section(&over, 0).contains("cleared; it lasted 1 min 40 s"),
        "{over}"
    );
}

#[tokio::test]
async fn a_member_can_neither_mention_nor_link_and_the_text_is_cut() {
    let server = Recorder::start(|_, _| "ok".into_response()).await;
    let name = format!("<!channel> <http://x|y> & {}", "&<".repeat(3_000));
    let mut told = fired(&[&name, "m2", "m3"], Severity::Critical);
    told.firing[0].evidence = vec![told.firing[0].evidence[0].clone(); 5];
    told.firing[0].action = "<".repeat(1_000);
    hook(&server)
        .notify(&told, &Delivery::default())
        .await
        .unwrap();
    let content = server.only().json();
    let text = content["text"].as_str().unwrap();
    assert!(
        text.contains("&lt;!channel&gt; &lt;http://x|y&gt; &amp; "),
        "{text}"
    );
    assert!(text.chars().count() <= 300, "{text}");
    assert!(!text.contains('<') && !section(&content, 0).contains('<'));
    for cut in [text, section(&content, 0)] {
        let end = cut.rsplit_once('&').unwrap().1;
        assert!(cut.ends_with('…') && end.contains(';'), "{cut}");
    }
}

#[tokio::test]
async fn a_bot_posts_updates_its_message_and_answers_in_the_thread() {
    let server = Recorder::start(|_, _| says(POSTED)).await;
    let slack = bot(&server);
    let told = fired(&["m1"], Severity::Warning);
    let receipt = slack.notify(&told, &Delivery::default()).await.unwrap();
    assert!(receipt.is_some());
    let first = server.only();
    assert_eq!(first.uri.path(), "/api/chat.postMessage");
    assert_eq!(first.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(first.json()["channel"], "#etcd");
    assert_eq!(first.json().get("thread_ts"), None);

    assert!(slack.pace().sends_acknowledged && !hook(&server).pace().sends_acknowledged);
    let kinds = [
        NotificationKind::Updated,
        NotificationKind::Acknowledged,
        NotificationKind::Resolved,
    ];
    for (sequence, kind) in (1..).zip(kinds) {
        let mut told = next(&told, sequence);
        if kind == NotificationKind::Resolved {
            told = told.over(at(100));
        }
        told.kind = kind;
        let kept = slack.notify(&told, &after(receipt.clone())).await.unwrap();
        assert_eq!(kept, receipt);
        let [.., update, reply] = &server.requests()[..] else {
            panic!();
        };
        assert_eq!(update.uri.path(), "/api/chat.update");
        let (update, text) = (update.json(), reply.json()["text"].clone());
        assert_eq!(update["channel"], "C0123");
        assert_eq!(update["ts"], "1767312000.000100");
        assert_eq!(update["text"], text);
        assert_eq!(reply.uri.path(), "/api/chat.postMessage");
        let reply = reply.json();
        assert_eq!(reply["channel"], "C0123");
        assert_eq!(reply["thread_ts"], "1767312000.000100");
        assert_eq!(reply["reply_broadcast"], kind == NotificationKind::Updated);
    }
    assert_eq!(server.requests().len(), 7);
}

/// Sends a later message of an incident to a Slack that answers an update, and what is posted in a thread, so; the paths
/// it was asked.
async fn later(
    update: &'static str,
    reply: &'static str,
) -> (Result<Option<Receipt>, NotifyError>, Vec<String>) {
    let server = Recorder::start(move |_, request| {
        says(match request.uri.path() {
            "/api/chat.update" => update,
            _ if request.json().get("thread_ts").is_some() => reply,
            _ => POSTED,
        })
    })
    .await;
    let told = fired(&["m1"], Severity::Warning);
    let receipt = Receipt(r#"{"channel":"C0123","ts":"1.2"}"#.to_owned());
    let sent = bot(&server)
        .notify(&next(&told, 1), &after(Some(receipt)))
        .await;
    let path = |request: &crate::recorder::Request| request.uri.path().to_owned();
    (sent, server.requests().iter().map(path).collect())
}

#[tokio::test]
async fn a_first_message_that_is_gone_or_may_not_be_changed_is_posted_anew() {
    for update in [
        r#"{"ok":false,"error":"message_not_found"}"#,
        r#"{"ok":false,"error":"cant_update_message"}"#,
        r#"{"ok":false,"error":"edit_window_closed"}"#,
    ] {
        let (sent, paths) = later(update, POSTED).await;
        assert_eq!(paths, ["/api/chat.update", "/api/chat.postMessage"]);
        let receipt = sent.unwrap().unwrap().0;
        assert!(receipt.contains("1767312000.000100"), "{receipt}");
    }
}

#[tokio::test]
async fn what_the_thread_refuses_is_posted_beside_it() {
    let (sent, paths) = later(POSTED, r#"{"ok":false,"error":"cannot_reply_to_message"}"#).await;
    let post = "/api/chat.postMessage";
    assert_eq!(paths, ["/api/chat.update", post, post]);
    let receipt = sent.unwrap().unwrap().0;
    assert!(receipt.contains("1767312000.000100"), "{receipt}");
}

#[tokio::test]
async fn a_thread_that_cannot_be_answered_now_is_tried_again() {
    let (sent, paths) = later(POSTED, r#"{"ok":false,"error":"ratelimited"}"#).await;
    assert_eq!(paths, ["/api/chat.update", "/api/chat.postMessage"]);
    assert!(sent.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_receipt_that_cannot_be_read_makes_a_new_message() {
    let server = Recorder::start(|_, _| says(POSTED)).await;
    let told = fired(&["m1"], Severity::Warning);
    let receipt = after(Some(Receipt("nonsense".to_owned())));
    bot(&server).notify(&told, &receipt).await.unwrap();
    assert_eq!(server.only().uri.path(), "/api/chat.postMessage");
}

/// What a first message and a later one come to, with a Slack that answers everything so.
async fn refused_with(body: &'static str) -> [NotifyError; 2] {
    let server = Recorder::start(move |_, _| says(body)).await;
    let slack = bot(&server);
    let told = fired(&["m1"], Severity::Warning);
    let receipt = Receipt(r#"{"channel":"C0123","ts":"1.2"}"#.to_owned());
    let (later, after) = (next(&told, 1), after(Some(receipt)));
    let first = slack.notify(&told, &Delivery::default()).await;
    let later = slack.notify(&later, &after).await;
    [first, later].map(Result::unwrap_err)
}

#[tokio::test]
async fn the_codes_of_the_web_api_say_whether_to_try_again_and_what_to_do() {
    for (body, advice) in [
        (r#"{"ok":false,"error":"invalid_auth"}"#, "xoxb- token"),
        (
            r#"{"ok":false,"error":"channel_not_found"}"#,
            "invite the bot",
        ),
        (r#"{"ok":false,"error":"not_in_channel"}"#, "/invite @BOT"),
        (
            r#"{"ok":false,"error":"is_archived"}"#,
            "the channel is archived",
        ),
        (
            r#"{"ok":false,"error":"missing_scope","needed":"chat:write"}"#,
            "chat:write",
        ),
        (r#"{"ok":false,"error":"some_new_code"}"#, "some_new_code"),
    ] {
        for error in refused_with(body).await {
            assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }
    for body in [
        r#"{"ok":false,"error":"ratelimited"}"#,
        r#"{"ok":false,"error":"internal_error"}"#,
        "<html>a proxy</html>",
    ] {
        for error in refused_with(body).await {
            assert!(error.is_retryable(), "{error}");
        }
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let server = Recorder::start(|_, _| {
        let body = r#"{"ok":false,"error":"ratelimited"}"#;
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], body).into_response()
    })
    .await;
    let told = fired(&["m1"], Severity::Warning);
    for slack in [bot(&server), hook(&server)] {
        let error = slack.notify(&told, &Delivery::default()).await.unwrap_err();
        let NotifyError::Unavailable { retry_after, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(30)));
    }
}

#[tokio::test]
async fn a_removed_webhook_says_so_and_no_error_shows_a_secret() {
    let server = Recorder::start(|number, _| {
        let text = ["no_service", "bad /services/T000/B000/verysecretverysecret"];
        (StatusCode::NOT_FOUND, text[number]).into_response()
    })
    .await;
    let slack = hook(&server);
    let told = fired(&["m1"], Severity::Warning);
    for said in ["make a new one", "quotes the request"] {
        let error = slack.notify(&told, &Delivery::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(said) && !text.contains("verysecret"),
            "{text}"
        );
    }
    assert!(!format!("{slack:?}").contains("verysecret"));
    assert!(!format!("{:?}", bot(&server)).contains("verysecret"));
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() {
    let option = |target| match SlackNotifier::new(SlackOptions::new(target)) {
        Err(ConfigError::InvalidOption { option, reason }) => {
            assert!(!reason.contains("secret"), "{reason}");
            option
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        option(SlackTarget::bot("xoxb-very\nsecret", "#etcd")),
        "token"
    );
    assert_eq!(option(SlackTarget::bot(TOKEN, " ")), "channel");
}
