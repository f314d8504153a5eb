//! What the console channel writes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use etcd_monitor_alerting::{ConsoleNotifier, Notification, Notifier, NotifyError};
use etcd_monitor_model::Severity;
use scenario::{Says, World};

mod scenario;

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

/// The notifications of a member that goes down at 0, gets critical at 20 and is back at 100.
fn notifications(member: &str) -> Vec<Notification> {
    let mut world = World::new();
    for (until, says) in [
        (20, Says::True(Severity::Warning)),
        (100, Says::True(Severity::Critical)),
        (110, Says::False),
    ] {
        world.members.insert(member.to_owned(), says);
        world.run_until(until);
    }
    world.told.into_iter().map(|(_, told)| told).collect()
}

async fn shown(notification: &Notification, colour: bool) -> String {
    let screen = Screen::default();
    let console = ConsoleNotifier::new(screen.clone()).with_colour(colour);
    console.notify(notification).await.unwrap();
    let bytes = screen.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_block_says_the_cause_the_evidence_what_to_do_and_since_when() {
    let told = notifications("m1");
    let id = told[0].alert.id;
    let fired = format!(
        "[FIRING warning] MemberDown: m1 refuses connections\n  \
         cluster: prod, member: m1 (6d31)\n  \
         seen: Status: connection refused (at 2026-01-02T00:00:05Z)\n  \
         do: start etcd on m1\n  \
         since 2026-01-02T00:00:00Z, alert {id}\n"
    );
    assert_eq!(shown(&told[0], false).await, fired);
    let raised = shown(&told[1], false).await;
    assert!(
        raised.starts_with("[FIRING, now critical] MemberDown: m1"),
        "{raised}"
    );
    let resolved = format!(
        "[RESOLVED] MemberDown: m1 refuses connections\n  \
         cluster: prod, member: m1 (6d31)\n  \
         cleared; it lasted from 2026-01-02T00:00:00Z to 2026-01-02T00:01:40Z, alert {id}\n"
    );
    assert_eq!(shown(&told[2], false).await, resolved);
}

#[tokio::test]
async fn a_member_cannot_steer_the_terminal_by_its_name() {
    let told = notifications("\x1b[2J\r\nx\u{9b}");
    let shown = shown(&told[0], false).await;
    let controls = shown.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(controls.count(), 0, "{shown:?}");
    assert_eq!(shown.lines().count(), 5, "{shown:?}");
}

#[tokio::test]
async fn colour_is_on_the_first_line_alone() {
    let told = notifications("m1");
    let shown = shown(&told[1], true).await;
    let (head, rest) = shown.split_once('\n').unwrap();
    assert!(
        head.starts_with("\x1b[1;31m[FIRING") && head.ends_with("\x1b[0m"),
        "{head:?}"
    );
    assert!(!rest.contains('\x1b'), "{rest:?}");
}

#[tokio::test]
async fn a_closed_console_is_an_error_not_a_panic() {
    let told = notifications("m1");
    let error = ConsoleNotifier::new(Closed).notify(&told[0]).await;
    assert!(
        matches!(error, Err(NotifyError::Unavailable { .. })),
        "{error:?}"
    );
}
