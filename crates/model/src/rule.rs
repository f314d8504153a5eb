//! The stable names of the rules: what findings, alert rules, silences and links are addressed by.

use crate::AlertType;

/// No member of the cluster answers the monitor.
pub const CLUSTER_UNREACHABLE: &str = "ClusterUnreachable";
/// Too few voters are left to agree: writes and linearizable reads stop.
pub const QUORUM_LOST: &str = "QuorumLost";
/// Members answer, but no linearizable read succeeds through any of them.
pub const LINEARIZABLE_READ_FAILING: &str = "LinearizableReadFailing";
/// The members that answer know no leader.
pub const NO_LEADER: &str = "NoLeader";
/// More elections within an hour than is normal.
pub const FREQUENT_ELECTIONS: &str = "FrequentElections";
/// Members restart one at a time, and each comes back.
pub const ROLLING_RESTART: &str = "RollingRestart";
/// A member answers neither gRPC nor HTTP, and its peers do not hear it.
pub const MEMBER_DOWN: &str = "MemberDown";
/// A member answers `/metrics` but not gRPC.
pub const MEMBER_NOT_SERVING: &str = "MemberNotServing";
/// The monitor cannot reach a member that its peers hear.
pub const MEMBER_UNREACHABLE: &str = "MemberUnreachable";
/// A configured endpoint does not answer, and no known member is behind it.
pub const ENDPOINT_UNREACHABLE: &str = "EndpointUnreachable";
/// The TLS handshake with a member fails.
pub const TLS_FAILED: &str = "TlsFailed";
/// etcd refuses the monitor's user or password.
pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
/// Endpoints of more than one cluster stand under one name.
pub const CLUSTER_ID_MISMATCH: &str = "ClusterIdMismatch";
/// Two members claim to lead one raft term.
pub const SPLIT_BRAIN: &str = "SplitBrain";
/// A member lists other members than the ones that a quorum confirms.
pub const MEMBERSHIP_MISMATCH: &str = "MembershipMismatch";
/// A member answers that the cluster no longer lists.
pub const MEMBER_REMOVED: &str = "MemberRemoved";
/// A member was added and has not started.
pub const MEMBER_NOT_STARTED: &str = "MemberNotStarted";
/// A learner does not catch up.
pub const LEARNER_STUCK: &str = "LearnerStuck";
/// A learner has caught up, and nobody promotes it.
pub const LEARNER_NOT_PROMOTED: &str = "LearnerNotPromoted";
/// Another cluster took the place of the known one.
pub const CLUSTER_REPLACED: &str = "ClusterReplaced";
/// The quota is exceeded: the cluster refuses writes.
pub const ALARM_NO_SPACE: &str = "AlarmNoSpace";
/// etcd found data that differs between members.
pub const ALARM_CORRUPT: &str = "AlarmCorrupt";
/// Members hold different data.
pub const DATA_DIVERGENCE: &str = "DataDivergence";
/// The allocated database comes near its quota.
pub const DATABASE_NEAR_QUOTA: &str = "DatabaseNearQuota";
/// A member has committed nearly as many entries ahead of what it applied as etcd accepts before it rejects proposals.
pub const APPLY_LAG_NEAR_LIMIT: &str = "ApplyLagNearLimit";
/// The NOSPACE alarm is still raised although every member has room again.
pub const ALARM_NOT_DISARMED: &str = "AlarmNotDisarmed";
/// Much of the allocated database is free pages, and the file fills a good part of its quota.
pub const DATABASE_FRAGMENTED: &str = "DatabaseFragmented";
/// Old revisions pile up: nothing compacts the cluster.
pub const NEVER_COMPACTED: &str = "NeverCompacted";
/// The bytes in use reach the quota soon, if they go on growing as they do.
pub const QUOTA_FORECAST: &str = "QuotaForecast";
/// Rules that cannot be evaluated for a reason that stays until somebody acts.
pub const MONITORING_BLIND_SPOT: &str = "MonitoringBlindSpot";
/// A member's `/metrics` page cannot be read.
pub const METRICS_UNREADABLE: &str = "MetricsUnreadable";
/// What one member sends to another does not arrive.
pub const LINK_FAILING: &str = "LinkFailing";
/// The round trip between two members is long.
pub const LINK_SLOW: &str = "LinkSlow";
/// Voters do not hear each other, so that a group without a quorum exists or a voter is cut from the leader.
pub const NETWORK_PARTITION: &str = "NetworkPartition";
/// A member that the monitor reaches hears no peer, and no peer hears it.
pub const MEMBER_ISOLATED: &str = "MemberIsolated";
/// Snapshots to a peer fail although the link carries small messages.
pub const SNAPSHOT_SEND_FAILING: &str = "SnapshotSendFailing";
/// A member runs a version with known defects.
pub const KNOWN_BAD_VERSION: &str = "KnownBadVersion";
/// Members run different versions.
pub const MIXED_VERSIONS: &str = "MixedVersions";
/// The cluster acts as an older version than its members run, or a downgrade is enabled.
pub const CLUSTER_VERSION_BEHIND: &str = "ClusterVersionBehind";
/// etcd's own checks for corrupted data are off.
pub const CORRUPTION_CHECKS_OFF: &str = "CorruptionChecksOff";
/// A certificate is about to end, has ended, or is not valid yet.
pub const CERTIFICATE_EXPIRING: &str = "CertificateExpiring";
/// A member's certificate does not name the host that the member advertises.
pub const CERTIFICATE_NOT_COVERING: &str = "CertificateNotCovering";
/// A member's peer certificate may not be shown to other members as a client's.
pub const PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH: &str = "PeerCertificateWithoutClientAuth";
/// Members' certificates come from different authorities.
pub const CERTIFICATE_ISSUERS_DIFFER: &str = "CertificateIssuersDiffer";
/// A clock differs from the others.
pub const CLOCK_SKEW: &str = "ClockSkew";
/// The canary's key cannot be written.
pub const CANARY_WRITE_FAILING: &str = "CanaryWriteFailing";
/// A member's watch tells late of the canary's writes.
pub const WATCH_LATE: &str = "WatchLate";
/// A WAL fsync of a member takes longer than etcd advises.
pub const WAL_FSYNC_SLOW: &str = "WalFsyncSlow";
/// A backend commit of a member takes longer than etcd advises.
pub const BACKEND_COMMIT_SLOW: &str = "BackendCommitSlow";
/// One member's disk is much slower than those of the others.
pub const MEMBER_DISK_SLOW: &str = "MemberDiskSlow";
/// The leader sends its heartbeats too late: it stalls itself.
pub const HEARTBEATS_LATE: &str = "HeartbeatsLate";
/// Writes wait for long, or fail: there are more than the cluster can take.
pub const WRITE_OVERLOAD: &str = "WriteOverload";
/// Watchers do not keep up, and very many events wait for them.
pub const SLOW_WATCHERS: &str = "SlowWatchers";
/// Many requests to a member fail on the server's side.
pub const REQUESTS_FAILING: &str = "RequestsFailing";
/// Requests to a member take long.
pub const REQUESTS_SLOW: &str = "RequestsSlow";
/// A member has nearly as many file descriptors open as it may.
pub const FILE_DESCRIPTORS_NEAR_LIMIT: &str = "FileDescriptorsNearLimit";
/// The monitor itself is late: what it missed says nothing about etcd.
pub const MONITOR_LATE: &str = "MonitorLate";
/// Several clusters time out at once: the monitor is cut off.
pub const MONITOR_CUT_OFF: &str = "MonitorCutOff";
/// The monitor's history is not stored: its disk refuses it.
pub const HISTORY_NOT_STORED: &str = "HistoryNotStored";
/// The monitor's alerts and notifications are not stored: a restart would forget them.
pub const ALERTS_NOT_STORED: &str = "AlertsNotStored";
/// A notification channel does not deliver.
pub const NOTIFICATIONS_FAILING: &str = "NotificationsFailing";

