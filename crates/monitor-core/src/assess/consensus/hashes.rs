//! Members whose keys and values hash differently, and what makes it worth while to hash them.
//!
//! Hashes compare only at equal revision and equal compact revision. Data does not heal by itself: what one round found
//! holds until a later one finds the member equal to a majority, or the member leaves.

use std::collections::{BTreeMap, BTreeSet};

use etcd_monitor_model::{
    Alarm, AlarmKind, ClusterId, ConsistencySummary, HashAnswer, HashRound, ListedMember, MemberId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConsensusParameters;
use super::divergence::DivergenceMemory;
use super::restarts::RestartsMemory;
use crate::assess::state::AssessState;
use crate::assess::view::View;

/// What is remembered of the rounds of hashes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct HashMemory {
    latest: Option<HashRound>,
    calls: u64,
    /// Members that differ from a majority, and the comparison that found it.
    outvoted: BTreeMap<MemberId, Comparison>,
    /// Members that differ where no majority tells who is right.
    split: Option<Comparison>,
    /// When a member was last found equal to a majority.
    equal_at: BTreeMap<MemberId, Timestamp>,
    signs: BTreeSet<Sign>,
    suspicion: Option<Suspicion>,
}

/// Hashes that compare with each other, of two members at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::assess) struct Comparison {
    pub(in crate::assess) revision: i64,
    pub(in crate::assess) compact_revision: i64,
    pub(in crate::assess) hashes: Vec<MemberHash>,
}

/// The hash of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::assess) struct MemberHash {
    pub(in crate::assess) member: MemberId,
    pub(in crate::assess) hash: u32,
    pub(in crate::assess) at: Timestamp,
}

