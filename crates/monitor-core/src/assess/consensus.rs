//! What the members hold in common: who they are and who leads. What is remembered of it from cycle to cycle.

pub(super) mod divergence;
pub(super) mod elections;
pub(super) mod hashes;
pub(super) mod learners;
pub(super) mod lists;
mod parameters;
pub(super) mod restarts;

pub use parameters::ConsensusParameters;

use etcd_monitor_model::{HashRound, Snapshot};
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use super::state::AssessState;
use super::view::View;
use divergence::DivergenceMemory;
use elections::ElectionsMemory;
use hashes::HashMemory;
use learners::LearnersMemory;
use lists::ListsMemory;
use restarts::RestartsMemory;

/// What is remembered of membership, learners, elections and data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConsensusMemory {
    pub(super) lists: ListsMemory,
    pub(super) learners: LearnersMemory,
    pub(super) restarts: RestartsMemory,
    pub(super) divergence: DivergenceMemory,
    pub(super) hashes: HashMemory,
    #[serde(skip)]
    pub(super) elections: ElectionsMemory,
}

/// Takes in what this cycle adds.
pub(super) fn update(
    state: &mut AssessState,
    view: &View<'_>,
    round: Option<&HashRound>,
    snapshot: &mut Snapshot,
    parameters: &Parameters,
) {
    let mut memory = std::mem::take(&mut state.consensus);
    memory.lists.update(state, view);
    memory
        .learners
        .update(view, snapshot, &parameters.consensus);
    memory.restarts.update(view, &parameters.consensus);
    memory.divergence.update(state, view);
    memory.hashes.take(round, state);
    memory.hashes.suspect(
        view,
        &memory.divergence,
        &memory.restarts,
        &parameters.consensus,
    );
    snapshot.consistency = memory.hashes.summary(state);
    memory
        .elections
        .update(view, &mut state.leader_history, &parameters.consensus);
    snapshot.leader_history = state.leader_history.iter().cloned().collect();
    state.consensus = memory;
}
