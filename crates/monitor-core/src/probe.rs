//! Observes one cluster: every member at once, each call with its own deadline.

mod answers;
mod canary;
mod consistency;
mod member;
mod pages;
mod trust;

use std::collections::VecDeque;
use std::time::Duration;

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy, Target};
use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, MemberEntry};
use etcd_monitor_model::{
    CanaryReading, Certificate, ClusterName, ConsistencySummary, HashRound, ListedMember,
    MemberObservation, MonitorCondition, Observation, Probe, TrustReport,
};
use futures_util::StreamExt;
use futures_util::stream::{self};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::black_box::RawPage;
use crate::punctuality;
use canary::Canary;
pub use canary::CanaryOptions;
use consistency::Consistency;
pub use consistency::ConsistencyOptions;
use pages::PageKeeper;
use trust::TrustRadar;

/// Members asked at the same time; a cluster rarely has more than 7, and 16 keeps the burst of sockets small.
const MEMBERS_AT_ONCE: usize = 16;

/// Yields what can be seen of one cluster, one observation per cycle.
pub trait ClusterProbe: Send + 'static {
    /// Observes the cluster once. `start_lag` is by how much the cycle began late.
    ///
    /// Never fails: a part that gave no answer is in the observation with its failure. Ends within two deadlines.
    /// Cancel-safe: an abandoned cycle leaves nothing behind.
    fn observe(
        &mut self,
        cycle: u64,
        start_lag: Duration,
    ) -> impl Future<Output = Observation> + Send;

    /// Tells which members were known before the first cycle, from an earlier run.
    fn expect_members(&mut self, members: &[ListedMember]);

    /// Tells of which endpoints the `/metrics` page is to be kept as it comes, from the next cycle on.
    fn keep_pages(&mut self, _endpoints: Vec<String>) {}

    /// The pages that were kept since the last time; none from a probe that keeps none.
    fn take_pages(&mut self) -> Vec<RawPage> {
        Vec::new()
    }

    /// Tells what makes it likely that members hold different data, and whether that can wait. A probe that can compare
    /// them does so soon.
    fn suspect(&mut self, _consistency: &ConsistencySummary) {}

    /// Takes back what the probe left in the cluster. Called once, after the last cycle; ends within one deadline.
    fn close(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// What an [`EtcdProbe`] watches, and how.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProbeOptions {
    /// Name of the cluster.
    pub cluster: ClusterName,
    /// Configured endpoints, at least one.
    pub endpoints: Vec<Endpoint>,
    /// Planned time between the starts of two cycles.
    pub interval: Duration,
    /// Finds the other members from the member list.
    pub discover: bool,
    /// Time between two looks at the certificates of one member. A member whose TLS fails is looked at ten times as often.
    pub trust_interval: Duration,
    /// Writes and watches one key; off by default, since it writes.
    pub canary: Option<CanaryOptions>,
    /// Compares the members' data by HashKV; `None`: never. On by default.
    pub consistency: Option<ConsistencyOptions>,
    /// TLS, credentials, limits. Its deadline is replaced by [`ProbeOptions::deadline`].
    pub client: ClientOptions,
}

impl ProbeOptions {
    /// Options with the defaults: 5 s interval, discovery on, HashKV every 6 h, no TLS, no credentials.
    pub fn new(cluster: impl Into<String>, endpoints: Vec<Endpoint>) -> Self {
        Self {
            cluster: ClusterName::new(cluster),
            endpoints,
            interval: Duration::from_secs(5),
            discover: true,
            trust_interval: Duration::from_mins(10),
            canary: None,
            consistency: Some(ConsistencyOptions::default()),
            client: ClientOptions::default(),
        }
    }

    /// Deadline of each call: 2 s, or half the interval where that is shorter, so that a cycle ends before the next.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(2).min(self.interval / 2)
    }
}

