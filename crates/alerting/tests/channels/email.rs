//! The e-mail channel, against a real mail server.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_alerting::{
    ConfigError, Delivery, EmailNotifier, EmailOptions, Notification, NotificationKind, Notifier,
    NotifyError, SmtpEncryption, TemplatePart, Templates,
};
use etcd_monitor_model::Severity;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::fixture::{at, fired, links, next, not_durable};
use crate::mail_server::{MailServer, Security, Taken};
use crate::program::until;

const PASSWORD: &str = "correct horse";

fn options(server: &MailServer, to: &[&str]) -> EmailOptions {
    let from = "etcd-monitor <monitor@example.org>";
    let mut options = EmailOptions::new("localhost", from, to.iter().copied());
    options.port = Some(server.port);
    options.ca_file = server.ca_file();
    options.links = links();
    options.encryption = match server.security {
        Security::None => SmtpEncryption::None,
        Security::StartTls => SmtpEncryption::StartTls,
        Security::Tls => SmtpEncryption::Tls,
    };
    options
}

async fn send(mail: &EmailNotifier, told: &Notification) -> Result<(), NotifyError> {
    let receipt = mail.notify(told, &Delivery::default()).await?;
    assert_eq!(receipt, None);
    Ok(())
}

fn told() -> Notification {
    fired(&["m1"], Severity::Critical)
}

/// Sends one message by a server and says what it took.
async fn taken_from(server: &mut MailServer, told: &Notification) -> Taken {
    let options = options(server, &["ops@example.org"]);
    send(&EmailNotifier::new(options).unwrap(), told)
        .await
        .unwrap();
    server.taken().await
}

#[tokio::test]
async fn a_message_has_text_and_html_and_what_programs_need() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let to = ["Ops <ops@example.org>", "dba@example.org"];
    let mail = EmailNotifier::new(options(&server, &to)).unwrap();
    mail.notify(&told(), &not_durable()).await.unwrap();
    let taken = server.taken().await;
    assert_eq!(taken.from, "monitor@example.org");
    assert_eq!(taken.to, ["ops@example.org", "dba@example.org"]);
    for (name, value) in [
        ("From", "etcd-monitor <monitor@example.org>"),
        ("To", "Ops <ops@example.org>, dba@example.org"),
        ("Subject", "etcd: MemberDown in prod"),
        ("Date", "Fri, 02 Jan 2026 00:00:00 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(taken.header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(taken.header("In-Reply-To"), None);
    let kind = taken.header("Content-Type").unwrap();
    assert!(kind.starts_with("multipart/alternative;"), "{kind}");
    let (text, html) = (taken.part("text/plain"), taken.part("text/html"));
    for said in [
        "[FIRING critical] MemberDown: m1 refuses connections",
        "connection refused",
        "start etcd on m1",
        "2026-01-02T00:00:00Z",
        "https://ops.example/etcd/?cluster=prod#member-6d31",
        "not stored on disk",
    ] {
        assert!(text.contains(said), "{said:?} in {text}");
        let escaped = said.replace('/', "&#x2f;");
        assert!(
            html.contains(said) || html.contains(&escaped),
            "{said:?} in {html}"
        );
    }
}

#[tokio::test]
async fn the_messages_of_an_incident_are_one_thread() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let first = taken_from(&mut server, &told()).await;
    let again = taken_from(&mut server, &told()).await;
    let root = first.header("Message-ID").unwrap();
    assert!(
        root.starts_with('<') && root.ends_with("@example.org>"),
        "{root}"
    );
    assert_eq!(
        again.header("Message-ID").as_deref(),
        Some(&*root),
        "an attempt is no other message"
    );
    let mut update = next(&told(), 1);
    update.kind = NotificationKind::Updated;
    let over = next(&told(), 2).over(at(100));
    let mut ids = vec![root.clone()];
    for told in [update, over] {
        let taken = taken_from(&mut server, &told).await;
        assert_eq!(taken.header("In-Reply-To").as_deref(), Some(&*root));
        assert_eq!(taken.header("References").as_deref(), Some(&*root));
        let subject = taken.header("Subject").unwrap();
        assert_eq!(subject, "Re: etcd: MemberDown in prod");
        ids.push(taken.header("Message-ID").unwrap());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
    // A later incident of the same group is another thread.
    let mut later = told();
    later.incident_at = at(9_999);
    let taken = taken_from(&mut server, &later).await;
    assert_ne!(taken.header("Message-ID").as_deref(), Some(&*root));
    assert_eq!(taken.header("In-Reply-To"), None);
}

#[tokio::test]
async fn no_name_makes_a_header_and_no_text_becomes_html() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let hostile = "x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>\u{202e}é";
    let mut told = told();
    told.group
        .labels
        .insert("rule".to_owned(), hostile.to_owned());
    told.firing[0].cause = hostile.to_owned();
    told.firing[0].subject.name = hostile.to_owned();
    told.dedup_key = hostile.to_owned();
    told.id = hostile.to_owned();
    let taken = taken_from(&mut server, &next(&told, 1)).await;
    assert_eq!(taken.to, ["ops@example.org"]);
    assert_eq!(taken.header("Bcc"), None);
    let html = taken.part("text/html");
    assert!(
        !html.contains("<script>") && html.contains("&lt;script&gt;"),
        "{html}"
    );
    let mut told = next(&told, 0);
    told.id = hostile.to_owned();
    let taken = taken_from(&mut server, &told).await;
    assert_eq!(taken.header("Bcc"), None);
    let option = |from: &str, to: &str| {
        let options = EmailOptions::new("localhost", from, [to]);
        EmailNotifier::new(options).unwrap_err().to_string()
    };
    let good = "a@example.org";
    assert!(option("a\r\nBcc: b <a@example.org>", good).starts_with("from: "));
    assert!(option(good, "a@example.org\r\nBcc: b@example.org").starts_with("to: "));
}

