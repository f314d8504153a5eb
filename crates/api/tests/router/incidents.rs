//! Incidents, as a client reads them: from alerts that real snapshots made.

use super::*;
use etcd_monitor_alerting::AlertsView;
use etcd_monitor_core::{BlackBox, BlackBoxOptions, Parameters};
use etcd_monitor_model::{AlertType, Finding, FindingStatus, Observation, Severity, Subject, rule};

type Snapshots = watch::Sender<Option<Arc<Snapshot>>>;

/// A server whose alerting is at work.
struct Told {
    server: Server,
    source: Source,
    clusters: [(ClusterName, Snapshots); 2],
    alerts: watch::Receiver<Arc<AlertsView>>,
}

impl Told {
    fn start() -> Self {
        let server = Server::two();
        let clusters = ["c", "d"].map(|name| (ClusterName::new(name), watch::Sender::new(None)));
        let followed = clusters.each_ref();
        let followed = followed.map(|(name, snapshots)| (name.clone(), snapshots.subscribe()));
        let mut options = alerting();
        options.snapshots = followed.to_vec();
        let (alerting, alerts) = Alerting::new(options, server.stop.clone());
        tokio::spawn(alerting.run());
        let source = Source::new(
            followed.to_vec(),
            alerts.clone(),
            BuildInfo::default(),
            Duration::from_secs(5),
            server.stop.clone(),
        );
        Self {
            server,
            source,
            clusters,
            alerts: alerts.subscribe(),
        }
    }

    /// The next cycle of a cluster finds these rules true; waits until so many events have happened in all.
    async fn cycle(&mut self, cluster: &str, rules: &[&str], events: usize) -> Snapshot {
        let mut clusters = self.clusters.iter();
        let (name, snapshots) = clusters.find(|(name, _)| name.as_str() == cluster).unwrap();
        let before = snapshots.borrow().as_ref().map_or(0, |it| it.cycle);
        let mut next = snapshot(cluster);
        next.cycle = before + 1;
        next.interval_seconds = 5.0;
        for rule in [rule::ALARM_NO_SPACE, rule::SPLIT_BRAIN] {
            let mut finding = finding(name, rule, next.at);
            if rules.contains(&rule) {
                finding.status = FindingStatus::True;
                finding.cause = format!("{rule} in cycle {}", next.cycle);
            }
            next.findings.push(finding);
        }
        snapshots.send_replace(Some(Arc::new(next.clone())));
        let all_there = |view: &Arc<AlertsView>| view.history.len() == events;
        self.alerts.wait_for(all_there).await.unwrap();
        next
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.server.answer_from(&self.source, request(path)).await
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        serde_json::from_str(&text(response).await).unwrap()
    }
}

fn finding(cluster: &ClusterName, rule: &str, since: Timestamp) -> Finding {
    let subject = Subject::cluster(cluster);
    let critical = Severity::Critical;
    Finding::new(rule, AlertType::Capacity, critical, cluster, subject, since)
}

const INCIDENTS: &str = "/api/v1/incidents";

#[tokio::test]
async fn alerts_that_belong_together_are_one_incident_with_their_events() {
    let mut told = Told::start();
    told.cycle("c", &[], 0).await;
    assert_eq!(
        told.json(INCIDENTS).await,
        serde_json::json!({"incidents": [], "next": null})
    );
    told.cycle("c", &[rule::ALARM_NO_SPACE], 1).await;
    let began = told.json(INCIDENTS).await;
    let began = &began["incidents"][0];
    assert_eq!(
        (&began["cluster"], &began["worst"], &began["ended_at"]),
        (&"c".into(), &"critical".into(), &Value::Null)
    );
    assert_eq!(began["sentence"], "AlarmNoSpace in cycle 2");
    assert_eq!(began["recording"], Value::Null);

    told.cycle("c", &[rule::ALARM_NO_SPACE, rule::SPLIT_BRAIN], 2)
        .await;
    told.cycle("c", &[], 4).await;
    let path = format!("{INCIDENTS}/{}", began["id"].as_str().unwrap());
    let over = told.json(&path).await;
    for same in ["id", "cluster", "began_at", "worst"] {
        assert_eq!(over[same], began[same], "{same}");
    }
    let history = told.json("/api/v1/alerts/history").await;
    assert_eq!(over["events"], history["history"]);
    assert_eq!(over["ended_at"], over["events"][3]["at"]);
    let alerts = [0, 1].map(|event| &over["events"][event]["alert"]["id"]);
    assert_eq!(over["alerts"], serde_json::json!(alerts));
}