/// Probes a real cluster.
#[derive(Debug)]
pub struct EtcdProbe {
    cluster: ClusterName,
    interval: Duration,
    deadline: Duration,
    client: ClusterClient,
    discovery: Discovery,
    radar: TrustRadar,
    pages: PageKeeper,
    canary: Option<Canary>,
    consistency: Option<Consistency>,
}

impl EtcdProbe {
    /// A probe that has not connected yet; it reads the TLS files and connects in the first cycle.
    ///
    /// Fails only when no HTTP client can be made.
    pub fn new(options: ProbeOptions) -> Result<Self, ClientError> {
        let deadline = options.deadline();
        let mut client_options = options.client;
        client_options.deadline = deadline;
        let policy = DiscoveryPolicy {
            enabled: options.discover,
            has_credentials: client_options.credentials.is_some(),
            verified_tls: client_options.tls.is_some(),
        };
        let consistency = options
            .consistency
            .map(|consistency| Consistency::new(consistency, &options.cluster, Instant::now()));
        Ok(Self {
            cluster: options.cluster,
            interval: options.interval,
            deadline,
            client: ClusterClient::new(client_options)?,
            discovery: Discovery::new(options.endpoints, policy),
            radar: TrustRadar::new(options.trust_interval, options.discover),
            pages: PageKeeper::default(),
            canary: options.canary.map(|canary| Canary::new(canary, deadline)),
            consistency,
        })
    }

    /// Asks every known target, then once more those that the answers made known, and looks at certificates where that
    /// is due.
    async fn round(&mut self) -> Round {
        let targets = self.discovery.targets();
        let (mut seen, canary) = tokio::join!(
            ask(&self.client, targets.clone(), &self.pages),
            sing(self.canary.as_mut(), &self.client)
        );
        self.learn(&seen);
        let found: Vec<Target> = self
            .discovery
            .targets()
            .into_iter()
            .filter(|target| is_new(target, &targets))
            .collect();
        let due = self.radar.due(&self.discovery.targets(), Instant::now());
        let (answers, (reports, own)) =
            tokio::join!(ask(&self.client, found, &self.pages), self.look(due));
        if !answers.is_empty() {
            seen.extend(answers);
            self.learn(&seen);
        }
        let mut seen = self.still_targets(seen);
        self.radar.attach(&mut seen, reports, Instant::now());
        if let Some(canary) = &mut self.canary {
            canary.learn(&seen);
        }
        let hashes = self
            .consistency
            .as_mut()
            .and_then(|consistency| consistency.turn(&self.client, &seen, Instant::now()));
        Round {
            members: seen,
            own_certificates: own,
            canary,
            hashes,
        }
    }

    /// Looks at the certificates of whom it is due, and with them at our own.
    async fn look(
        &self,
        due: Vec<trust::Look>,
    ) -> (
        Vec<(trust::Look, TrustReport)>,
        Option<Probe<Vec<Certificate>>>,
    ) {
        if due.is_empty() {
            return (Vec::new(), None);
        }
        // On the heap: handshakes are rare and large, and the cycle carries them.
        let own = Box::pin(member::probe(
            self.client.own_certificates(),
            answers::certificates,
        ));
        let (reports, own) = tokio::join!(Box::pin(trust::look(&self.client, due)), own);
        (reports, Some(own))
    }

    /// Tells discovery which member is behind which endpoint, and which members there are.
    fn learn(&mut self, seen: &[MemberObservation]) {
        for member in seen {
            let status = member.status.as_ref().and_then(Probe::ok);
            let endpoint = Endpoint::parse(&member.endpoint, false).ok();
            if let Some((status, endpoint)) = status.zip(endpoint) {
                self.discovery.matched(&endpoint, status.member_id.0);
            }
        }
        if let Some(list) = answers::best_list(seen) {
            let entries: Vec<MemberEntry> = list.members.iter().map(entry).collect();
            self.radar.listed(&entries);
            self.discovery.listed(&entries);
        }
    }

