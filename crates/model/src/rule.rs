//! The stable names of the rules: what findings, alert rules, silences and links are addressed by.

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
/// Another cluster took the place of the known one.
pub const CLUSTER_REPLACED: &str = "ClusterReplaced";
/// The quota is exceeded: the cluster refuses writes.
pub const ALARM_NO_SPACE: &str = "AlarmNoSpace";
/// etcd found data that differs between members.
pub const ALARM_CORRUPT: &str = "AlarmCorrupt";
/// The allocated database comes near its quota.
pub const DATABASE_NEAR_QUOTA: &str = "DatabaseNearQuota";
/// A member's `/metrics` page cannot be read.
pub const METRICS_UNREADABLE: &str = "MetricsUnreadable";
/// The monitor itself is late: what it missed says nothing about etcd.
pub const MONITOR_LATE: &str = "MonitorLate";
/// Several clusters time out at once: the monitor is cut off.
pub const MONITOR_CUT_OFF: &str = "MonitorCutOff";

/// Every rule, in the order above.
pub const ALL: [&str; 19] = [
    CLUSTER_UNREACHABLE,
    QUORUM_LOST,
    LINEARIZABLE_READ_FAILING,
    NO_LEADER,
    FREQUENT_ELECTIONS,
    MEMBER_DOWN,
    MEMBER_NOT_SERVING,
    MEMBER_UNREACHABLE,
    ENDPOINT_UNREACHABLE,
    TLS_FAILED,
    AUTHENTICATION_FAILED,
    CLUSTER_ID_MISMATCH,
    CLUSTER_REPLACED,
    ALARM_NO_SPACE,
    ALARM_CORRUPT,
    DATABASE_NEAR_QUOTA,
    METRICS_UNREADABLE,
    MONITOR_LATE,
    MONITOR_CUT_OFF,
];
