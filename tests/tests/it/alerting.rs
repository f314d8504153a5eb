//! Who is told: routes, silences, maintenance, restarts and the sign of life, by the configuration and the commands.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use etcd_monitor_testkit::{AlarmKind, Cluster};
use etcd_monitor_tests::harness::{Daemon, Ended, WebhookReceiver, run_to_end, until};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::several::deserted;
use crate::{ALERTS, SOON, alert, firing, healthy, one, resolved, text};

/// The rule whose alert an alarm makes fire in the next cycle, and its disarming ends.
const NO_SPACE: &str = "AlarmNoSpace";

/// A cluster of one, and the configuration of its daemon.
struct Setting {
    cluster: Cluster,
    folder: TempDir,
}

impl Setting {
    async fn new() -> Self {
        Self {
            cluster: one().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes the configuration with this section of alerts.
    fn write(&self, alerts: &str) {
        let endpoint = self.cluster.member(0).client_url();
        let text = format!(
            "interval: 500ms\nclusters: [{{name: prod, endpoints: [{endpoint}]}}]\nalerts:\n{alerts}"
        );
        fs::write(self.file(), text).unwrap();
    }

    fn file(&self) -> String {
        self.folder
            .path()
            .join("etcd-monitor.yaml")
            .display()
            .to_string()
    }

    /// Starts a daemon with this section of alerts.
    async fn start(&self, alerts: &str) -> Daemon {
        self.write(alerts);
        let daemon = Daemon::start(["--config".to_owned(), self.file()]).await;
        healthy(&daemon, 1).await;
        daemon
    }

    /// Starts one with this section on the data of an earlier one.
    async fn start_on(&self, data_dir: &Path, alerts: &str) -> Daemon {
        self.write(alerts);
        Daemon::start_on(data_dir, ["--config".to_owned(), self.file()]).await
    }

    /// Lets the running daemon read this section.
    async fn reload(&self, daemon: &Daemon, alerts: &str, said: &str) -> String {
        self.write(alerts);
        daemon.signal(Signal::HUP);
        daemon.log().line(said, SOON).await
    }

    async fn alarm(&self) {
        self.cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    }

    async fn disarm(&self) {
        self.cluster.disarm_alarms().await.unwrap();
    }
}

const APPLIED: &str = "the configuration was read again and is applied";

/// Runs a command of the program in its data directory, which must succeed, and returns what it printed.
async fn command(daemon: &Daemon, arguments: &[&str]) -> String {
    let folder = daemon.data_dir().display().to_string();
    let arguments = [arguments, &["--data-dir", &folder]].concat();
    let Ended {
        code,
        stdout,
        stderr,
        ..
    } = run_to_end(&arguments).await;
    assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    stdout.trim_end().to_owned()
}

/// Waits until an alert of the rule fires and something mutes it, and returns what.
async fn muted(daemon: &Daemon, rule: &str) -> Value {
    let find = |alerts: &Value| {
        let muted = &alert(alerts, rule, "firing")?["muted_by"];
        (!muted.is_null()).then(|| muted.clone())
    };
    daemon.until(SOON, ALERTS, "the alert is muted", find).await
}

/// How many messages with this status about this rule came.
fn count(hook: &WebhookReceiver, status: &str, rule: &str) -> usize {
    let posts = hook.all().into_iter();
    let fits =
        posts.filter(|post| post.body["status"] == status && post.body["alert"]["rule"] == rule);
    fits.count()
}

fn hook(name: &str, url: &str) -> String {
    format!("    {name}: {{type: webhook, url: '{url}'}}\n")
}

#[tokio::test]
async fn routes_lead_alerts_to_different_webhooks_and_each_is_told_once() {
    let setting = Setting::new().await;
    let (pager, tickets) = (
        WebhookReceiver::start().await,
        WebhookReceiver::start().await,
    );
    let channels = hook("pager", pager.url()) + &hook("tickets", tickets.url());
    let daemon = setting
        .start(&format!(
            "  custom: [{{name: SpaceNote, finding: {NO_SPACE}, severity: info, labels: {{team: storage}}}}]
  channels:
{channels}  route:
    channels: [tickets]
    routes: [{{matchers: ['severity=critical', 'cluster=~\"pr.*\"'], channels: [pager]}}]
"
        ))
        .await;
    setting.alarm().await;
    let told = pager.wait_for("firing", NO_SPACE, SOON).await.body;
    assert_eq!(
        (text(&told, "channel"), text(&told, "kind")),
        ("pager", "fired")
    );
    let note = tickets.wait_for("firing", "SpaceNote", SOON).await.body;
    assert_eq!(text(&note, "severity"), "info");
    assert_eq!(note["alert"]["labels"]["team"], "storage");
    // The console, which no route names, hears of both.
    daemon
        .log()
        .line("[FIRING critical] AlarmNoSpace: ", SOON)
        .await;
    daemon.log().line("[FIRING info] SpaceNote: ", SOON).await;

    setting.disarm().await;
    pager.wait_for("resolved", NO_SPACE, SOON).await;
    tickets.wait_for("resolved", "SpaceNote", SOON).await;
    assert_eq!(
        (
            count(&pager, "firing", NO_SPACE),
            count(&pager, "firing", "SpaceNote")
        ),
        (1, 0)
    );
    assert_eq!(
        (
            count(&tickets, "firing", "SpaceNote"),
            count(&tickets, "firing", NO_SPACE)
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn a_silence_of_the_command_line_mutes_until_it_is_expired_and_an_acknowledgement_is_told() {
    let setting = Setting::new().await;
    let receiver = WebhookReceiver::start().await;
    let channel = format!(
        "    hook: {{type: webhook, url: '{}', send_acknowledged: true}}\n",
        receiver.url()
    );
    let daemon = setting.start(&format!("  channels:\n{channel}")).await;
    let add = [
        "silence",
        "add",
        "cluster=prod",
        "rule=~\"Alarm.*\"",
        "-d",
        "2h",
        "-c",
        "a test",
        "--author",
        "me",
    ];
    let id = command(&daemon, &add).await;
    let listed: Value =
        serde_json::from_str(&command(&daemon, &["silence", "list", "-w", "json"]).await).unwrap();
    let silence = &listed["silences"][0];
    assert_eq!(
        (text(silence, "id"), text(silence, "state")),
        (id.as_str(), "active")
    );
    assert_eq!(
        (text(silence, "author"), text(silence, "comment")),
        ("me", "a test")
    );

    daemon
        .log()
        .line("what people mute has changed silences=1", SOON)
        .await;
    setting.alarm().await;
    let by = muted(&daemon, NO_SPACE).await;
    assert_eq!(
        (text(&by, "by"), text(&by, "name")),
        ("silence", id.as_str())
    );
    assert_eq!(count(&receiver, "firing", NO_SPACE), 0);
    assert_eq!(command(&daemon, &["silence", "expire", &id]).await, id);
    let told = receiver.wait_for("firing", NO_SPACE, SOON).await.body;
    assert_eq!(command(&daemon, &["silence", "list"]).await, "no silences");

    let alert_id = text(&told["alert"], "id");
    command(&daemon, &["ack", alert_id, "-c", "on it", "--author", "me"]).await;
    let acknowledged = async || {
        let posts = receiver.all();
        let mut posts = posts
            .iter()
            .filter(|post| post.body["kind"] == "acknowledged");
        posts
            .next()
            .map(|post| post.body.clone())
            .ok_or_else(|| "it is not yet".to_owned())
    };
    let told = until(SOON, "the acknowledgement is told", acknowledged).await;
    assert_eq!(told["alert"]["acknowledged"]["by"], "me");
    setting.disarm().await;
    receiver.wait_for("resolved", NO_SPACE, SOON).await;
}

#[tokio::test]
async fn maintenance_mutes_and_a_reload_with_an_error_changes_nothing() {
    let setting = Setting::new().await;
    let receiver = WebhookReceiver::start().await;
    let channel = format!("  channels:\n{}", hook("hook", receiver.url()));
    let window =
        "  maintenance: [{name: always, schedule: '* * * * *', duration: 2m, matchers: []}]\n";
    let daemon = setting.start(&format!("{channel}{window}")).await;
    setting.alarm().await;
    let by = muted(&daemon, NO_SPACE).await;
    assert_eq!(
        (text(&by, "by"), text(&by, "name")),
        ("maintenance", "always")
    );

    // The window is gone in this one, but so is the channel of the route: nothing of it is applied.
    let broken = format!("{channel}  route:\n    channels: [hok]\n");
    let said = setting
        .reload(&daemon, &broken, "the configuration was not applied")
        .await;
    assert!(
        said.contains("line 7 column 16: no channel is named \"hok\"; did you mean hook?"),
        "{said}"
    );
    daemon.cycles(3).await;
    muted(&daemon, NO_SPACE).await;
    assert_eq!(count(&receiver, "firing", NO_SPACE), 0);

    setting.reload(&daemon, &channel, APPLIED).await;
    receiver.wait_for("firing", NO_SPACE, SOON).await;
    // What is told as firing by one receiver is told as over to the one that takes the channel over.
    let next = WebhookReceiver::start().await;
    setting.write(&format!("  channels:\n{}", hook("hook", next.url())));
    daemon.signal(Signal::HUP);
    let applied = async || match daemon.log().text().matches(APPLIED).count() {
        2 => Ok(()),
        times => Err(format!("applied {times} times")),
    };
    until(SOON, "the second reload is applied", applied).await;
    setting.disarm().await;
    next.wait_for("resolved", NO_SPACE, SOON).await;
    assert_eq!(count(&receiver, "resolved", NO_SPACE), 0);
}

#[tokio::test]
async fn a_restart_with_an_open_alert_tells_nothing_twice_and_tells_that_it_is_over() {
    let setting = Setting::new().await;
    let receiver = WebhookReceiver::start().await;
    let channel = format!("  channels:\n{}", hook("hook", receiver.url()));
    let first = setting.start(&channel).await;
    setting.alarm().await;
    let told = receiver.wait_for("firing", NO_SPACE, SOON).await.body;
    assert_eq!(first.terminate().await.code(), Some(0));

    let second = setting.start_on(first.data_dir(), &channel).await;
    let known = firing(&second, NO_SPACE).await;
    assert_eq!(known["since"], told["alert"]["since"]);
    second.cycles(3).await;
    assert_eq!(
        count(&receiver, "firing", NO_SPACE),
        1,
        "{:#?}",
        receiver.all()
    );
    setting.disarm().await;
    let over = receiver.wait_for("resolved", NO_SPACE, SOON).await.body;
    for field in ["dedup_key", "incident_at"] {
        assert_eq!(over[field], told[field], "{field}");
    }
    resolved(&second, NO_SPACE).await;
    assert_eq!(receiver.all().len(), 2, "{:#?}", receiver.all());
}

#[tokio::test]
async fn what_was_accepted_before_a_kill_is_delivered_after_it() {
    let setting = Setting::new().await;
    let nobody = format!("  channels:\n{}", hook("hook", &deserted()));
    let first = setting.start(&nobody).await;
    setting.alarm().await;
    firing(&first, NO_SPACE).await;
    let failed = async || {
        let page = first.get("/metrics").await.text();
        let is = |line: &&str| {
            line.starts_with("etcd_monitor_notification_failed_attempts_total{channel=\"hook\"")
        };
        let failed = page
            .lines()
            .find(is)
            .is_some_and(|line| !line.ends_with(" 0"));
        if failed {
            Ok(())
        } else {
            Err("no attempt has failed yet".to_owned())
        }
    };
    until(SOON, "an attempt to deliver fails", failed).await;
    first.signal(Signal::KILL);
    first.ended(SOON).await;
    let killed_at = jiff::Timestamp::now();

    let receiver = WebhookReceiver::start().await;
    let channel = format!("  channels:\n{}", hook("hook", receiver.url()));
    let second = setting.start_on(first.data_dir(), &channel).await;
    let told = receiver.wait_for("firing", NO_SPACE, SOON).await.body;
    let decided_at: jiff::Timestamp = text(&told, "at").parse().unwrap();
    assert!(decided_at < killed_at, "it was decided before: {told:#}");
    second.cycles(2).await;
    assert_eq!(count(&receiver, "firing", NO_SPACE), 1);
}

#[tokio::test]
async fn a_sign_of_life_is_given_while_the_probes_advance_whatever_etcd_does_and_ends_with_them() {
    let (sender, mut beats) = watch::channel(0_u32);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/beat", listener.local_addr().unwrap());
    let beat = move || {
        sender.send_modify(|beats| *beats += 1);
        async {}
    };
    let serving = tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/beat", get(beat))).await
    });
    let setting = Setting::new().await;
    let daemon = setting
        .start(&format!("  heartbeat: {{url: '{url}', interval: 500ms}}\n"))
        .await;
    let mut later = async |more: u32| {
        let wanted = *beats.borrow() + more;
        let came = beats.wait_for(|beats| *beats >= wanted);
        tokio::time::timeout(SOON, came).await.unwrap().unwrap();
    };
    later(2).await;
    setting.cluster.member(0).kill().await.unwrap();
    firing(&daemon, "ClusterUnreachable").await;
    later(2).await;
    let page = daemon.get("/metrics").await.text();
    assert!(
        page.contains("etcd_monitor_heartbeats_total{result=\"sent\"}"),
        "{page}"
    );

    setting.reload(&daemon, "  holds: {}\n", APPLIED).await;
    let page = daemon.get("/metrics").await.text();
    assert!(!page.contains("etcd_monitor_heartbeats_total"), "{page}");
    serving.abort();
}

#[tokio::test]
async fn a_channel_is_tried_by_a_command_and_its_refusal_is_told() {
    let receiver = WebhookReceiver::start().await;
    let tried = run_to_end(["test-channel", "webhook", "--webhook-url", receiver.url()]).await;
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    assert_eq!(tried.stdout.lines().count(), 2, "{}", tried.stdout);
    let posts = receiver.all();
    let statuses = posts.iter().map(|post| text(&post.body, "status"));
    assert_eq!(statuses.collect::<Vec<_>>(), ["firing", "resolved"]);
    let cause = text(&posts[0].body["alert"], "cause");
    assert!(cause.contains("trial"), "{cause}");

    let nobody = deserted();
    let tried = run_to_end(["test-channel", "webhook", "--webhook-url", &nobody]).await;
    assert_eq!(tried.code, Some(1), "{}", tried.stdout);
    assert!(tried.stderr.contains("refused"), "{}", tried.stderr);
    let tried = run_to_end(["test-channel", "webhok", "--webhook-url", &nobody]).await;
    assert_eq!(tried.code, Some(2), "{}", tried.stdout);
    assert!(
        tried.stderr.contains("did you mean webhook?"),
        "{}",
        tried.stderr
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_configuration_is_checked_by_a_command_as_the_daemon_would_take_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (
        folder.path().join("etcd-monitor.yaml"),
        folder.path().join("pager.key"),
    );
    let (path, key_path) = (file.display().to_string(), key.display().to_string());
    let text = format!(
        "alerts:\n  channels:\n    pager: {{type: pagerduty, routing_key_file: {key_path}}}\n"
    );
    fs::write(&file, &text).unwrap();
    let missing = run_to_end(["check-config", &path]).await;
    assert_eq!(missing.code, Some(2), "{}", missing.stdout);
    let said = format!("{path}: line 3 column 48: routing_key_file: {key_path}");
    assert!(missing.stderr.contains(&said), "{}", missing.stderr);
    let daemon = run_to_end(["--config", &path]).await;
    assert_eq!(daemon.code, Some(2), "{}", daemon.stderr);
    assert!(daemon.stderr.contains(&said), "{}", daemon.stderr);

    fs::write(&key, "0123456789abcdef").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = run_to_end(["check-config", &path, "-w", "json"]).await;
    assert_eq!(open.code, Some(0), "{}", open.stderr);
    let summary: Value = serde_json::from_str(&open.stdout).unwrap();
    let warning = summary["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("line 3 column 48") && warning.contains("every user of this host"),
        "{warning}"
    );
    assert!(!open.stdout.contains("0123456789abcdef"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let closed = run_to_end(["check-config", &path, "-w", "simple"]).await;
    assert!(closed.stdout.contains("warnings: 0"), "{}", closed.stdout);

    let route = [
        "check-config",
        &path,
        "-w",
        "simple",
        "--route",
        "cluster=default severity=critical",
    ];
    let hear = run_to_end(route).await;
    assert_eq!(hear.stdout, "console\npager\n");
}
