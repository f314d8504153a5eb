//! The radar on paused time, and on real members with certificates that are right and wrong.

use std::time::SystemTime;

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy};
use etcd_monitor_client::{ClientOptions, TlsOptions};
use etcd_monitor_model::{FindingStatus, Severity, Snapshot, rule};
use etcd_monitor_testkit::{CertificatePem, Cluster, TlsMode};

use super::*;
use crate::{AssessState, ClusterProbe, EtcdProbe, Parameters, ProbeOptions, assess};

const EVERY: Duration = Duration::from_mins(10);
const DAY: Duration = Duration::from_hours(24);

fn member(id: u64) -> MemberEntry {
    MemberEntry {
        id,
        name: format!("n{id}"),
        client_urls: vec![format!("https://10.0.0.{id}:2379")],
        peer_urls: vec![format!("https://10.0.0.{id}:2380")],
        is_learner: false,
    }
}

fn targets(members: &[MemberEntry]) -> Vec<Target> {
    let policy = DiscoveryPolicy {
        enabled: true,
        has_credentials: false,
        verified_tls: false,
    };
    let mut discovery = Discovery::new(Vec::new(), policy);
    discovery.listed(members);
    discovery.targets()
}

/// Names whose ports are due, and notes them as looked at.
fn looked(radar: &mut TrustRadar, targets: &[Target]) -> Vec<String> {
    let due = radar.due(targets, Instant::now());
    let names = due.iter().map(|look| look.target.clone()).collect();
    let reports = due.into_iter().map(|look| (look, TrustReport::default()));
    let mut seen: Vec<MemberObservation> = targets.iter().map(observed).collect();
    radar.attach(&mut seen, reports.collect(), Instant::now());
    names
}

fn observed(target: &Target) -> MemberObservation {
    super::super::member::unasked(key(target), target)
}

