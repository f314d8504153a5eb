//! What `assess` carries from cycle to cycle.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use etcd_monitor_model::{
    ClusterId, Finding, FindingKey, FindingStatus, LeaderChange, ListedMember, MemberId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::canary::CanaryMemory;
use super::capacity::{CapacityMemory, CompactionMemory};
use super::consensus::ConsensusMemory;
use super::coverage::CoverageMemory;
use super::links::LinkMemory;
use super::probes::ProbeMemory;
use super::trust::TrustMemory;
use super::versions::VersionMemory;
use super::view::View;
use crate::collector::MetricsCollector;

/// Leader changes kept: a day of one every quarter of an hour.
pub(super) const LEADER_CHANGES_MAX: usize = 100;

/// Elections remembered for the rate per hour; more per hour than this is reported as this many.
const ELECTIONS_MAX: usize = 1_000;

/// What `assess` remembers of a cluster. Serialises, so that "since" and rates survive a restart of the monitor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssessState {
    /// Cluster id of the cluster that the first answering member named.
    pub(super) cluster_id: Option<ClusterId>,
    /// The cluster that stood under this name before, and since when it does not.
    pub(super) replaced: Option<(ClusterId, Timestamp)>,
    /// The agreed member list, as last seen.
    pub(super) agreed: Option<Vec<ListedMember>>,
    /// Who led when it was last known.
    pub(super) leader: Option<SeenLeader>,
    /// When that was; not known after a restart of the monitor, which did not watch meanwhile.
    #[serde(skip)]
    pub(super) leader_known_at: Option<Timestamp>,
    /// Elections since the state began, counted by term.
    pub(super) leader_changes: u64,
    pub(super) leader_history: VecDeque<LeaderChange>,
    elections: VecDeque<Timestamp>,
    /// Status and since-when of each finding, as a list: JSON has no structured map keys.
    dated: Vec<Dated>,
    pub(super) members: BTreeMap<MemberId, MemberMemory>,
    last_answer_at: Option<Timestamp>,
    /// Compaction of the cluster.
    pub(super) compaction: CompactionMemory,
    /// Rules that could not be evaluated for lasting reasons.
    pub(super) coverage: CoverageMemory,
    /// Membership, learners, elections and data.
    pub(super) consensus: ConsensusMemory,
    #[serde(skip)]
    pub(super) links: LinkMemory,
    pub(super) versions: VersionMemory,
    #[serde(skip)]
    pub(super) trust: TrustMemory,
    #[serde(skip)]
    pub(super) canary: CanaryMemory,
    #[serde(skip)]
    pub(super) probes: ProbeMemory,
}

/// A leader as last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenLeader {
    pub(super) id: MemberId,
    pub(super) term: u64,
    pub(super) since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Dated {
    key: FindingKey,
    status: Cow<'static, str>,
    since: Timestamp,
}

/// Where a finding stands. From cycle to cycle they come in one order, so it is looked for where the one before was found.
fn place_of(dated: &[Dated], key: &FindingKey, next: usize) -> Option<usize> {
    let (earlier, later) = dated.split_at_checked(next)?;
    let is_it = |dated: &Dated| dated.key == *key;
    let place = later.iter().position(is_it).map(|place| next + place);
    place.or_else(|| earlier.iter().position(is_it))
}

/// What is remembered of one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MemberMemory {
    pub(super) last_answer_at: Option<Timestamp>,
    pub(super) version: Option<String>,
    /// True when the previous cycle got no answer at all, and the monitor was punctual.
    pub(super) was_silent: bool,
    /// Its room, and how that changes.
    pub(super) capacity: CapacityMemory,
    /// Bytes received from this member, by hearing peer, in the previous cycle.
    #[serde(skip)]
    pub(super) heard_bytes: BTreeMap<MemberId, f64>,
    /// Its rates and quantiles.
    #[serde(skip)]
    pub(super) metrics: MetricsCollector,
}

impl AssessState {
    /// The agreed member list as last seen; `None` until a member answered one.
    pub fn members(&self) -> Option<&[ListedMember]> {
        self.agreed.as_deref()
    }

    /// Begins anew for another cluster under the same name.
    pub(super) fn replace_cluster(&mut self, cluster_id: Option<ClusterId>, at: Timestamp) {
        let replaced = self.cluster_id.map(|before| (before, at));
        *self = Self {
            cluster_id,
            replaced,
            dated: std::mem::take(&mut self.dated),
            // What ports show is looked at by endpoint, whichever cluster is behind it.
            trust: std::mem::take(&mut self.trust),
            probes: std::mem::take(&mut self.probes),
            ..Self::default()
        };
    }

