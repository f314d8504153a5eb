//! What the console channel writes.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_monitor_alerting::{
    ConsoleNotifier, ConsoleOptions, Delivery, Notification, NotificationKind, Notifier,
    NotifyError,
};
use etcd_monitor_model::Severity;

use crate::fixture::{at, fired, links, not_durable};

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn shown_with(
    options: ConsoleOptions,
    notification: &Notification,
    delivery: &Delivery,
) -> String {
    let screen = Screen::default();
    let console = ConsoleNotifier::new(screen.clone(), options);
    let receipt = console.notify(notification, delivery).await.unwrap();
    assert_eq!(receipt, None);
    let bytes = screen.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

async fn shown(notification: &Notification) -> String {
    shown_with(
        ConsoleOptions::default(),
        notification,
        &Delivery::default(),
    )
    .await
}

#[tokio::test]
async fn a_block_says_the_cause_the_evidence_what_to_do_and_since_when() {
    let told = fired(&["m1"], Severity::Warning);
    let id = told.firing[0].id;
    let expected = format!(
        "[FIRING warning] MemberDown: m1 refuses connections\n  \
         cluster: prod, member: m1 (6d31)\n  \
         seen: Status: connection refused (at 2026-01-02T00:00:00Z)\n  \
         do: start etcd on m1\n  \
         since 2026-01-02T00:00:00Z, alert {id}\n"
    );
    assert_eq!(shown(&told).await, expected);
    let expected = format!(
        "[RESOLVED] MemberDown: m1 refuses connections\n  \
         cluster: prod, member: m1 (6d31)\n  \
         cleared; it lasted 1 min 40 s, from 2026-01-02T00:00:00Z to 2026-01-02T00:01:40Z, alert {id}\n"
    );
    assert_eq!(shown(&told.over(at(100))).await, expected);
}

#[tokio::test]
async fn a_group_is_told_with_counts_the_worst_first_and_what_is_over() {
    let mut told = fired(&["m1", "m2"], Severity::Critical);
    told.kind = NotificationKind::Updated;
    told.firing_count = 10_000;
    told.firing[1].flapping = true;
    told.resolved = fired(&["m9"], Severity::Warning).over(at(75)).resolved;
    told.resolved_count = 5;
    let mut options = ConsoleOptions::default();
    options.links = links();
    let shown = shown_with(options, &told, &not_durable()).await;
    for line in [
        "[FIRING, now critical] 10000 firing, 5 over, MemberDown in prod; the worst: MemberDown: m1 refuses connections\n",
        "\n  note: not stored on disk",
        "\n  also: [critical] MemberDown: m2 refuses connections (cluster: prod, member: m2 (6d32), since 2026-01-02T00:00:00Z); flapping",
        "\n  and 9998 more that fire\n",
        "\n  over: MemberDown: m9 refuses connections (cluster: prod, member: m9 (6d39), cleared after 1 min 15 s)\n",
        "\n  and 4 more that are over\n",
        "\n  see: https://ops.example/etcd/?cluster=prod#member-6d31\n",
    ] {
        assert!(shown.contains(line), "{line:?} in {shown}");
    }
    assert!(!shown.contains("\n\n"), "{shown}");
}

#[tokio::test]
async fn a_member_cannot_steer_the_terminal_by_its_name() {
    let told = fired(&["\x1b[2J\r\nx\u{9b}"], Severity::Warning);
    let shown = shown(&told).await;
    let controls = shown.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(controls.count(), 0, "{shown:?}");
    assert_eq!(shown.lines().count(), 5, "{shown:?}");
}

#[tokio::test]
async fn colour_is_on_the_first_line_alone() {
    let told = fired(&["m1"], Severity::Critical);
    let mut options = ConsoleOptions::default();
    options.colour = true;
    let shown = shown_with(options, &told, &Delivery::default()).await;
    let (head, rest) = shown.split_once('\n').unwrap();
    assert!(
        head.starts_with("\x1b[1;31m[FIRING") && head.ends_with("\x1b[0m"),
        "{head:?}"
    );
    assert!(!rest.contains('\x1b'), "{rest:?}");
}

#[tokio::test]
async fn a_closed_console_is_an_error_not_a_panic() {
    let console = ConsoleNotifier::new(Closed, ConsoleOptions::default());
    let told = fired(&["m1"], Severity::Warning);
    let error = console.notify(&told, &Delivery::default()).await;
    assert!(
        matches!(error, Err(NotifyError::Unavailable { .. })),
        "{error:?}"
    );
}

/// A reader that pauses: a write ends when it is let go.
struct Paused {
    screen: Screen,
    go_on: Arc<Mutex<Receiver<()>>>,
}

impl Write for Paused {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.go_on.lock().unwrap().recv().unwrap();
        self.screen.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_pauses_gets_each_block_once() {
    let (let_go, go_on) = channel();
    let screen = Screen::default();
    let paused = Paused {
        screen: screen.clone(),
        go_on: Arc::new(Mutex::new(go_on)),
    };
    let console = ConsoleNotifier::new(paused, ConsoleOptions::default());
    let told = fired(&["m1"], Severity::Warning);
    let delivery = Delivery::default();
    for _ in 0..3 {
        let attempt = console.notify(&told, &delivery);
        let given_up = tokio::time::timeout(Duration::from_millis(50), attempt).await;
        assert!(given_up.is_err());
    }
    let_go.send(()).unwrap();
    console.notify(&told, &delivery).await.unwrap();
    let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    assert_eq!(shown.matches("[FIRING").count(), 1, "{shown}");
}
