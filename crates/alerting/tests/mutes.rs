//! What people mute in the file beside the daemon reaches alerting while it runs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use driving::{Does, TestChannel, policy};
use etcd_monitor_alerting::{
    Alerting, AlertingOptions, AlertsHandle, AlertsView, ChannelLimits, Matcher, MuteFile,
    MuteWatch, MutedBy, Silence,
};
use etcd_monitor_model::Severity;
use jiff::Timestamp;
use scenario::{Says, cluster, empty_snapshot, finding_of};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

mod driving;
mod scenario;

const SOON: Duration = Duration::from_secs(20);

async fn until(
    handle: &AlertsHandle,
    what: impl FnMut(&Arc<AlertsView>) -> bool,
) -> Arc<AlertsView> {
    let mut views = handle.subscribe();
    let seen = tokio::time::timeout(SOON, views.wait_for(what)).await;
    Arc::clone(&seen.expect("the view never said so").unwrap())
}

fn silence() -> Silence {
    let now = Timestamp::now();
    let matchers = vec![Matcher::parse("rule=MemberNotStarted").unwrap()];
    let end = now + Duration::from_hours(1);
    Silence::new(matchers, now, end, "ana", "planned").unwrap()
}

#[tokio::test]
async fn a_silence_from_another_process_holds_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = MuteFile::new(folder.path());
    let channel = TestChannel::new("test", Does::Take);
    let (snapshots, receiver) = watch::channel(None);
    let cancel = CancellationToken::new();
    let limits = ChannelLimits::default();
    let mut options = AlertingOptions::new(policy(&["test"]), vec![channel.with(limits)]);
    options.snapshots = vec![(cluster(), receiver)];
    let (alerting, handle) = Alerting::new(options, cancel.clone());
    let running = tokio::spawn(alerting.run());
    let watching = tokio::spawn(MuteWatch::new(file.clone(), handle.clone()).run());

    let silence = silence();
    file.add_silence(silence.clone(), Timestamp::now()).unwrap();
    let now = Timestamp::now();
    let mut snapshot = empty_snapshot(1, now);
    let says = Says::True(Severity::Warning);
    let down = finding_of("MemberNotStarted", "m1", says, now);
    snapshot.findings.extend(down);
    // It may fire before the file is looked at; then it is told, and muted from then on.
    snapshots.send_replace(Some(Arc::new(snapshot.clone())));
    let muted = Some(MutedBy::Silence(silence.id.clone()));
    until(&handle, |view| {
        view.active.iter().any(|alert| alert.muted_by == muted)
    })
    .await;

    file.expire_silence(&silence.id, Timestamp::now()).unwrap();
    until(&handle, |view| {
        view.active.iter().all(|alert| alert.muted_by.is_none())
    })
    .await;
    until(&handle, |view| view.channels[0].delivered == 1).await;
    watching.abort();
    cancel.cancel();
    running.await.unwrap().unwrap();
}
