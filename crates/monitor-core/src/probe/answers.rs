//! The client's answers in the words of the model.

use etcd_monitor_client::{
    AlarmAnswer, AlarmKind as ClientAlarm, ClientError, ErrorKind, MemberListAnswer,
    ReadAnswer as ClientRead, StatusAnswer,
};
use etcd_monitor_model::{
    Alarm, AlarmKind, ClusterId, FailureKind, ListedMember, MemberId, MemberObservation,
    MemberStatus, MembershipView, ProbeFailure, ReadAnswer,
};

/// The member list that discovery follows: one that a quorum confirmed, before one that a member believes.
pub(super) fn best_list(seen: &[MemberObservation]) -> Option<&MembershipView> {
    let confirmed = seen
        .iter()
        .find_map(|member| member.members_linearizable.as_ref()?.ok());
    let mut believed = seen.iter();
    confirmed.or_else(|| believed.find_map(|member| member.members_serializable.as_ref()?.ok()))
}

pub(super) fn status(answer: StatusAnswer) -> MemberStatus {
    MemberStatus {
        cluster_id: ClusterId(answer.cluster_id),
        member_id: MemberId(answer.member_id),
        revision: answer.revision,
        raft_term: answer.raft_term,
        raft_index: answer.raft_index,
        raft_applied_index: answer.raft_applied_index,
        leader: answer.leader.map(MemberId),
        is_learner: answer.is_learner,
        version: answer.version,
        db_size_bytes: answer.db_size_bytes,
        db_size_in_use_bytes: answer.db_size_in_use_bytes,
        db_quota_bytes: answer.db_quota_bytes,
        errors: answer.errors,
    }
}

pub(super) fn membership(answer: MemberListAnswer) -> MembershipView {
    let listed = |member: etcd_monitor_client::MemberEntry| ListedMember {
        id: MemberId(member.id),
        name: member.name,
        client_urls: member.client_urls,
        peer_urls: member.peer_urls,
        is_learner: member.is_learner,
    };
    let mut members: Vec<ListedMember> = answer.members.into_iter().map(listed).collect();
    members.sort_by_key(|member| member.id);
    MembershipView {
        cluster_id: ClusterId(answer.cluster_id),
        members,
    }
}

pub(super) fn alarms(answer: Vec<AlarmAnswer>) -> Vec<Alarm> {
    answer.into_iter().map(alarm).collect()
}

fn alarm(answer: AlarmAnswer) -> Alarm {
    let kind = match answer.kind {
        ClientAlarm::NoSpace => AlarmKind::NoSpace,
        ClientAlarm::Corrupt => AlarmKind::Corrupt,
        _ => AlarmKind::Unknown,
    };
    Alarm {
        member: answer.member.map(MemberId),
        kind,
    }
}

pub(super) fn read(answer: &ClientRead) -> ReadAnswer {
    ReadAnswer {
        revision: Some(answer.revision),
    }
}

pub(super) fn failure(error: &ClientError) -> ProbeFailure {
    let kind = match error.kind() {
        ErrorKind::Refused => FailureKind::Refused,
        ErrorKind::TimedOut => FailureKind::TimedOut,
        ErrorKind::NameResolution => FailureKind::NameResolution,
        ErrorKind::Tls => FailureKind::Tls,
        ErrorKind::Unauthenticated => FailureKind::Unauthenticated,
        ErrorKind::PermissionDenied => FailureKind::PermissionDenied,
        ErrorKind::NoLeader => FailureKind::NoLeader,
        ErrorKind::NotSupported => FailureKind::NotSupported,
        ErrorKind::BadAnswer => FailureKind::BadAnswer,
        ErrorKind::NotAllowed => FailureKind::NotAllowed,
        _ => FailureKind::Other,
    };
    ProbeFailure {
        kind,
        message: error.reason().to_owned(),
    }
}
