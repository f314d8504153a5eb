//! The client's answers in the words of the model.

use etcd_monitor_client::{
    AlarmAnswer, AlarmKind as ClientAlarm, CertificateAnswer, ClientError, DateAnswer, ErrorKind,
    HashKvAnswer, MemberListAnswer, Operation, ReadAnswer as ClientRead,
    ShownCertificates as ClientShown, StatusAnswer,
};
use etcd_monitor_model::{
    Alarm, AlarmKind, Certificate, ClockReading, ClusterId, FailureKind, KvHash, ListedMember,
    MemberId, MemberObservation, MemberStatus, MembershipView, ProbeFailure, ReadAnswer,
    ShownCertificates,
};
use jiff::Timestamp;

/// The member list that discovery follows: one that a quorum confirmed, before one that a member believes.
pub(super) fn best_list(seen: &[MemberObservation]) -> Option<&MembershipView> {
    let confirmed = seen
        .iter()
        .find_map(|member| member.members_linearizable.as_ref()?.ok());
    let believed = || {
        seen.iter()
            .find_map(|member| member.members_serializable.as_ref()?.ok())
    };
    confirmed.or_else(believed)
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
        storage_version: answer.storage_version,
        downgrade_target: answer.downgrade_target,
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

pub(super) fn hash(answer: &HashKvAnswer) -> KvHash {
    KvHash {
        cluster_id: ClusterId(answer.cluster_id),
        member_id: MemberId(answer.member_id),
        hash: answer.hash,
        compact_revision: answer.compact_revision,
        hash_revision: answer.hash_revision,
        revision: answer.revision,
    }
}

pub(super) fn shown_certificates(answer: ClientShown) -> ShownCertificates {
    ShownCertificates {
        chain: certificates(answer.chain),
        covers_host: answer.covers_host,
        refused: answer.refused,
    }
}

pub(super) fn certificates(chain: Vec<CertificateAnswer>) -> Vec<Certificate> {
    chain.into_iter().map(certificate).collect()
}

fn certificate(answer: CertificateAnswer) -> Certificate {
    Certificate {
        subject: answer.subject,
        issuer: answer.issuer,
        serial: answer.serial,
        issuer_key: answer.issuer_key,
        own_key: answer.own_key,
        not_before: timestamp(answer.not_before),
        not_after: timestamp(answer.not_after),
        names: answer.names,
        server_auth: answer.server_auth,
        client_auth: answer.client_auth,
    }
}

/// The nearest time that can be shown: certificates without an end carry the last second of the year 9999.
fn timestamp(second: i64) -> Timestamp {
    let nearest = if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(second).unwrap_or(nearest)
}

/// `None` for a time that no calendar shows.
pub(super) fn clock(answer: &DateAnswer) -> Option<ClockReading> {
    Some(ClockReading {
        sent_at: Timestamp::try_from(answer.sent_at).ok()?,
        answered_after_seconds: answer.answered_after.as_secs_f64(),
        date: Timestamp::try_from(answer.date).ok()?,
    })
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
        message: message(error),
    }
}

/// A call that never was made, since the password could not be exchanged for a token, says so: etcd authenticates by
/// consensus, so without quorum that is what fails.
fn message(error: &ClientError) -> String {
    match error.operation() {
        Operation::Authenticate => {
            format!("authentication, which needs a quorum: {}", error.reason())
        }
        _ => error.reason().to_owned(),
    }
}
