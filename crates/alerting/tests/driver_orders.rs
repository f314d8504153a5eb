//! The driver while what it is to follow changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use driving::{DOWN, Does, Running, TestChannel, policy};
use etcd_monitor_alerting::{
    Acknowledgement, AlertStore, Channel, ChannelLimits, Delivery, Matcher, MemoryAlertStore,
    MutedBy, Mutes, Notification, Notifier, NotifyError, Receipt, Rule, Silence,
};
use tokio::sync::mpsc;

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

#[tokio::test(start_paused = true)]
async fn what_was_ordered_can_be_asked_for_and_mutes_hold_at_once() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    assert_eq!(view.channels[0].kind, "custom");
    assert_eq!(running.handle.channels()[0].name(), "test");
    assert_eq!(running.handle.policy(), policy(&["test"]));

    let mutes = silenced(&running);
    running.handle.set_mutes(mutes.clone());
    assert_eq!(running.handle.mutes(), mutes);
    let id = mutes.silences[0].id.clone();
    let by = Some(MutedBy::Silence(id.clone()));
    let view = running.until(|view| view.active[0].muted_by == by).await;
    let shown = serde_json::to_value(&view.active[0]).unwrap();
    assert_eq!(shown["muted_by"]["by"], "silence");
    assert_eq!(shown["muted_by"]["name"], id);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_care_is_shown_at_once() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut mutes = Mutes::default();
    let said = Acknowledgement {
        by: "me".to_owned(),
        at: running.now(),
        comment: "on it".to_owned(),
    };
    mutes
        .acknowledgements
        .insert(view.active[0].id, said.clone());
    running.handle.set_mutes(mutes);
    running
        .until(|view| view.active[0].acknowledged == Some(said.clone()))
        .await;
    running.stop().await;
}

/// A channel that works without ever giving way, until it is told to end.
struct Busy {
    begun: mpsc::UnboundedSender<()>,
    end: Mutex<std::sync::mpsc::Receiver<()>>,
}

#[async_trait]
impl Notifier for Busy {
    fn name(&self) -> &'static str {
        "busy"
    }

    async fn notify(&self, _: &Notification, _: &Delivery) -> Result<Option<Receipt>, NotifyError> {
        self.begun.send(()).unwrap();
        self.end.lock().unwrap().recv().unwrap();
        Ok(None)
    }
}

/// On a clock that runs, with a thread for the channel that blocks it.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_removed_channel_takes_at_the_last_moment_is_not_given_up() {
    let store = Arc::new(MemoryAlertStore::default());
    let other = TestChannel::new("other", Does::Take);
    let mut running = Running::start_on(&[&other], store.clone());
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (go_on, end) = std::sync::mpsc::channel();
    let busy = Channel::new(Arc::new(Busy {
        begun,
        end: Mutex::new(end),
    }));
    running.configure(vec![busy]);
    running.publish_at_once(&["m1"]);
    begins.recv().await.unwrap();
    running.configure(vec![other.with(ChannelLimits::default())]);
    running.until(|view| view.channels[0].name == "other").await;
    go_on.send(()).unwrap();
    running
        .until(|_| store.load().unwrap().waiting.is_empty())
        .await;
    let view = running.stop().await;
    assert!(view.dead_letters.is_empty(), "{:?}", view.dead_letters);
}

fn silenced(running: &Running) -> Mutes {
    let now = running.now();
    let all = vec![Matcher::parse("rule=~\".+\"").unwrap()];
    let silence = Silence::new(all, now, now + Duration::from_hours(1), "me", "x").unwrap();
    let mut mutes = Mutes::default();
    mutes.silences.push(silence);
    mutes
}