#[tokio::test(start_paused = true)]
async fn all_are_looked_at_first_then_one_in_a_cycle_every_ten_minutes() {
    let members = [member(1), member(2), member(3)];
    let targets = targets(&members);
    let mut radar = TrustRadar::new(EVERY, true);
    radar.listed(&members);
    assert_eq!(looked(&mut radar, &targets).len(), 3);
    tokio::time::advance(EVERY.checked_sub(Duration::from_secs(1)).unwrap()).await;
    assert_eq!(looked(&mut radar, &targets).len(), 0);
    tokio::time::advance(Duration::from_secs(1)).await;
    let mut one_each: Vec<String> = (0..3).flat_map(|_| looked(&mut radar, &targets)).collect();
    one_each.sort();
    assert_eq!(
        one_each,
        [
            "https://10.0.0.1:2379",
            "https://10.0.0.2:2379",
            "https://10.0.0.3:2379"
        ]
    );
    assert_eq!(looked(&mut radar, &targets).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn new_urls_are_looked_at_at_once() {
    let mut members = [member(1)];
    let before = targets(&members);
    let mut radar = TrustRadar::new(EVERY, true);
    radar.listed(&members);
    looked(&mut radar, &before);
    members[0].peer_urls = vec!["https://10.0.0.9:2380".to_owned()];
    radar.listed(&members);
    assert_eq!(looked(&mut radar, &before).len(), 1);
    assert_eq!(looked(&mut radar, &before).len(), 0);
}

#[test]
fn without_discovery_only_the_configured_endpoint_is_contacted() {
    let members = [member(1)];
    let mut radar = TrustRadar::new(EVERY, false);
    radar.listed(&members);
    let due = radar.due(&targets(&members), Instant::now());
    let urls: Vec<String> = due.iter().flat_map(Look::urls).collect();
    assert_eq!(urls, ["https://10.0.0.1:2379"]);
}

/// Watches a cluster with a certificate of its own, looking at certificates in each cycle.
struct Watcher {
    probe: EtcdProbe,
    state: AssessState,
    cycle: u64,
}

impl Watcher {
    fn of(cluster: &Cluster) -> Self {
        let endpoint = Endpoint::parse(cluster.member(0).client_url(), true).unwrap();
        let mut options = ProbeOptions::new("test", vec![endpoint]);
        let tls = TlsOptions::new()
            .with_ca_file(cluster.ca_file().unwrap())
            .with_client_certificate(
                cluster.client_cert_file().unwrap(),
                cluster.client_key_file().unwrap(),
            );
        options.client = ClientOptions::new().with_tls(tls);
        options.trust_interval = Duration::ZERO;
        Self {
            probe: EtcdProbe::new(options).unwrap(),
            state: AssessState::default(),
            cycle: 0,
        }
    }

    async fn see(&mut self) -> Snapshot {
        self.cycle += 1;
        let observation = self.probe.observe(self.cycle, Duration::ZERO).await;
        assess(&mut self.state, &observation, &Parameters::default())
    }
}

fn statuses(snapshot: &Snapshot, rule: &str) -> Vec<String> {
    let findings = snapshot.findings.iter().filter(|found| found.rule == rule);
    findings
        .map(|found| match &found.status {
            FindingStatus::Unknown { unknown_reason, .. } => unknown_reason.clone(),
            status => status.as_str().to_owned(),
        })
        .collect()
}

fn cause(snapshot: &Snapshot, rule: &str, severity: Severity) -> String {
    let found = snapshot
        .findings
        .iter()
        .find(|found| found.rule == rule && found.status.is_true());
    let found = found.unwrap_or_else(|| panic!("{rule} is {:?}", statuses(snapshot, rule)));
    assert_eq!(found.severity, severity, "{found:?}");
    found.cause.clone()
}

fn show(cluster: &Cluster, certificate: &CertificatePem) {
    cluster.replace_server_certificate(certificate).unwrap();
}

#[tokio::test]
async fn the_ports_of_real_members_are_judged_by_what_they_show() {
    let cluster = Cluster::builder()
        .members(1)
        .tls(TlsMode::Mutual)
        .start()
        .await
        .unwrap();
    let authority = cluster.authority().unwrap();
    let host = cluster
        .member(0)
        .client_url()
        .trim_start_matches("https://");
    let host = host.rsplit_once(':').unwrap().0;
    let names = [host, "127.0.0.1", "localhost"];
    let mut watcher = Watcher::of(&cluster);

    let well = watcher.see().await;
    for rule in [
        rule::CERTIFICATE_EXPIRING,
        rule::CERTIFICATE_NOT_COVERING,
        rule::PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH,
        rule::CERTIFICATE_ISSUERS_DIFFER,
    ] {
        let statuses = statuses(&well, rule);
        assert!(
            statuses.iter().all(|status| status == "false"),
            "{rule}: {statuses:?}"
        );
    }
    assert_eq!(well.cost.handshakes, 2, "client and peer port");
    let trust = &well.members[0].trust;
    assert!(trust.certificates_end_at.is_some());
    assert!(trust.clock.unwrap().offset_seconds.abs() < 1.0, "{trust:?}");

    let now = SystemTime::now();
    let ending = authority.issue_valid("etcd", &names, now - 99 * DAY..now + 3 * DAY);
    show(&cluster, &ending.unwrap());
    let said = cause(
        &watcher.see().await,
        rule::CERTIFICATE_EXPIRING,
        Severity::Warning,
    );
    assert!(said.contains("client port of m0 ends in 2 d"), "{said}");

    show(
        &cluster,
        &authority.issue("etcd", &["other.example"]).unwrap(),
    );
    let said = cause(
        &watcher.see().await,
        rule::CERTIFICATE_NOT_COVERING,
        Severity::Warning,
    );
    assert!(said.contains("it names other.example"), "{said}");

    show(
        &cluster,
        &authority.issue_for_servers("etcd", &names).unwrap(),
    );
    let rule = rule::PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH;
    let said = cause(&watcher.see().await, rule, Severity::Warning);
    assert!(said.contains("peer certificate of m0"), "{said}");
}

#[tokio::test]
async fn a_handshake_that_fails_by_an_expired_certificate_is_explained_by_it() {
    let cluster = Cluster::builder()
        .members(1)
        .tls(TlsMode::ServerOnly)
        .start()
        .await
        .unwrap();
    let expired = cluster
        .authority()
        .unwrap()
        .issue_expired("etcd", &["localhost"]);
    show(&cluster, &expired.unwrap());
    let snapshot = Watcher::of(&cluster).see().await;
    let said = cause(&snapshot, rule::CERTIFICATE_EXPIRING, Severity::Critical);
    assert!(said.contains("ended"), "{said}");
    let failed = snapshot
        .findings
        .iter()
        .find(|found| found.rule == rule::TLS_FAILED);
    let root = failed.and_then(|failed| failed.caused_by.clone());
    assert_eq!(
        root.map(|root| root.rule).as_deref(),
        Some(rule::CERTIFICATE_EXPIRING)
    );
}

#[tokio::test]
async fn members_without_tls_have_nothing_that_could_end() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
    let mut probe = EtcdProbe::new(ProbeOptions::new("test", vec![endpoint])).unwrap();
    let observation = probe.observe(1, Duration::ZERO).await;
    let snapshot = assess(
        &mut AssessState::default(),
        &observation,
        &Parameters::default(),
    );
    for rule in [rule::CERTIFICATE_EXPIRING, rule::CERTIFICATE_NOT_COVERING] {
        let statuses = statuses(&snapshot, rule);
        assert!(
            statuses.iter().all(|status| status == "false"),
            "{rule}: {statuses:?}"
        );
    }
    assert_eq!(snapshot.cost.handshakes, 0);
}
