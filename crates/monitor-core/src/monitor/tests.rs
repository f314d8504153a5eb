//! The loop around `assess`, on recorded observations and paused time.

use etcd_monitor_model::{ClusterName, ListedMember, MonitorCondition};
use jiff::Timestamp;

use super::*;
use crate::RecordedProbe;

fn recorded(cycle: u64, lag_seconds: f64) -> Observation {
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    Observation {
        cluster: ClusterName::new("test"),
        cycle,
        started_at: at,
        ended_at: at,
        interval_seconds: 5.0,
        monitor: MonitorCondition {
            timer_lag_seconds: lag_seconds,
            deadline_seconds: 2.0,
        },
        members: Vec::new(),
        own_certificates: None,
        canary: None,
        hashes: None,
    }
}

#[tokio::test(start_paused = true)]
async fn every_observation_is_published_in_order_an_interval_apart() {
    let probe = RecordedProbe::new((1..=3).map(|cycle| recorded(cycle, 0.0)));
    let monitor = Monitor::new(probe, MonitorOptions::default());
    let mut snapshots = monitor.subscribe();
    assert!(
        snapshots.borrow().is_none(),
        "nothing is known before the first cycle"
    );
    let stop = CancellationToken::new();
    let running = tokio::spawn(monitor.run(stop.clone()));
    let began = Instant::now();
    for cycle in 1..=3 {
        snapshots.changed().await.unwrap();
        assert_eq!(snapshots.borrow().as_ref().unwrap().cycle, cycle);
        assert_eq!(began.elapsed().as_secs(), 5 * (cycle - 1));
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_state_is_saved_at_the_end_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = StateFile::new(folder.path().join("state"));
    let options = MonitorOptions {
        state_file: Some(file.clone()),
        ..MonitorOptions::default()
    };
    let monitor = Monitor::new(RecordedProbe::new([recorded(1, 9.0)]), options);
    let mut snapshots = monitor.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(monitor.run(stop.clone()));
    snapshots.changed().await.unwrap();
    assert!(
        file.load().await.unwrap().is_none(),
        "a flush is not due yet"
    );
    stop.cancel();
    running.await.unwrap();
    let mut before = AssessState::default();
    assess(&mut before, &recorded(1, 9.0), &Parameters::default());
    assert_eq!(file.load().await.unwrap(), Some(before));
}

#[tokio::test(start_paused = true)]
async fn the_state_is_saved_at_each_flush() {
    let folder = tempfile::tempdir().unwrap();
    let file = StateFile::new(folder.path().join("state"));
    let options = MonitorOptions {
        state_file: Some(file.clone()),
        flush_interval: Duration::ZERO,
        ..MonitorOptions::default()
    };
    let probe = RecordedProbe::new([recorded(1, 0.0), recorded(2, 0.0)]);
    let monitor = Monitor::new(probe, options);
    let mut snapshots = monitor.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(monitor.run(stop.clone()));
    while snapshots
        .borrow_and_update()
        .as_ref()
        .is_none_or(|seen| seen.cycle < 2)
    {
        snapshots.changed().await.unwrap();
    }
    assert!(
        file.load().await.unwrap().is_some(),
        "the first cycle's state is on disk"
    );
    stop.cancel();
    running.await.unwrap();
}

/// Never ends a cycle, and notes which members it was told of.
#[derive(Debug)]
struct Deaf(Arc<std::sync::Mutex<usize>>);

impl ClusterProbe for Deaf {
    async fn observe(&mut self, _cycle: u64, _start_lag: Duration) -> Observation {
        std::future::pending().await
    }

    fn expect_members(&mut self, members: &[ListedMember]) {
        *self.0.lock().unwrap() = members.len();
    }
}

#[tokio::test]
async fn a_restored_state_tells_the_probe_whom_to_expect() {
    let state = serde_json::json!({"agreed": [{"id": "1f", "name": "n1", "client_urls": [],
        "peer_urls": [], "is_learner": false}]});
    let told = Arc::new(std::sync::Mutex::new(0));
    let monitor = Monitor::new(Deaf(told.clone()), MonitorOptions::default());
    drop(monitor.with_state(serde_json::from_value(state).unwrap()));
    assert_eq!(*told.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_abandons_a_cycle_that_hangs() {
    let monitor = Monitor::new(Deaf(Arc::default()), MonitorOptions::default());
    let stop = CancellationToken::new();
    let running = tokio::spawn(monitor.run(stop.clone()));
    tokio::task::yield_now().await;
    stop.cancel();
    running.await.unwrap();
}
