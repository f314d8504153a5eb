//! The daemon's own end.

use std::time::{Duration, Instant};

use etcd_monitor_tests::harness::{Daemon, Events};
use rustix::process::Signal;

use crate::SOON;
use crate::shared::shared;

/// A supervisor's patience: a promise to users.
const PROMISED: Duration = Duration::from_secs(5);

async fn assert_ends_on(signal: Signal) {
    let endpoint = shared().cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint]).await;
    let (mut first, mut second) = tokio::join!(Events::open(&daemon), Events::open(&daemon));
    first.next_of("snapshot", SOON).await;
    second.next_of("snapshot", SOON).await;

    let asked_at = Instant::now();
    daemon.signal(signal);
    for events in [&mut first, &mut second] {
        while events.next(PROMISED).await.is_some() {}
    }
    let status = daemon.ended(PROMISED).await;
    assert!(
        asked_at.elapsed() <= PROMISED,
        "it took {:?}",
        asked_at.elapsed()
    );
    assert_eq!(status.code(), Some(0), "{}", daemon.log().text());
}

#[tokio::test]
async fn sigterm_ends_live_events_and_the_daemon_with_0_within_5_s() {
    assert_ends_on(Signal::TERM).await;
}

#[tokio::test]
async fn ctrl_c_ends_it_as_well() {
    assert_ends_on(Signal::INT).await;
}