#[tokio::test]
async fn starttls_and_tls_encrypt_and_say_who_sends() {
    for security in [Security::StartTls, Security::Tls] {
        for mechanism in [&[][..], &["--login-only"]] {
            let auth = format!("monitor:{PASSWORD}");
            let arguments = [&["--auth", &auth], mechanism].concat();
            let Some(mut server) = MailServer::start(security, &arguments).await else {
                return;
            };
            let mut options = options(&server, &["ops@example.org"]);
            options.credentials = Some(("monitor".to_owned(), PASSWORD.into()));
            let mail = EmailNotifier::new(options).unwrap();
            send(&mail, &told()).await.unwrap();
            let taken = server.taken().await;
            assert!(taken.encrypted, "{security:?}");
            assert_eq!(taken.user.as_deref(), Some("monitor"));
            assert!(!format!("{mail:?}").contains(PASSWORD));
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_for_good_and_not_told() {
    let Some(server) = MailServer::start(Security::StartTls, &["--auth", "monitor:other"]).await
    else {
        return;
    };
    let mut options = options(&server, &["ops@example.org", "dba@example.org"]);
    options.credentials = Some(("monitor".to_owned(), PASSWORD.into()));
    let error = send(&EmailNotifier::new(options).unwrap(), &told())
        .await
        .unwrap_err();
    assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("535") || text.contains("check user and password"),
        "{text}"
    );
    assert!(
        text.contains("localhost") && !text.contains(PASSWORD),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_is_sent_over_a_connection_that_is_not_what_it_should_be() {
    let Some(server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let mut required = options(&server, &["ops@example.org"]);
    required.encryption = SmtpEncryption::StartTls;
    let error = send(&EmailNotifier::new(required).unwrap(), &told())
        .await
        .unwrap_err();
    assert!(
        error.to_string().to_lowercase().contains("starttls"),
        "{error}"
    );
    let Some(mut server) = MailServer::start(Security::StartTls, &[]).await else {
        return;
    };
    // Not the system's: nobody but us knows this authority.
    let mut unknown = options(&server, &["ops@example.org"]);
    unknown.ca_file = None;
    let error = send(&EmailNotifier::new(unknown).unwrap(), &told())
        .await
        .unwrap_err();
    assert!(
        error.to_string().to_lowercase().contains("certificate"),
        "{error}"
    );
    let mut offered = options(&server, &["ops@example.org"]);
    offered.encryption = SmtpEncryption::StartTlsIfOffered;
    send(&EmailNotifier::new(offered).unwrap(), &told())
        .await
        .unwrap();
    assert!(server.taken().await.encrypted);
}

#[tokio::test]
async fn one_bad_recipient_keeps_it_from_nobody_else() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let mail = |to: &[&str]| EmailNotifier::new(options(&server, to)).unwrap();
    let some = mail(&["ops@example.org", "refused@example.org", "dba@example.org"]);
    let full = mail(&["full@example.org", "oncall@example.org"]);
    let (none, later) = (
        mail(&["refused@example.org"]),
        mail(&["greylisted@example.org"]),
    );
    let both = mail(&[
        "refused@example.org",
        "greylisted@example.org",
        "ops@example.org",
    ]);
    let last = mail(&["last@example.org"]);
    send(&some, &told()).await.unwrap();
    assert_eq!(server.taken().await.to, ["ops@example.org"]);
    assert_eq!(server.taken().await.to, ["dba@example.org"]);
    send(&full, &told()).await.unwrap();
    assert_eq!(server.taken().await.to, ["oncall@example.org"]);
    let error = send(&none, &told()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Rejected { .. }), "{error}");
    assert!(error.to_string().contains("nobody of that name"), "{error}");
    for mail in [&later, &both] {
        let error = send(mail, &told()).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("try again later"), "{error}");
    }
    assert_eq!(server.taken().await.to, ["ops@example.org"]);
    // Who took it gets it once, however often the other is tried.
    for _ in 0..2 {
        let error = send(&both, &told()).await.unwrap_err();
        assert!(error.to_string().contains("try again later"), "{error}");
    }
    send(&last, &told()).await.unwrap();
    assert_eq!(server.taken().await.to, ["last@example.org"]);
}

#[tokio::test]
async fn a_connection_is_used_again_but_never_after_a_timeout() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let mut options = options(&server, &["ops@example.org"]);
    options.timeout = Duration::from_secs(10);
    let mail = EmailNotifier::new(options.clone()).unwrap();
    // It is given back by a task of its own, which the next message need not wait for.
    let mut peers = BTreeSet::new();
    until("a connection is used again", async || {
        send(&mail, &told()).await.unwrap();
        (!peers.insert(server.taken().await.peer)).then_some(())
    })
    .await;
    options.timeout = Duration::from_millis(500);
    options.to = vec!["hanging@example.org".to_owned()];
    let hanging = EmailNotifier::new(options).unwrap();
    for _ in 0..2 {
        let error = send(&hanging, &told()).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(
            error.to_string().contains("did not answer in time"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_attempt_that_is_dropped_leaves_the_channel_usable() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let mail = EmailNotifier::new(options(&server, &["ops@example.org"])).unwrap();
    send(&mail, &told()).await.unwrap();
    let first = server.taken().await.peer;
    // Polled once: it has taken the connection and waits for the server.
    let delivery = Delivery::default();
    let dropped = told();
    let attempt = mail.notify(&dropped, &delivery);
    assert!(futures_util::FutureExt::now_or_never(attempt).is_none());
    send(&mail, &told()).await.unwrap();
    assert_ne!(server.taken().await.peer, first);
}

#[tokio::test]
async fn a_server_that_accepts_and_then_hangs_costs_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = EmailOptions::new("127.0.0.1", "a@example.org", ["b@example.org"]);
    options.port = Some(listener.local_addr().unwrap().port());
    options.encryption = SmtpEncryption::None;
    options.timeout = Duration::from_millis(200);
    let mail = EmailNotifier::new(options).unwrap();
    let error = send(&mail, &told()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    drop(listener);
    let error = send(&mail, &told()).await.unwrap_err();
    assert!(error.is_retryable(), "nobody listens: {error}");
}

/// A server that quotes what it is told.
async fn quoting_server(listener: TcpListener) {
    let (socket, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.test\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = if line.starts_with("EHLO") {
            "250-mail.test\r\n250 AUTH PLAIN\r\n".to_owned()
        } else {
            format!("535 not {line}\r\n")
        };
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_server_that_quotes_the_password_does_not_get_it_into_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = EmailOptions::new("127.0.0.1", "a@example.org", ["b@example.org"]);
    options.port = Some(listener.local_addr().unwrap().port());
    options.encryption = SmtpEncryption::None;
    options.credentials = Some(("monitor".to_owned(), PASSWORD.into()));
    let server = tokio::spawn(quoting_server(listener));
    let error = send(&EmailNotifier::new(options).unwrap(), &told())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("quotes the password"), "{text}");
    assert!(
        !text.contains("bW9uaXRvcg") && !text.contains(PASSWORD),
        "{text}"
    );
    server.abort();
}

#[tokio::test]
async fn a_template_that_fails_is_replaced_and_the_message_says_so() {
    let Some(mut server) = MailServer::start(Security::None, &[]).await else {
        return;
    };
    let own = [
        (
            TemplatePart::EmailSubject,
            "{{ severity }}: {{ about }}\r\nBcc: x@example.org",
        ),
        (TemplatePart::EmailHtml, "{{ alert.nothing.at_all }}"),
    ];
    let mut options = options(&server, &["ops@example.org"]);
    let own = own.map(|(part, text)| (part, text.to_owned()));
    options.templates = Templates::with_overrides(own).unwrap();
    send(&EmailNotifier::new(options).unwrap(), &told())
        .await
        .unwrap();
    let taken = server.taken().await;
    let subject = taken.header("Subject").unwrap();
    assert!(
        subject.starts_with("critical: MemberDown in prod"),
        "{subject}"
    );
    assert_eq!(taken.header("Bcc"), None);
    for part in ["text/plain", "text/html"] {
        let text = taken.part(part);
        assert!(text.contains("template email.html failed"), "{text}");
        assert!(text.contains("m1 refuses connections"), "{text}");
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    let refused = |change: &dyn Fn(&mut EmailOptions)| {
        let mut options = EmailOptions::new("mail.example.org", "a@example.org", ["b@example.org"]);
        options.credentials = Some(("monitor".to_owned(), PASSWORD.into()));
        change(&mut options);
        match EmailNotifier::new(options) {
            Err(ConfigError::InvalidOption { option, reason }) => {
                assert!(!reason.contains(PASSWORD), "{reason}");
                option
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&|it| it.host.clear()), "host");
    assert_eq!(refused(&|it| it.to.clear()), "to");
    assert_eq!(refused(&|it| it.to = vec!["nobody".to_owned()]), "to");
    assert_eq!(
        refused(&|it| it.to = vec!["a@example.org".to_owned(); 101]),
        "to"
    );
    assert_eq!(refused(&|it| it.from = "x".to_owned()), "from");
    // The password would be readable, or could be made so by whoever is in between.
    for encryption in [SmtpEncryption::None, SmtpEncryption::StartTlsIfOffered] {
        assert_eq!(refused(&|it| it.encryption = encryption), "encryption");
    }
    let mut options = EmailOptions::new("mail.example.org", "a@example.org", ["b@example.org"]);
    options.ca_file = Some(PathBuf::from("/nowhere/ca.pem"));
    let error = EmailNotifier::new(options).unwrap_err();
    assert!(matches!(error, ConfigError::CaFile { .. }), "{error}");
}
