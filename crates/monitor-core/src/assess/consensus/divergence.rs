//! Members that cannot both hold what the log says: a proof, whatever the lag between them.
//!
//! The revision R(i) after log entry i is the same on every member, and never decreases. A member that answers revision r
//! with applied index a holds no entry beyond a + 1, so that r ≤ R(a + 1). A member that had applied a before it answers
//! revision r holds at least those, so that r ≥ R(a). Where the one index is not above the other, the first revision must
//! not be above the second.

mod samples;

use std::collections::{BTreeMap, BTreeSet};

use etcd_monitor_model::{ListedMember, MemberId};
use serde::{Deserialize, Serialize};

pub(in crate::assess) use samples::{Sample, Span};

use crate::assess::state::AssessState;
use crate::assess::view::View;
use samples::Record;

/// What is remembered of the members' data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct DivergenceMemory {
    #[serde(skip)]
    records: BTreeMap<MemberId, Record>,
    /// Who contradicted whom in the latest cycle: the member ahead, and the one behind.
    #[serde(skip)]
    suspected: BTreeSet<(MemberId, MemberId)>,
    /// Members that were compared with another one.
    #[serde(skip)]
    compared: BTreeSet<MemberId>,
    /// What was proven: data does not heal by itself, so it holds until one of the two members leaves.
    contradictions: Vec<Contradiction>,
}

/// Two members that cannot both be right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::assess) struct Contradiction {
    /// The member whose revision is too high, or else the other one's is too low.
    pub(in crate::assess) ahead: MemberId,
    pub(in crate::assess) behind: MemberId,
    pub(in crate::assess) high: Sample,
    pub(in crate::assess) low: Span,
}

impl Contradiction {
    fn is_of(&self, ahead: MemberId, behind: MemberId) -> bool {
        (self.ahead, self.behind) == (ahead, behind)
    }

    /// The other one of the two.
    pub(in crate::assess) fn other(&self, member: MemberId) -> Option<MemberId> {
        match member {
            _ if member == self.ahead => Some(self.behind),
            _ if member == self.behind => Some(self.ahead),
            _ => None,
        }
    }
}

impl DivergenceMemory {
    pub(super) fn update(&mut self, state: &AssessState, view: &View<'_>) {
        self.note(view);
        self.compare();
        if let Some(listed) = state.members() {
            let is_listed = |id| listed.iter().any(|member| member.id == id);
            let both = |proof: &Contradiction| is_listed(proof.ahead) && is_listed(proof.behind);
            self.contradictions.retain(both);
        }
    }

    fn note(&mut self, view: &View<'_>) {
        let committed = committed(view);
        let mut records = std::mem::take(&mut self.records);
        let probed: BTreeSet<MemberId> = view.own().filter_map(|row| row.id).collect();
        for id in probed {
            let mut record = records.remove(&id).unwrap_or_default();
            record.fresh = false;
            let answer = view.row(id).and_then(|row| Sample::of(row).zip(row.page()));
            if let Some((sample, page)) = answer {
                record.note(sample, page, committed);
            }
            self.records.insert(id, record);
        }
    }

    fn compare(&mut self) {
        let before = std::mem::take(&mut self.suspected);
        self.compared.clear();
        for (&ahead, high) in &self.records {
            for (&behind, low) in &self.records {
                let Some(span) = low.span().filter(|_| ahead != behind) else {
                    continue;
                };
                let Some(sample) = high.highest_until(span.from.applied) else {
                    continue;
                };
                self.compared.extend([ahead, behind]);
                let pair = (ahead, behind);
                let again = before.contains(&pair);
                if !low.fresh {
                    self.suspected.extend(again.then_some(pair));
                } else if sample.revision > span.to.revision {
                    self.suspected.insert(pair);
                    let known = self
                        .contradictions
                        .iter()
                        .any(|known| known.is_of(ahead, behind));
                    // Twice in a row, each time by a new answer.
                    if again && !known {
                        self.contradictions.push(Contradiction {
                            ahead,
                            behind,
                            high: *sample,
                            low: span,
                        });
                    }
                }
            }
        }
    }

    /// True when a member's answers could be compared with another one's.
    pub(in crate::assess) fn is_compared(&self, member: MemberId) -> bool {
        self.compared.contains(&member)
    }

    /// True when any two members could be compared.
    pub(in crate::assess) fn any_compared(&self) -> bool {
        !self.compared.is_empty()
    }

    /// Who contradicts whom by the latest answers: the member ahead, and the one behind. Once is no proof yet.
    pub(super) fn suspected(&self) -> impl Iterator<Item = (MemberId, MemberId)> {
        self.suspected.iter().copied()
    }

    /// What was proven of these members.
    pub(in crate::assess) fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// Members that contradict most voters, where most voters are not among them: it is they whose data is wrong.
    pub(in crate::assess) fn outvoted(&self, listed: &[ListedMember]) -> BTreeSet<MemberId> {
        let voters: BTreeSet<MemberId> = listed
            .iter()
            .filter(|member| !member.is_learner)
            .map(|member| member.id)
            .collect();
        let majority = voters.len() / 2 + 1;
        let contradicts_most = |member: &MemberId| {
            let others = self
                .contradictions
                .iter()
                .filter_map(|proof| proof.other(*member));
            let others: BTreeSet<MemberId> = others.collect();
            others.intersection(&voters).count() >= majority
        };
        let members = listed.iter().map(|member| member.id);
        let outvoted: BTreeSet<MemberId> = members.filter(contradicts_most).collect();
        if voters.difference(&outvoted).count() >= majority {
            outvoted
        } else {
            BTreeSet::new()
        }
    }
}

/// The most that any member knows to be committed, where the leader is among those that say so.
fn committed(view: &View<'_>) -> Option<u64> {
    let mut statuses = view.statuses();
    let leads = statuses.any(|status| status.leader == Some(status.member_id));
    let known = view.statuses().map(|status| status.raft_index).max();
    known.filter(|_| leads)
}