    /// Drops what turned out not to be a target: a second endpoint of one member, a member that left.
    fn still_targets(&self, mut seen: Vec<MemberObservation>) -> Vec<MemberObservation> {
        let targets = self.discovery.targets();
        let endpoints: Vec<Endpoint> = targets
            .iter()
            .filter_map(|target| target.endpoint.clone())
            .collect();
        self.client.retain(&endpoints);
        seen.retain(|member| {
            targets
                .iter()
                .any(|target| target.advertised == member.endpoint || named(target, member))
        });
        seen
    }
}

/// What one round saw.
struct Round {
    members: Vec<MemberObservation>,
    own_certificates: Option<Probe<Vec<Certificate>>>,
    canary: Option<CanaryReading>,
    hashes: Option<HashRound>,
}

async fn ask(
    client: &ClusterClient,
    targets: Vec<Target>,
    pages: &PageKeeper,
) -> Vec<MemberObservation> {
    let asked = targets
        .into_iter()
        .map(|target| member::observe(client, target, pages));
    stream::iter(asked)
        .buffered(MEMBERS_AT_ONCE)
        .collect()
        .await
}

async fn sing(canary: Option<&mut Canary>, client: &ClusterClient) -> Option<CanaryReading> {
    Box::pin(canary?.round(client)).await
}

impl ClusterProbe for EtcdProbe {
    async fn observe(&mut self, cycle: u64, start_lag: Duration) -> Observation {
        let started_at = Timestamp::now();
        let (round, lag) = punctuality::measured(self.round()).await;
        Observation {
            cluster: self.cluster.clone(),
            cycle,
            started_at,
            ended_at: Timestamp::now(),
            interval_seconds: self.interval.as_secs_f64(),
            monitor: MonitorCondition {
                timer_lag_seconds: lag.max(start_lag).as_secs_f64(),
                deadline_seconds: self.deadline.as_secs_f64(),
            },
            members: round.members,
            own_certificates: round.own_certificates,
            canary: round.canary,
            hashes: round.hashes,
        }
    }

    fn keep_pages(&mut self, endpoints: Vec<String>) {
        self.pages.want(endpoints);
    }

    fn take_pages(&mut self) -> Vec<RawPage> {
        self.pages.take()
    }

    fn suspect(&mut self, found: &ConsistencySummary) {
        if let Some(consistency) = &mut self.consistency {
            consistency.suspect(found);
        }
    }

    async fn close(&mut self) {
        if let Some(consistency) = &mut self.consistency {
            consistency.close().await;
        }
        if let Some(canary) = &mut self.canary {
            canary.close(&self.client).await;
        }
    }

    fn expect_members(&mut self, members: &[ListedMember]) {
        let entries: Vec<MemberEntry> = members.iter().map(entry).collect();
        self.radar.listed(&entries);
        self.discovery.listed(&entries);
    }
}

fn is_new(target: &Target, before: &[Target]) -> bool {
    !before
        .iter()
        .any(|known| known.advertised == target.advertised && known.endpoint == target.endpoint)
}

fn named(target: &Target, member: &MemberObservation) -> bool {
    target
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.as_str() == member.endpoint)
}

fn entry(member: &ListedMember) -> MemberEntry {
    MemberEntry {
        id: member.id.0,
        name: member.name.clone(),
        peer_urls: member.peer_urls.clone(),
        client_urls: member.client_urls.clone(),
        is_learner: member.is_learner,
    }
}

/// Replays recorded observations, one per cycle: for tests and for looking at an incident again.
///
/// After the last one it never ends a cycle.
#[derive(Debug, Default)]
pub struct RecordedProbe {
    observations: VecDeque<Observation>,
}

impl RecordedProbe {
    /// Replays these, in order.
    pub fn new(observations: impl IntoIterator<Item = Observation>) -> Self {
        Self {
            observations: observations.into_iter().collect(),
        }
    }
}

impl ClusterProbe for RecordedProbe {
    async fn observe(&mut self, _cycle: u64, _start_lag: Duration) -> Observation {
        match self.observations.pop_front() {
            Some(observation) => observation,
            None => std::future::pending().await,
        }
    }

    fn expect_members(&mut self, _members: &[ListedMember]) {}
}
