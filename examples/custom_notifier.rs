//! A channel of your own, fed with snapshots of your own: a cluster runs out of space, and recovers.
//!
//! `cargo run -p etcd-monitor-examples --bin custom_notifier`
#![expect(clippy::print_stdout, reason = "an example shows what it is told")]

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use etcd_monitor_alerting::{
    AlertPolicy, Alerting, AlertingOptions, Channel, Delivery, Notification, Notifier, NotifyError,
    Receipt,
};
use etcd_monitor_model::{
    AlertType, ClusterName, Finding, FindingStatus, MonitorCondition, Severity, Snapshot, Subject,
};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Prints each notification in a line, and counts it.
struct Lines(mpsc::Sender<()>);

#[async_trait]
impl Notifier for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    async fn notify(
        &self,
        told: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let cause = told.worst().map_or("", |alert| &alert.cause);
        println!(
            "{} (attempt {}): {cause}",
            told.kind.as_str(),
            delivery.attempt
        );
        // An error here would be an attempt that failed: `Unavailable` comes again, `Rejected` does not.
        let _ = self.0.send(()).await;
        Ok(None)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (counter, mut told) = mpsc::channel(1);
    let channel = Channel::new(Arc::new(Lines(counter)));
    let policy = AlertPolicy::to_channels([channel.name()]);
    let (snapshots, receiver) = watch::channel(None);
    let mut options = AlertingOptions::new(policy, vec![channel]);
    options.snapshots.push((ClusterName::new("prod"), receiver));
    let stop = CancellationToken::new();
    let (alerting, alerts) = Alerting::new(options, stop.clone());
    let running = tokio::spawn(alerting.run());
    for (cycle, status) in [(1, FindingStatus::True), (2, FindingStatus::False)] {
        // In a daemon they come from a `Monitor`, see the example `embed_monitor`.
        snapshots.send_replace(Some(Arc::new(snapshot(cycle, status))));
        told.recv().await;
    }
    stop.cancel();
    running.await??;
    println!("{} events in the history", alerts.latest().history.len());
    Ok(())
}

/// A cluster with one finding.
fn snapshot(cycle: u64, status: FindingStatus) -> Snapshot {
    let (cluster, now) = (ClusterName::new("prod"), Timestamp::now());
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let mut snapshot = Snapshot::empty(cluster.clone(), now, monitor);
    (snapshot.cycle, snapshot.interval_seconds) = (cycle, 5.0);
    let subject = Subject::cluster(&cluster);
    let (area, severity) = (AlertType::Capacity, Severity::Critical);
    let mut finding = Finding::new("AlarmNoSpace", area, severity, &cluster, subject, now);
    finding.status = status;
    "The cluster refuses writes: its space is used up".clone_into(&mut finding.cause);
    snapshot.findings.push(finding);
    snapshot
}
