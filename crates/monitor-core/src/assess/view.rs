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

/// A call that etcd refused, with what it said.
pub(super) struct Refusal<'a> {
    pub(super) call: &'static str,
    pub(super) failure: &'a ProbeFailure,
    pub(super) at: Timestamp,
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
        self.rows.iter().filter(|row| !self.is_foreign(row))
    }

    /// The statuses that members of this cluster answered.
    pub(super) fn statuses(&self) -> impl Iterator<Item = &'a MemberStatus> {
        self.own().filter_map(Row::status)
    }

    /// The metrics pages that members answered, with the member.
    pub(super) fn pages(&self) -> impl Iterator<Item = (MemberId, &'a MetricsPage)> {
        self.own().filter_map(|row| Some((row.id?, row.page()?)))
    }

    /// The row of a member, if it was probed: where several stand for it, the first that answered.
    pub(super) fn row(&self, id: MemberId) -> Option<&Row<'a>> {
        let of_member = || self.own().filter(|row| row.id == Some(id));
        of_member()
            .find(|row| row.answered)
            .or_else(|| of_member().next())
    }

    /// True for an endpoint of another cluster than the one that this name stands for.
    pub(super) fn is_foreign(&self, row: &Row<'_>) -> bool {
        row.cluster_id.is_some() && row.cluster_id != self.cluster_id
    }

    pub(super) fn any_answer(&self) -> bool {
        self.rows.iter().any(|row| row.answered)
    }

    pub(super) fn any_linearizable_read(&self) -> bool {
        self.own().any(|row| row.linearizable() == Some(true))
    }

    /// True when a linearizable read failed in a way that says something about the cluster.
    pub(super) fn any_failed_read(&self) -> bool {
        self.own().any(|row| row.linearizable() == Some(false))
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
            && !self.http_answered()
            && self.failure_kind().is_some_and(FailureKind::is_silence)
    }

    /// True when HTTP gave an answer, be it one that cannot be used.
    pub(super) fn http_answered(&self) -> bool {
        let answer = self.seen.metrics.as_ref();
        answer.is_some_and(|probe| {
            let kind = probe.failure().map(|failure| failure.kind);
            kind.is_none_or(|kind| kind == FailureKind::BadAnswer || spoke(kind))
        })
    }

    /// True when nobody was asked there: the address may not be contacted.
    pub(super) fn unasked(&self) -> bool {
        self.failure_kind() == Some(FailureKind::NotAllowed)
            || (self.seen.status.is_none() && !self.answered)
    }

    /// A call that was refused for want of the right user, password or token.
    pub(super) fn unauthenticated(&self) -> Option<Refusal<'a>> {
        let refused = |failure: &&ProbeFailure| failure.kind == FailureKind::Unauthenticated;
        let seen = self.seen;
        let refusal = |call, failure: Option<&'a ProbeFailure>, at: Option<Timestamp>| {
            failure
                .filter(refused)
                .zip(at)
                .map(|(failure, at)| Refusal { call, failure, at })
        };
        let status = seen.status.as_ref();
        let read = seen.read_linearizable.as_ref();
        refusal("Status", self.failure(), status.map(|probe| probe.at)).or_else(|| {
            refusal(
                "linearizable read",
                read.and_then(Probe::failure),
                read.map(|probe| probe.at),
            )
        })
    }

    /// Whether its linearizable read succeeded; `None` when it was not asked, or when what came back says nothing about
    /// the quorum: a learner serves none, and who is not let in learns nothing.
    pub(super) fn linearizable(&self) -> Option<bool> {
        let probe = self.seen.read_linearizable.as_ref()?;
        match probe.failure() {
            None => Some(true),
            Some(failure) if says_nothing(failure.kind) => None,
            Some(_) => Some(false),
        }
    }

    /// Whether it served a read from its own data, which is what either kind of read ends in.
    pub(super) fn serves_reads(&self) -> bool {
        let reads = [&self.seen.read_linearizable, &self.seen.read_serializable];
        reads
            .into_iter()
            .flatten()
            .any(|probe| probe.result.is_ok())
    }

    /// Why the read of its own data failed, if it was asked.
    pub(super) fn own_read_failure(&self) -> Option<&'a ProbeFailure> {
        self.seen
            .read_serializable
            .as_ref()
            .and_then(Probe::failure)
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

/// True for a failure that lies between the monitor and etcd's door, or in the kind of member: it tells nothing of how
/// the member fares.
pub(super) fn says_nothing(kind: FailureKind) -> bool {
    use FailureKind::{NotAllowed, NotSupported, PermissionDenied, Tls, Unauthenticated};
    matches!(
        kind,
        NotAllowed | NotSupported | PermissionDenied | Tls | Unauthenticated
    )
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