    /// True for a member that the agreed list, where one is known, does not have.
    pub(super) fn has_left(&self, id: MemberId) -> bool {
        let listed = self.agreed.as_ref();
        listed.is_some_and(|listed| listed.iter().all(|member| member.id != id))
    }

    /// Number of agreed members, learners included.
    pub(super) fn member_count(&self) -> Option<u32> {
        self.agreed
            .as_ref()
            .and_then(|agreed| u32::try_from(agreed.len()).ok())
    }

    pub(super) fn last_answer_at(&self) -> Option<Timestamp> {
        self.last_answer_at
    }

    /// Name of a member in the agreed list, if it has one.
    pub(super) fn name_of(&self, id: MemberId) -> Option<&str> {
        let listed = self
            .agreed
            .as_ref()?
            .iter()
            .find(|listed| listed.id == id)?;
        Some(listed.name.as_str()).filter(|name| !name.is_empty())
    }

    pub(super) fn record_elections(&mut self, at: Timestamp, count: u64) {
        self.leader_changes = self.leader_changes.saturating_add(count);
        for _ in 0..count.min(ELECTIONS_MAX as u64) {
            if self.elections.len() == ELECTIONS_MAX {
                self.elections.pop_front();
            }
            self.elections.push_back(at);
        }
    }

    /// Elections in the hour before `now` whose time is wanted.
    pub(super) fn elections_last_hour(
        &self,
        now: Timestamp,
        wanted: impl Fn(Timestamp) -> bool,
    ) -> usize {
        let in_hour =
            |at: &&Timestamp| (0.0..=3600.0).contains(&now.duration_since(**at).as_secs_f64());
        self.elections
            .iter()
            .filter(in_hour)
            .filter(|at| wanted(**at))
            .count()
    }

    /// Since when a finding has been true, as of the previous cycle.
    pub(super) fn true_since(&self, key: &FindingKey) -> Option<Timestamp> {
        let dated = self.dated.iter().find(|dated| dated.key == *key)?;
        (dated.status == FindingStatus::True.as_str()).then_some(dated.since)
    }

    /// Sets each finding's `since` to when its status began, and remembers it.
    pub(super) fn date(&mut self, findings: &mut [Finding], now: Timestamp) {
        let before = std::mem::take(&mut self.dated);
        let mut next = 0;
        for finding in findings {
            let key = finding.key();
            let found = place_of(&before, &key, next);
            next = found.map_or(next, |place| place + 1);
            let known = found
                .map(|place| &before[place])
                .filter(|dated| dated.status == finding.status.as_str());
            // A clock that went back must not put the beginning into the future.
            finding.since = known.map_or(now, |dated| dated.since.min(now));
            self.dated.push(Dated {
                key,
                status: Cow::Borrowed(finding.status.as_str()),
                since: finding.since,
            });
        }
    }

    /// Keeps what the next cycle compares with.
    pub(super) fn remember(&mut self, view: &View<'_>) {
        for row in view.own() {
            let Some(id) = row.id else { continue };
            let memory = self.members.entry(id).or_default();
            memory.was_silent = row.silent() && !view.late;
            if row.answered {
                memory.last_answer_at = Some(view.ended_at);
                self.last_answer_at = Some(view.ended_at);
            }
            if let Some(status) = row.status() {
                memory.version = Some(status.version.clone());
            }
        }
        self.remember_heard(view);
        let listed = self.agreed.iter().flatten().map(|listed| listed.id);
        let probed = view.own().filter_map(|row| row.id);
        let kept: BTreeSet<MemberId> = listed.chain(probed).collect();
        self.members.retain(|id, _| kept.contains(id));
    }

    fn remember_heard(&mut self, view: &View<'_>) {
        // A reading of an earlier cycle may be from before the member fell silent.
        for memory in self.members.values_mut() {
            memory.heard_bytes.clear();
        }
        for (hearing, page) in view.pages() {
            for peer in &page.network.peers {
                let memory = self.members.get_mut(&peer.peer);
                if let Some((memory, bytes)) = memory.zip(peer.received_bytes) {
                    memory.heard_bytes.insert(hearing, bytes);
                }
            }
        }
    }
}
