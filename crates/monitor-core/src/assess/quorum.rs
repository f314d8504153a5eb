//! Whether the cluster can agree.

use etcd_monitor_model::Quorum;

use super::state::AssessState;
use super::view::View;

/// Quorum of the agreed member list; `None` while no list with a voter is known.
pub(super) fn of(state: &AssessState, view: &View<'_>) -> Option<Quorum> {
    let agreed = state.agreed.as_ref()?.iter();
    let (learners, voters): (Vec<_>, Vec<_>) = agreed.partition(|listed| listed.is_learner);
    if voters.is_empty() {
        return None;
    }
    let rows = || voters.iter().map(|voter| view.row(voter.id));
    let answering = rows().flatten().filter(|row| row.answered).count();
    let silent = rows().flatten().filter(|row| row.silent()).count();
    // A voter that was not asked, or did not let the monitor in, may be well. A late monitor may have missed answers.
    let certain = answering + silent == voters.len() && (!view.late || silent == 0);
    let voters = u32::try_from(voters.len()).ok()?;
    let needed = voters / 2 + 1;
    let available = u32::try_from(answering).ok().filter(|_| certain);
    Some(Quorum {
        voters,
        learners: u32::try_from(learners.len()).ok()?,
        needed,
        available,
        tolerance: available.map(|available| available.saturating_sub(needed)),
    })
}
