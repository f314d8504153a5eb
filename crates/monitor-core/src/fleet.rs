//! Several clusters under one monitor: where they all time out at once, the monitor is to be doubted, not etcd.

mod parts;

use std::fmt;
use std::sync::Arc;

use etcd_monitor_model::{
    AlertType, ClusterName, Coverage, Evidence, FailureKind, Finding, FindingStatus,
    MemberSnapshot, PartFailure, Severity, Snapshot, Subject, UnknownClass, rule,
};
use futures_util::future::select_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::monitor::SnapshotReceiver;
pub use parts::MonitorPart;

/// Takes the snapshots of several monitors and publishes them with the doubts about the monitor itself applied.
pub struct Fleet {
    handle: FleetHandle,
    wanted: watch::Receiver<Vec<Watched>>,
    parts: Vec<parts::Watched>,
}

/// Says which clusters a [`Fleet`] has. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FleetHandle {
    wanted: Arc<watch::Sender<Vec<Watched>>>,
}

#[derive(Debug, Clone)]
struct Watched {
    name: ClusterName,
    assessed: SnapshotReceiver,
    published: Arc<watch::Sender<Option<Arc<Snapshot>>>>,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

impl FleetHandle {
    /// The clusters are these from now on. One that had the name before goes on under its receivers, also where another
    /// monitor stands behind it now; the receivers of one that is left out are closed.
    pub fn set(&self, clusters: impl IntoIterator<Item = (ClusterName, SnapshotReceiver)>) {
        self.wanted.send_modify(|wanted| {
            let before = std::mem::take(wanted);
            let clusters = clusters.into_iter();
            wanted.extend(clusters.map(|(name, assessed)| {
                let known = before.iter().find(|known| known.name == name);
                let published = known.map(|known| Arc::clone(&known.published));
                Watched {
                    name,
                    assessed,
                    published: published.unwrap_or_else(|| Arc::new(watch::Sender::new(None))),
                }
            }));
        });
    }

    /// Follows each cluster's snapshots, in the order given.
    pub fn subscribe(&self) -> Vec<(ClusterName, SnapshotReceiver)> {
        let wanted = self.wanted.borrow();
        let receivers = wanted
            .iter()
            .map(|cluster| (cluster.name.clone(), cluster.published.subscribe()));
        receivers.collect()
    }
}

impl Fleet {
    /// A fleet of these clusters, each with the snapshots its monitor publishes.
    pub fn new(clusters: impl IntoIterator<Item = (ClusterName, SnapshotReceiver)>) -> Self {
        let (sender, wanted) = watch::channel(Vec::new());
        let handle = FleetHandle {
            wanted: Arc::new(sender),
        };
        handle.set(clusters);
        Self {
            handle,
            wanted,
            parts: Vec::new(),
        }
    }

    /// The same, which also says when a part of the monitor fails: a finding about the monitor, carried by the first
    /// cluster by name. `failure` is asked with each of that cluster's snapshots, and must not wait.
    #[must_use]
    pub fn with_part(
        mut self,
        part: MonitorPart,
        failure: impl Fn() -> Option<PartFailure> + Send + 'static,
    ) -> Self {
        self.parts
            .push(parts::Watched::new(part, Box::new(failure)));
        self
    }

    /// For changing the clusters while the fleet runs.
    pub fn handle(&self) -> FleetHandle {
        self.handle.clone()
    }

    /// Follows each cluster's snapshots, in the order given.
    pub fn subscribe(&self) -> Vec<(ClusterName, SnapshotReceiver)> {
        self.handle.subscribe()
    }