/// Something that is seen where data differs, and elsewhere too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Sign {
    /// One answer of a member contradicts another one's.
    Contradiction(MemberId, MemberId),
    /// etcd raised the CORRUPT alarm.
    Alarm(Option<MemberId>),
    /// A member started again, and it has been quiet since: what it read from its disk may not be what it had written.
    Restart(MemberId, Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Suspicion {
    since: Timestamp,
    sign: Sign,
}

impl Comparison {
    pub(in crate::assess) fn hash_of(&self, member: MemberId) -> Option<u32> {
        let found = self.hashes.iter().find(|hash| hash.member == member);
        found.map(|found| found.hash)
    }

    /// The hash that a majority of all voters has, not only of those that answered.
    fn of_majority(&self, majority: usize) -> Option<u32> {
        let held = |hash: u32| self.hashes.iter().filter(|own| own.hash == hash).count();
        let mut hashes = self.hashes.iter().map(|own| own.hash);
        hashes.find(|hash| held(*hash) >= majority)
    }

    fn differs(&self, counts: impl Fn(MemberId) -> bool) -> bool {
        let counted = self.hashes.iter().filter(|own| counts(own.member));
        let hashes: BTreeSet<u32> = counted.map(|own| own.hash).collect();
        hashes.len() > 1
    }
}

impl HashMemory {
    pub(super) fn take(&mut self, round: Option<&HashRound>, state: &AssessState) {
        let listed = state.members().unwrap_or_default();
        if let Some(round) = round {
            let voters = voters(listed);
            for comparison in comparisons(round, &voters, state.cluster_id) {
                self.judge(comparison, voters.len() / 2 + 1);
            }
            self.calls = self.calls.saturating_add(round.answers.len() as u64);
            if let Some(suspicion) = self.suspicion.filter(|_| !round.compaction_moved) {
                self.suspicion = (round.began_at < suspicion.since).then_some(suspicion);
            }
            self.latest = Some(round.clone());
        }
        if !listed.is_empty() {
            self.forget_who_left(listed);
        }
    }

    fn judge(&mut self, comparison: Comparison, majority: usize) {
        if let Some(right) = comparison.of_majority(majority) {
            for own in &comparison.hashes {
                if own.hash == right {
                    self.outvoted.remove(&own.member);
                    self.equal_at.insert(own.member, own.at);
                } else {
                    self.outvoted.insert(own.member, comparison.clone());
                    self.equal_at.remove(&own.member);
                }
            }
            let settles = |own: &MemberHash| comparison.hash_of(own.member).is_some();
            self.split.take_if(|split| split.hashes.iter().all(settles));
        } else if comparison.differs(|member| !self.outvoted.contains_key(&member)) {
            self.split = Some(comparison);
        }
    }

    fn forget_who_left(&mut self, listed: &[ListedMember]) {
        let is_listed = |id: MemberId| listed.iter().any(|member| member.id == id);
        self.outvoted.retain(|id, _| is_listed(*id));
        self.equal_at.retain(|id, _| is_listed(*id));
        self.split.take_if(|split| !split.differs(is_listed));
    }

    /// Notes what is seen in this cycle; what was not seen in the one before is a suspicion.
    pub(super) fn suspect(
        &mut self,
        view: &View<'_>,
        divergence: &DivergenceMemory,
        restarts: &RestartsMemory,
        parameters: &ConsensusParameters,
    ) {
        let contradictions = divergence.suspected();
        let contradictions =
            contradictions.map(|(ahead, behind)| Sign::Contradiction(ahead, behind));
        // In the middle of restarts each member has enough to do, and more of them to come.
        let quiet = restarts.are_over(view.ended_at, parameters.restart_quiet_seconds);
        let restarts = restarts.all().map(|(member, at)| Sign::Restart(member, at));
        let restarts = restarts.filter(|sign| quiet || self.signs.contains(sign));
        let signs: BTreeSet<Sign> = contradictions
            .chain(restarts)
            .chain(self.alarms(view).into_iter().map(Sign::Alarm))
            .collect();
        if let Some(sign) = signs.difference(&self.signs).next() {
            let pending = self.suspicion.map(|suspicion| suspicion.sign);
            self.suspicion = Some(Suspicion {
                since: view.ended_at,
                sign: pending.filter(|sign| sign.is_urgent()).unwrap_or(*sign),
            });
        }
        self.signs = signs;
    }

    /// Whom etcd calls corrupt; as before where nobody answers that.
    fn alarms(&self, view: &View<'_>) -> BTreeSet<Option<MemberId>> {
        let answers = view.own().filter_map(|row| row.seen.alarms.as_ref()?.ok());
        let mut answers = answers.peekable();
        if answers.peek().is_none() {
            let known = self.signs.iter().filter_map(|sign| match sign {
                Sign::Alarm(member) => Some(*member),
                _ => None,
            });
            return known.collect();
        }
        let corrupt = |alarm: &&Alarm| alarm.kind == AlarmKind::Corrupt;
        let alarms = answers.flatten().filter(corrupt);
        alarms.map(|alarm| alarm.member).take(ALARMS_MAX).collect()
    }

    pub(super) fn summary(&self, state: &AssessState) -> ConsistencySummary {
        ConsistencySummary {
            latest: self.latest.clone(),
            calls: self.calls,
            suspicion: self.suspicion.map(|suspicion| suspicion.sign.words(state)),
            urgent: self
                .suspicion
                .is_some_and(|suspicion| suspicion.sign.is_urgent()),
        }
    }

    /// Members that differ from a majority.
    pub(in crate::assess) fn outvoted(&self) -> impl Iterator<Item = MemberId> {
        self.outvoted.keys().copied()
    }

    /// What found a member to differ from a majority.
    pub(in crate::assess) fn proof_against(&self, member: MemberId) -> Option<&Comparison> {
        self.outvoted.get(&member)
    }

    /// Where members differ, these left out, and no majority tells who is right.
    pub(in crate::assess) fn split(&self, settled: &BTreeSet<MemberId>) -> Option<&Comparison> {
        let split = self.split.as_ref();
        split.filter(|split| split.differs(|member| !settled.contains(&member)))
    }

    /// True when a member was found equal to a majority no longer ago than this.
    pub(in crate::assess) fn is_equal(&self, id: MemberId, now: Timestamp, seconds: f64) -> bool {
        let at = self.equal_at.get(&id);
        at.is_some_and(|at| now.duration_since(*at).as_secs_f64() <= seconds)
    }
}

/// Alarms looked at in one answer; among 16 members there are 16 of a kind.
const ALARMS_MAX: usize = 64;

impl Sign {
    fn is_urgent(self) -> bool {
        !matches!(self, Self::Restart(..))
    }

    fn words(self, state: &AssessState) -> String {
        let name = |id| {
            let known = state.name_of(id);
            known.map_or_else(|| format!("member {id}"), str::to_owned)
        };
        match self {
            Self::Contradiction(ahead, behind) => {
                format!(
                    "an answer of {} contradicts one of {}",
                    name(ahead),
                    name(behind)
                )
            }
            Self::Alarm(Some(member)) => {
                format!("etcd raised the CORRUPT alarm for {}", name(member))
            }
            Self::Alarm(None) => "etcd raised the CORRUPT alarm".to_owned(),
            Self::Restart(member, _) => format!("{} restarted", name(member)),
        }
    }
}

fn voters(listed: &[ListedMember]) -> BTreeSet<MemberId> {
    let voters = listed.iter().filter(|member| !member.is_learner);
    voters.map(|member| member.id).collect()
}

/// What of a round compares: the hashes of voters of this cluster, by revision and compact revision.
fn comparisons(
    round: &HashRound,
    voters: &BTreeSet<MemberId>,
    cluster: Option<ClusterId>,
) -> impl Iterator<Item = Comparison> {
    let mut groups: BTreeMap<(i64, i64), Vec<MemberHash>> = BTreeMap::new();
    for HashAnswer { hash: probe, .. } in &round.answers {
        let Some(hash) = probe.ok() else { continue };
        let own = voters.contains(&hash.member_id) && cluster == Some(hash.cluster_id);
        let revision = hash.hash_revision.unwrap_or(round.revision);
        let group = groups.entry((revision, hash.compact_revision)).or_default();
        if own && group.iter().all(|known| known.member != hash.member_id) {
            group.push(MemberHash {
                member: hash.member_id,
                hash: hash.hash,
                at: probe.at,
            });
        }
    }
    let groups = groups.into_iter().filter(|(_, hashes)| hashes.len() > 1);
    groups.map(|((revision, compact_revision), hashes)| Comparison {
        revision,
        compact_revision,
        hashes,
    })
}
