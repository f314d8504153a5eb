//! Who answered in this cycle, and as whom.

use etcd_monitor_model::{
    ClusterId, FailureKind, MemberId, MemberObservation, MemberStatus, MetricsPage, Observation,
    Probe, ProbeFailure,
};
use jiff::Timestamp;

use super::state::AssessState;

/// One cycle's observation with the first questions answered.
pub(super) struct View<'a> {
    /// True when the monitor itself was late: failures then say nothing about etcd.
    pub(super) late: bool,
    pub(super) ended_at: Timestamp,
    /// The cluster that this name stands for: the one known before, else the one most members name.
    pub(super) cluster_id: Option<ClusterId>,
    pub(super) rows: Vec<Row<'a>>,
}

/// One probed endpoint.
pub(super) struct Row<'a> {
    pub(super) seen: &'a MemberObservation,
    /// The member behind the endpoint, from its own answer or else as expected.
    pub(super) id: Option<MemberId>,
    /// True when something that speaks etcd's protocol answered at least one call.
    pub(super) answered: bool,
    /// Cluster id that it answered with.
    pub(super) cluster_id: Option<ClusterId>,
}

impl<'a> View<'a> {
    pub(super) fn of(observation: &'a Observation, state: &AssessState) -> Self {
        let rows: Vec<Row<'a>> = observation.members.iter().map(Row::of).collect();
        Self {
            late: observation.monitor.is_late(),
            ended_at: observation.ended_at,
            cluster_id: replacement(&rows, state)
                .or(state.cluster_id)
                .or_else(|| most_named(&rows)),
            rows,
        }
    }

    /// Rows of the cluster that this name stands for.
    pub(super) fn own(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows
            .iter()
            .filter(|row| row.cluster_id.is_none() || row.cluster_id == self.cluster_id)
    }

    /// The statuses that members of this cluster answered.
    pub(super) fn statuses(&self) -> impl Iterator<Item = &'a MemberStatus> {
        self.own().filter_map(Row::status)
    }

    /// The metrics pages that members answered, with the member.
    pub(super) fn pages(&self) -> impl Iterator<Item = (MemberId, &'a MetricsPage)> {
        self.own().filter_map(|row| Some((row.id?, row.page()?)))
    }

    /// The row of a member, if it was probed.
    pub(super) fn row(&self, id: MemberId) -> Option<&Row<'a>> {
        self.own().find(|row| row.id == Some(id))
    }

    pub(super) fn any_answer(&self) -> bool {
        self.rows.iter().any(|row| row.answered)
    }

    pub(super) fn any_linearizable_read(&self) -> bool {
        self.own().any(|row| row.linearizable() == Some(true))
    }
}

impl<'a> Row<'a> {
    fn of(seen: &'a MemberObservation) -> Self {
        let status = seen.status.as_ref().and_then(Probe::ok);
        Self {
            seen,
            id: status
                .map(|status| status.member_id)
                .or(seen.expected_member),
            answered: answered(seen),
            cluster_id: cluster_id(seen),
        }
    }

    pub(super) fn status(&self) -> Option<&'a MemberStatus> {
        self.seen.status.as_ref().and_then(Probe::ok)
    }

    pub(super) fn page(&self) -> Option<&'a MetricsPage> {
        self.seen.metrics.as_ref().and_then(Probe::ok)
    }

    /// The failure of its Status call.
    pub(super) fn failure(&self) -> Option<&'a ProbeFailure> {
        self.seen.status.as_ref().and_then(Probe::failure)
    }

    pub(super) fn failure_kind(&self) -> Option<FailureKind> {
        self.failure().map(|failure| failure.kind)
    }

    /// True when neither gRPC nor HTTP gave any answer.
    pub(super) fn silent(&self) -> bool {
        !self.answered
            && self.page().is_none()
            && self.failure_kind().is_some_and(FailureKind::is_silence)
    }

    /// Whether its linearizable read succeeded; `None` when it was not asked or could not be.
    pub(super) fn linearizable(&self) -> Option<bool> {
        Some(self.seen.read_linearizable.as_ref()?.result.is_ok())
    }
}

/// True when any call got an answer from etcd, an error of its own included.
fn answered(seen: &MemberObservation) -> bool {
    let spoke = |failure: Option<&ProbeFailure>| failure.is_none_or(|failure| spoke(failure.kind));
    [
        seen.status.as_ref().map(|probe| spoke(probe.failure())),
        seen.members_serializable
            .as_ref()
            .map(|probe| spoke(probe.failure())),
        seen.members_linearizable
            .as_ref()
            .map(|probe| spoke(probe.failure())),
        seen.alarms.as_ref().map(|probe| spoke(probe.failure())),
        seen.read_linearizable
            .as_ref()
            .map(|probe| spoke(probe.failure())),
        seen.read_serializable
            .as_ref()
            .map(|probe| spoke(probe.failure())),
    ]
    .into_iter()
    .flatten()
    .any(|spoke| spoke)
}

fn spoke(kind: FailureKind) -> bool {
    use FailureKind::{NoLeader, NotSupported, Other, PermissionDenied};
    matches!(kind, NoLeader | NotSupported | Other | PermissionDenied)
}

fn cluster_id(seen: &MemberObservation) -> Option<ClusterId> {
    let status = seen
        .status
        .as_ref()
        .and_then(Probe::ok)
        .map(|status| status.cluster_id);
    let list = seen
        .members_serializable
        .as_ref()
        .and_then(Probe::ok)
        .map(|list| list.cluster_id);
    status.or(list)
}

/// The id of a cluster that took the known one's place: every endpoint answers, and all with the same other id. While
/// one endpoint is silent it may still be the known cluster.
fn replacement(rows: &[Row<'_>], state: &AssessState) -> Option<ClusterId> {
    let known = state.cluster_id?;
    let first = rows.first()?.cluster_id?;
    let all = rows.iter().all(|row| row.cluster_id == Some(first));
    (all && first != known).then_some(first)
}

/// The cluster id that most rows answered; among equals the one that was configured first.
fn most_named(rows: &[Row<'_>]) -> Option<ClusterId> {
    let named: Vec<ClusterId> = rows.iter().filter_map(|row| row.cluster_id).collect();
    let votes = |id: ClusterId| named.iter().filter(|other| **other == id).count();
    named.iter().copied().reduce(|best, next| {
        if votes(next) > votes(best) {
            next
        } else {
            best
        }
    })
}