    /// Publishes until `stop` is cancelled, or until every monitor has ended and no handle is left. Cancel-safe.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            handle,
            mut wanted,
            mut parts,
        } = self;
        drop(handle);
        let mut clusters = adopt(Vec::new(), &wanted.borrow_and_update());
        let mut fixed = false;
        while !(fixed && clusters.is_empty()) {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                changed = wanted.changed(), if !fixed => match changed {
                    Ok(()) => clusters = adopt(clusters, &wanted.borrow_and_update()),
                    Err(_) => fixed = true,
                },
                (outcome, index) = next_change(&mut clusters) => match outcome {
                    Ok(()) => publish(&mut clusters, index, &mut parts),
                    Err(_) => drop(clusters.swap_remove(index)),
                },
            }
        }
    }
}

/// The wanted clusters; one that is followed already keeps its place in what it has seen.
fn adopt(mut followed: Vec<Watched>, wanted: &[Watched]) -> Vec<Watched> {
    let mut take = |wanted: &Watched| {
        let same = |known: &Watched| known.assessed.same_channel(&wanted.assessed);
        let known = followed.iter().position(same);
        known.map(|index| followed.swap_remove(index))
    };
    let adopted = wanted
        .iter()
        .map(|wanted| take(wanted).unwrap_or_else(|| wanted.clone()));
    adopted.collect()
}

/// Waits until a monitor publishes or ends, and says which.
async fn next_change(clusters: &mut [Watched]) -> (Result<(), watch::error::RecvError>, usize) {
    let waits = clusters
        .iter_mut()
        .map(|cluster| Box::pin(cluster.assessed.changed()));
    let waits: Vec<_> = waits.collect();
    if waits.is_empty() {
        return std::future::pending().await;
    }
    let (outcome, index, _) = select_all(waits).await;
    (outcome, index)
}

fn publish(clusters: &mut [Watched], index: usize, parts: &mut [parts::Watched]) {
    let Some(own) = clusters[index].take() else {
        return;
    };
    let all: Vec<Arc<Snapshot>> = clusters.iter().filter_map(Watched::latest).collect();
    let others: Vec<&Snapshot> = all.iter().map(AsRef::as_ref).collect();
    let mut said = doubt_monitor(&own, &others).map_or(own, Arc::new);
    let is_first = clusters.iter().all(|other| said.cluster <= other.name);
    if let Some(added) = parts::added_to(&said, parts, is_first) {
        said = Arc::new(added);
    }
    clusters[index].published.send_replace(Some(said));
}

impl Watched {
    /// The latest snapshot, marked as taken.
    fn take(&mut self) -> Option<Arc<Snapshot>> {
        self.assessed.borrow_and_update().clone()
    }

    /// The latest snapshot, still to be taken.
    fn latest(&self) -> Option<Arc<Snapshot>> {
        self.assessed.borrow().clone()
    }
}

/// Where `own` and at least one other cluster of `all` timed out wholly in cycles of one interval, returns `own` as it then
/// reads: every finding of it is unknown, and the first of those clusters by name carries one `MonitorCutOff`.
/// `None` when there is nothing to doubt. `all` may contain `own`.
pub fn doubt_monitor(own: &Snapshot, all: &[&Snapshot]) -> Option<Snapshot> {
    let others = all.iter().copied().filter(|other| {
        other.cluster != own.cluster && timed_out(other) && within_an_interval(own, other)
    });
    let mut silent: Vec<&Snapshot> = others.chain(std::iter::once(own)).collect();
    if !timed_out(own) || silent.len() < 2 {
        return None;
    }
    silent.sort_by(|left, right| left.cluster.cmp(&right.cluster));
    let names: Vec<&str> = silent
        .iter()
        .map(|snapshot| snapshot.cluster.as_str())
        .collect();
    let cause = format!(
        "The monitor is cut off: {} clusters time out at once ({})",
        names.len(),
        names.join(", ")
    );
    let mut doubted = own.clone();
    for finding in &mut doubted.findings {
        finding.status = FindingStatus::unknown(UnknownClass::MemberUnreachable, cause.clone());
        finding.caused_by = None;
    }
    if silent[0].cluster == own.cluster {
        doubted
            .findings
            .insert(0, cut_off(own, &silent, cause.clone()));
    }
    let signals = std::mem::take(&mut doubted.coverage.signals);
    doubted.coverage = Coverage::of(&doubted.findings, signals);
    forget_silence(&mut doubted);
    doubted.health.sentence = cause;
    Some(doubted)
}

