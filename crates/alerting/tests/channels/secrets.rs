//! What the options and the channels show of themselves: no secret, wherever it is written.

use std::fmt::Debug;

use etcd_monitor_alerting::{
    AlertmanagerNotifier, AlertmanagerOptions, ConsoleOptions, HeartbeatOptions, HttpAuth,
    MessageLinks, PagerDutyNotifier, PagerDutyOptions, SlackNotifier, SlackOptions, SlackTarget,
    WebhookNotifier, WebhookOptions,
};
use secrecy::SecretString;

/// In every place that may hold a secret.
const SECRET: &str = "hunter2hunter2";

fn url() -> String {
    format!("http://user:{SECRET}@127.0.0.1:9/{SECRET}?key={SECRET}#{SECRET}")
}

fn links() -> MessageLinks {
    MessageLinks::to(url().parse().unwrap())
}

fn secret() -> SecretString {
    SecretString::from(SECRET)
}

fn shows_none(what: &impl Debug) {
    for shown in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn basic() -> HttpAuth {
    HttpAuth::Basic {
        user: "user".to_owned(),
        password: secret(),
    }
}

#[test]
fn alertmanager_shows_no_secret() {
    install_tls();
    let mut options = AlertmanagerOptions::new([url(), SECRET.to_owned()]);
    options.links = links();
    for auth in [basic(), HttpAuth::Bearer(secret())] {
        options.auth = Some(auth);
        shows_none(&options);
    }
    options.urls.pop();
    shows_none(&AlertmanagerNotifier::new(options).unwrap());
}

#[test]
fn pagerduty_shows_no_secret() {
    install_tls();
    let mut options = PagerDutyOptions::new(SECRET);
    options.url = url();
    options.links = links();
    shows_none(&options);
    shows_none(&PagerDutyNotifier::new(options).unwrap());
}

#[test]
fn slack_shows_no_secret() {
    install_tls();
    let bot = SlackTarget::bot(SECRET, "#ops").with_api_url(url());
    for target in [bot, SlackTarget::webhook(url())] {
        let mut options = SlackOptions::new(target);
        options.links = links();
        shows_none(&options);
        shows_none(&SlackNotifier::new(options).unwrap());
    }
}

#[test]
fn a_webhook_shows_no_secret() {
    install_tls();
    let mut options = WebhookOptions::default();
    options.headers = vec![("Authorization".to_owned(), secret())];
    options.signing_key = Some(secret());
    options.links = links();
    shows_none(&options);
    shows_none(&WebhookNotifier::new(&url(), options).unwrap());
}

#[cfg(feature = "smtp")]
#[test]
fn mail_shows_no_secret() {
    use etcd_monitor_alerting::{EmailNotifier, EmailOptions};

    let mut options = EmailOptions::new("localhost", "me@example.org", ["ops@example.org"]);
    options.credentials = Some(("user".to_owned(), secret()));
    options.links = links();
    shows_none(&options);
    install_tls();
    shows_none(&EmailNotifier::new(options).unwrap());
}

#[test]
fn the_console_and_the_sign_of_life_show_no_secret() {
    let mut options = ConsoleOptions::default();
    options.links = links();
    shows_none(&options);
    shows_none(&HeartbeatOptions::new(url().into()));
}