/// Every rule, in the order above.
pub const ALL: [&str; 61] = [
    CLUSTER_UNREACHABLE,
    QUORUM_LOST,
    LINEARIZABLE_READ_FAILING,
    NO_LEADER,
    FREQUENT_ELECTIONS,
    ROLLING_RESTART,
    MEMBER_DOWN,
    MEMBER_NOT_SERVING,
    MEMBER_UNREACHABLE,
    ENDPOINT_UNREACHABLE,
    TLS_FAILED,
    AUTHENTICATION_FAILED,
    CLUSTER_ID_MISMATCH,
    SPLIT_BRAIN,
    MEMBERSHIP_MISMATCH,
    MEMBER_REMOVED,
    MEMBER_NOT_STARTED,
    LEARNER_STUCK,
    LEARNER_NOT_PROMOTED,
    CLUSTER_REPLACED,
    ALARM_NO_SPACE,
    ALARM_CORRUPT,
    DATA_DIVERGENCE,
    DATABASE_NEAR_QUOTA,
    APPLY_LAG_NEAR_LIMIT,
    ALARM_NOT_DISARMED,
    DATABASE_FRAGMENTED,
    NEVER_COMPACTED,
    QUOTA_FORECAST,
    MONITORING_BLIND_SPOT,
    METRICS_UNREADABLE,
    LINK_FAILING,
    LINK_SLOW,
    NETWORK_PARTITION,
    MEMBER_ISOLATED,
    SNAPSHOT_SEND_FAILING,
    KNOWN_BAD_VERSION,
    MIXED_VERSIONS,
    CLUSTER_VERSION_BEHIND,
    CORRUPTION_CHECKS_OFF,
    CERTIFICATE_EXPIRING,
    CERTIFICATE_NOT_COVERING,
    PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH,
    CERTIFICATE_ISSUERS_DIFFER,
    CLOCK_SKEW,
    CANARY_WRITE_FAILING,
    WATCH_LATE,
    WAL_FSYNC_SLOW,
    BACKEND_COMMIT_SLOW,
    MEMBER_DISK_SLOW,
    HEARTBEATS_LATE,
    WRITE_OVERLOAD,
    SLOW_WATCHERS,
    REQUESTS_FAILING,
    REQUESTS_SLOW,
    FILE_DESCRIPTORS_NEAR_LIMIT,
    MONITOR_LATE,
    MONITOR_CUT_OFF,
    HISTORY_NOT_STORED,
    ALERTS_NOT_STORED,
    NOTIFICATIONS_FAILING,
];