/// Leaves unknown what only the silence said.
fn forget_silence(snapshot: &mut Snapshot) {
    snapshot.health.healthy = None;
    snapshot.health.worst = None;
    snapshot.health.worst_type = None;
    if let Some(quorum) = &mut snapshot.quorum {
        quorum.available = None;
        quorum.tolerance = None;
    }
    for member in &mut snapshot.members {
        member.healthy = None;
        member.linearizable = None;
    }
}

fn cut_off(own: &Snapshot, silent: &[&Snapshot], cause: String) -> Finding {
    let subject = Subject::monitor();
    let since = silent
        .iter()
        .filter_map(|snapshot| Some(unreachable(snapshot)?.since))
        .min();
    let mut finding = Finding::new(
        rule::MONITOR_CUT_OFF,
        AlertType::Configuration,
        Severity::Critical,
        &own.cluster,
        subject,
        since.unwrap_or(own.at),
    );
    finding.status = FindingStatus::True;
    finding.cause = cause;
    finding.action = format!(
        "On the monitor's own host: `ip route`, then {}",
        silent
            .iter()
            .filter_map(|snapshot| try_by_hand(snapshot))
            .take(COMMANDS_MAX)
            .collect::<Vec<_>>()
            .join(", ")
    );
    finding.evidence = silent.iter().map(|snapshot| silence_of(snapshot)).collect();
    finding
}

/// Clusters for which the action has a command.
const COMMANDS_MAX: usize = 3;

/// What asks one silent member of the cluster by hand.
fn try_by_hand(snapshot: &Snapshot) -> Option<String> {
    let timed_out = |member: &&MemberSnapshot| {
        let kind = member.failure.as_ref().map(|failure| failure.kind);
        kind == Some(FailureKind::TimedOut) && !member.endpoint.is_empty()
    };
    let silent = snapshot.members.iter().find(timed_out)?;
    Some(format!(
        "`curl -sS --max-time 3 {}/health` ({})",
        silent.endpoint, snapshot.cluster
    ))
}

fn silence_of(snapshot: &Snapshot) -> Evidence {
    let value = format!("{} endpoints timed out", snapshot.members.len());
    Evidence {
        source: format!("cluster {}", snapshot.cluster),
        value,
        at: snapshot.at,
    }
}

fn unreachable(snapshot: &Snapshot) -> Option<&Finding> {
    snapshot
        .findings
        .iter()
        .find(|finding| finding.rule == rule::CLUSTER_UNREACHABLE && finding.status.is_true())
}

/// True when no member answers and none of them refused: silence all around.
fn timed_out(snapshot: &Snapshot) -> bool {
    unreachable(snapshot).is_some() && snapshot.members.iter().all(member_timed_out)
}

/// A member without an endpoint, or at one that may not be contacted, was not asked and says nothing either way.
fn member_timed_out(member: &MemberSnapshot) -> bool {
    let kind = member.failure.as_ref().map(|failure| failure.kind);
    let asked = !member.endpoint.is_empty() && kind != Some(FailureKind::NotAllowed);
    !asked || kind == Some(FailureKind::TimedOut)
}

/// True when both cycles cover one interval: the latest of a cluster may be that of an interval ago, and ended earlier or
/// later within it by up to a whole interval, since a cycle that times out lasts nearly as long.
fn within_an_interval(own: &Snapshot, other: &Snapshot) -> bool {
    let apart_seconds = own.at.duration_since(other.at).as_secs_f64().abs();
    apart_seconds <= 2.0 * own.interval_seconds.max(other.interval_seconds)
}

#[cfg(test)]
mod tests;
