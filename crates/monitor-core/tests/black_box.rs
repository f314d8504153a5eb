//! The black box on a real cluster: what a recording says is what was said live.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_core::{
    BlackBox, BlackBoxOptions, ClusterName, Endpoint, EtcdProbe, Incident, Monitor, MonitorOptions,
    Parameters, ProbeOptions, Recording, RecordingDamage, Recordings, Severity, Snapshot,
    SnapshotReceiver, SubjectKind, rule,
};
use etcd_monitor_testkit::Cluster;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// For anything that takes seconds, on a machine that builds at the same time.
const SOON: Duration = Duration::from_mins(1);

const INTERVAL: Duration = Duration::from_millis(500);

/// A monitor with a black box, on a real cluster.
struct Watched {
    recordings: Recordings,
    snapshots: SnapshotReceiver,
    seen: Vec<Arc<Snapshot>>,
    stop: CancellationToken,
    running: Vec<JoinHandle<()>>,
}

impl Watched {
    fn start(cluster: &Cluster, folder: &std::path::Path) -> Self {
        let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
        let mut options = ProbeOptions::new("test", vec![endpoint]);
        options.interval = INTERVAL;
        let probe = EtcdProbe::new(options).unwrap();
        let (black_box, writer) = BlackBox::open(BlackBoxOptions::new(folder));
        let mut parameters = Parameters::default();
        // Every member has a warning, so that its page is kept.
        parameters.quota_warning_share = 0.000_001;
        let mut options = MonitorOptions::default();
        options.interval = INTERVAL;
        options.recorder = Some(black_box.recorder(ClusterName::new("test"), parameters.clone()));
        options.parameters = parameters;
        let monitor = Monitor::new(probe, options);
        let stop = CancellationToken::new();
        let snapshots = monitor.subscribe();
        let running = monitor.run(stop.clone());
        Self {
            recordings: black_box.recordings(),
            snapshots,
            seen: Vec::new(),
            running: vec![
                tokio::spawn(async { drop(running.await) }),
                tokio::spawn(writer.run()),
            ],
            stop,
        }
    }

    /// Keeps every snapshot until one is as wanted.
    async fn until(&mut self, what: &str, wanted: impl Fn(&Snapshot) -> bool) {
        let found = async {
            loop {
                self.snapshots.changed().await.unwrap();
                let latest = self.snapshots.borrow_and_update().clone().unwrap();
                self.seen.push(latest.clone());
                if wanted(&latest) {
                    return;
                }
            }
        };
        timeout(SOON, found)
            .await
            .unwrap_or_else(|_| panic!("{what} within {SOON:?}"));
    }

    async fn end(self) -> Vec<Arc<Snapshot>> {
        self.stop.cancel();
        for running in self.running {
            timeout(SOON, running).await.unwrap().unwrap();
        }
        self.seen
    }
}

fn is_true(snapshot: &Snapshot, rule: &str) -> bool {
    let mut findings = snapshot.findings.iter();
    findings.any(|finding| finding.rule == rule && finding.status.is_true())
}

#[tokio::test]
async fn a_killed_member_is_frozen_and_the_replay_says_what_was_said_live() {
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::builder().members(3).start().await.unwrap();
    let mut watched = Watched::start(&cluster, folder.path());
    watched
        .until("the cluster is healthy", |seen| {
            seen.health.healthy == Some(true) && seen.members.len() == 3
        })
        .await;
    // A follower, and not the one that the monitor was given.
    let leader = cluster.leader_index().await.unwrap();
    let dead = cluster.member(if leader == 1 { 2 } else { 1 });
    dead.kill().await.unwrap();
    watched
        .until("its death is found", |seen| {
            is_true(seen, rule::MEMBER_DOWN)
        })
        .await;
    dead.restart().await.unwrap();
    watched
        .until("it is back", |seen| !is_true(seen, rule::MEMBER_DOWN))
        .await;
    let recordings = watched.recordings.clone();
    let live = watched.end().await;

    let status = recordings.status();
    let info = &status.recordings[0];
    assert_eq!((status.lost_records, status.lost_blocks), (0, 0));
    let recording = Recording::load(&recordings.path(&info.name).unwrap()).unwrap();
    assert_eq!(recording.damage(), RecordingDamage::default());
    // Reads may have failed for a moment, before or after.
    let died = |incident: &&Incident| incident.finding.rule == rule::MEMBER_DOWN;
    let incident = recording.incidents().find(died).unwrap();
    let replayed: Vec<Snapshot> = recording.replay().collect();
    for said in &live {
        let again = &replayed[usize::try_from(said.cycle).unwrap() - 1];
        assert_eq!(again, said.as_ref());
    }
    let pages: Vec<_> = recording.pages().collect();
    assert!(
        (3..=8).contains(&pages.len()),
        "of each at the beginning, and of the dead one when it is back: {}",
        pages.len()
    );
    assert!(pages.iter().all(|page| page.text.contains("etcd_")));
    let timeline = recording.timeline();
    let episode = timeline
        .iter()
        .find(|episode| episode.rule == rule::MEMBER_DOWN)
        .unwrap();
    assert_eq!(episode.subject.kind, SubjectKind::Member);
    assert_eq!(episode.subject.name, dead.name());
    assert_eq!(episode.severity, Severity::Critical);
    assert_eq!(episode.began_at, incident.at);
    assert!(episode.ended_at.is_some_and(|end| end > episode.began_at));
}
