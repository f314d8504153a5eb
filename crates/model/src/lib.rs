//! The vocabulary of etcd-monitor.
//!
//! An [`Observation`] holds what one cycle saw of one cluster; `assess` (in `etcd-monitor-core`) turns it into a
//! [`Snapshot`], whose [`Finding`]s say what is true, what is false and what is not known. Everything that answers
//! a question (REST, exporter, dashboard, alert rules) reads the latest [`Snapshot`].
//!
//! This crate knows nothing of I/O, of tokio or of any etcd client: its types are plain data, serialisable with
//! serde, and deterministic.
//!
//! Unknown is a value here: a part that was not measured is an `Option::None`, a [`Probe`] with a failure, or
//! [`FindingStatus::Unknown`] with its reason, never a zero.

mod buckets;
mod canary;
mod capacity;
mod consistency;
mod coverage;
mod election;
mod finding;
mod history;
mod id;
mod learner;
mod link;
mod member_metrics;
mod metrics_page;
mod observation;
#[cfg(feature = "openapi")]
mod openapi;
mod probe_record;
pub mod rule;
mod sample;
mod sampling;
mod snapshot;
mod stat;
mod text;
mod trust;
mod versions;

pub use canary::{CanaryEvent, CanaryReading, CanarySummary};
pub use capacity::MemberCapacity;
pub use consistency::{ConsistencySummary, HashAnswer, HashRound, KvHash};
pub use coverage::{Coverage, RuleGap, SignalGap, UnknownClass};
pub use election::{LeaderChange, LeaderChangeCause};
pub use finding::{
    AlertType, Confidence, Evidence, Finding, FindingKey, FindingStatus, Severity, Subject,
    SubjectKind,
};
pub use history::{
    HistoryError, HistoryQuery, HistoryStore, Point, PointStream, SeriesKey, SeriesPoints,
    SeriesSelector,
};
pub use id::{ClusterId, ClusterName, MemberId, ParseIdError};
pub use learner::LearnerProgress;
pub use link::{LinkSnapshot, LinkState, RoundTrip};
pub use member_metrics::{
    DiskLatency, Durations, LatencyMetrics, LatencySource, LeaseLoad, MeasuredLatency,
    MemberMetrics, NetworkLoad, ProcessLoad, RaftLoad, RequestLoad, WatchLoad,
};
pub use metrics_page::{
    AlarmCount, DiskMetrics, HistogramReading, MetricsPage, NetworkMetrics, PeerMetrics,
    ProcessMetrics, RaftMetrics, RequestMetrics, StoreMetrics,
};
pub use observation::{
    Alarm, AlarmKind, EndpointOrigin, FailureKind, ListedMember, MemberObservation, MemberStatus,
    MembershipView, MonitorCondition, Observation, Probe, ProbeFailure, ReadAnswer,
};
pub use probe_record::{CallOutcome, ProbeKind, ProbeRecord};
pub use sample::{Sample, SampleBatch, SampledMember};
pub use sampling::catalogue::{Metric, MetricScope, MetricUnit, metric_catalogue};
pub use sampling::samples;
pub use snapshot::{
    ClusterHealth, DatabaseSize, LatencySummary, Leader, MemberRole, MemberSnapshot, ProbeCost,
    Quorum, RaftProgress, ServerCounters, Snapshot,
};
pub use stat::{PartFailure, Stat, StatKind, StatSource};
pub use text::{is_unprintable, plain_text};
pub use trust::{
    Certificate, CertificateReport, ClockOffset, ClockReading, MemberPort, MemberTrust,
    PortCertificate, PortKind, PortTrust, ShownCertificates, TrustReport, UnseenPort,
};
pub use versions::{KnownDefect, MemberVersions, VersionReport};