/// The area that the findings of a rule belong to; `None` for a name that is none of these rules.
pub fn alert_type(rule: &str) -> Option<AlertType> {
    let area = match rule {
        NO_LEADER | FREQUENT_ELECTIONS | HEARTBEATS_LATE => AlertType::Leader,
        CLUSTER_UNREACHABLE | QUORUM_LOST | LINEARIZABLE_READ_FAILING | CANARY_WRITE_FAILING => {
            AlertType::Quorum
        }
        MEMBER_UNREACHABLE
        | SPLIT_BRAIN
        | LINK_FAILING
        | NETWORK_PARTITION
        | MEMBER_ISOLATED
        | SNAPSHOT_SEND_FAILING => AlertType::Partition,
        ROLLING_RESTART | MEMBER_DOWN | MEMBER_NOT_SERVING | MEMBER_REMOVED
        | MEMBER_NOT_STARTED | LEARNER_STUCK | LEARNER_NOT_PROMOTED | METRICS_UNREADABLE
        | REQUESTS_FAILING => AlertType::Member,
        LINK_SLOW | WATCH_LATE | WAL_FSYNC_SLOW | BACKEND_COMMIT_SLOW | MEMBER_DISK_SLOW
        | WRITE_OVERLOAD | SLOW_WATCHERS | REQUESTS_SLOW => AlertType::Latency,
        ALARM_NO_SPACE
        | DATABASE_NEAR_QUOTA
        | APPLY_LAG_NEAR_LIMIT
        | ALARM_NOT_DISARMED
        | DATABASE_FRAGMENTED
        | NEVER_COMPACTED
        | QUOTA_FORECAST
        | FILE_DESCRIPTORS_NEAR_LIMIT => AlertType::Capacity,
        MEMBERSHIP_MISMATCH | ALARM_CORRUPT | DATA_DIVERGENCE => AlertType::Corruption,
        ENDPOINT_UNREACHABLE
        | TLS_FAILED
        | AUTHENTICATION_FAILED
        | CLUSTER_ID_MISMATCH
        | CLUSTER_REPLACED
        | MONITORING_BLIND_SPOT
        | KNOWN_BAD_VERSION
        | MIXED_VERSIONS
        | CLUSTER_VERSION_BEHIND
        | CORRUPTION_CHECKS_OFF
        | CERTIFICATE_EXPIRING
        | CERTIFICATE_NOT_COVERING
        | PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH
        | CERTIFICATE_ISSUERS_DIFFER
        | CLOCK_SKEW
        | MONITOR_LATE
        | MONITOR_CUT_OFF
        | HISTORY_NOT_STORED
        | ALERTS_NOT_STORED
        | NOTIFICATIONS_FAILING => AlertType::Configuration,
        _ => return None,
    };
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_belongs_to_an_area() {
        for rule in ALL {
            assert!(alert_type(rule).is_some(), "{rule}");
        }
        assert_eq!(alert_type("Moon"), None);
    }
}
