//! The driver while what it is to follow changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use driving::{DOWN, Does, Running, TestChannel, policy};
use etcd_monitor_alerting::{ChannelLimits, Rule};

mod driving;
mod scenario;

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_removed_does_not_fire_by_the_rules_of_the_others() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    let mut own = policy(&["test"]);
    let patient = Rule::new("MemberDown", Duration::from_mins(10));
    own.cluster_rules.insert(scenario::cluster(), vec![patient]);
    let channels = || vec![channel.with(ChannelLimits::default())];
    running.handle.configure(own, channels());
    running.publish(&["m1"], DOWN);
    running.until(|view| !view.active.is_empty()).await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        running.publish(&["m1"], DOWN);
    }
    running.handle.configure(policy(&["test"]), channels());
    running.handle.follow([]);
    running.until(|view| view.active.is_empty()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(channel.told(), []);
    running.stop().await;
}