#[tokio::test]
async fn the_list_comes_in_pages_of_one_cluster_or_of_all() {
    let mut told = Told::start();
    told.cycle("c", &[rule::ALARM_NO_SPACE], 1).await;
    told.cycle("d", &[rule::ALARM_NO_SPACE], 2).await;
    let newest = told.json(&format!("{INCIDENTS}?limit=1")).await;
    assert_eq!(newest["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(newest["incidents"][0]["cluster"], "d");
    let next = newest["next"].as_str().unwrap();
    let older = told
        .json(&format!("{INCIDENTS}?limit=1&before={next}"))
        .await;
    assert_eq!(older["incidents"][0]["cluster"], "c");
    assert_eq!(older["next"], Value::Null);
    let all = told.json(INCIDENTS).await;
    let pages = [&older["incidents"][0], &newest["incidents"][0]];
    assert_eq!(all["incidents"], serde_json::json!(pages));
    let of_one = told.json(&format!("{INCIDENTS}?cluster=c")).await;
    assert_eq!(of_one["incidents"], older["incidents"]);
}

/// The name of the only recording, and what the incident of the cluster `c` says it is: the black box of this cluster froze
/// so long before the alert fired.
async fn recorded(cluster: &str, earlier: jiff::Span) -> (String, Value) {
    let mut told = Told::start();
    let folder = tempfile::tempdir().unwrap();
    let (black_box, writer) = BlackBox::open(BlackBoxOptions::new(folder.path()));
    let recordings = black_box.recordings();
    told.source = told.source.with_recordings(recordings.clone());
    let calm = told.cycle(cluster, &[], 0).await;
    let full = told.cycle("c", &[rule::ALARM_NO_SPACE], 1).await;
    let mut frozen = full.clone();
    frozen.cluster = calm.cluster.clone();
    frozen.at -= earlier;
    freeze(&black_box, &calm, &frozen);
    drop(black_box);
    writer.run().await;
    let [recording] = recordings.status().recordings.try_into().unwrap();
    let all = told.json(INCIDENTS).await;
    (recording.name, all["incidents"][0]["recording"].clone())
}

#[tokio::test]
async fn the_recording_that_was_frozen_in_it_or_shortly_before_belongs_to_it() {
    for (cluster, earlier, belongs) in [
        ("c", 0.seconds(), true),
        ("c", 4.minutes(), true),
        ("c", 6.minutes(), false),
        ("d", 0.seconds(), false),
    ] {
        let (name, told) = recorded(cluster, earlier).await;
        let expected = belongs.then_some(name.as_str());
        assert_eq!(told.as_str(), expected, "{cluster}, {earlier} before");
    }
}

/// Has the black box freeze what the second cycle found.
fn freeze(black_box: &BlackBox, calm: &Snapshot, ill: &Snapshot) {
    let mut recorder = black_box.recorder(ill.cluster.clone(), Parameters::default());
    for snapshot in [calm, ill] {
        recorder.record(&observation(snapshot), &[], snapshot);
    }
}

fn observation(snapshot: &Snapshot) -> Observation {
    Observation {
        cluster: snapshot.cluster.clone(),
        cycle: snapshot.cycle,
        started_at: snapshot.at,
        ended_at: snapshot.at,
        interval_seconds: snapshot.interval_seconds,
        monitor: snapshot.monitor,
        members: Vec::new(),
        own_certificates: None,
        canary: None,
        hashes: None,
    }
}

#[tokio::test]
async fn what_is_no_incident_and_no_page_is_said() {
    let told = Told::start();
    for unknown in ["x", "00000000000000ff", "%2e%2e%2flock"] {
        let response = told.get(&format!("{INCIDENTS}/{unknown}")).await;
        assert_problem(response, StatusCode::NOT_FOUND, "incident_unknown").await;
    }
    for wrong in ["limit=0", "before=x", "before=x_y", "since=1"] {
        let response = told.get(&format!("{INCIDENTS}?{wrong}")).await;
        assert_problem(response, StatusCode::BAD_REQUEST, "bad_query").await;
    }
    let response = told.get(&format!("{INCIDENTS}?cluster=x")).await;
    assert_problem(response, StatusCode::NOT_FOUND, "cluster_unknown").await;
}
