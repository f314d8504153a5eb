//! Alerts over the findings of etcd-monitor: which finding is told to whom, when, and when it is over.
//!
//! A [`Rule`] selects findings by their rule name and adds how long they must hold and how severe the alert is; it
//! never changes the finding. [`AlertEngine`] is the state machine (pending, firing, resolved): pure, deterministic,
//! with the time passed in. [`Alerting`] drives it from live snapshots and delivers what it says through
//! [`Notifier`]s: [`ConsoleNotifier`], `EmailNotifier` (Cargo feature `smtp`), `SlackNotifier`, `PagerDutyNotifier`,
//! `WebhookNotifier`, `AlertmanagerNotifier` (Cargo feature `http`), or your own. Both features are on by default.
//!
//! This crate knows nothing of etcd and of serving HTTP. It does not judge whether something is wrong (findings say
//! so) nor what explains it (`caused_by` says so).
//!
//! ```
//! use etcd_monitor_alerting::{AlertEngine, AlertPolicy, NotificationKind};
//! use etcd_monitor_model::{
//!     AlertType, ClusterName, Finding, FindingStatus, MonitorCondition, Severity, Snapshot, Subject,
//! };
//!
//! let at: jiff::Timestamp = "2026-01-01T00:00:00Z".parse()?;
//! let cluster = ClusterName::new("prod");
//! let monitor = MonitorCondition { timer_lag_seconds: 0.0, deadline_seconds: 2.0 };
//! let mut snapshot = Snapshot::empty(cluster.clone(), at, monitor);
//! let subject = Subject::cluster(&cluster);
//! let mut finding =
//!     Finding::new("AlarmNoSpace", AlertType::Capacity, Severity::Critical, &cluster, subject, at);
//! finding.status = FindingStatus::True;
//! finding.cause = "The cluster refuses writes".to_owned();
//! snapshot.cycle = 1;
//! snapshot.interval_seconds = 5.0;
//! snapshot.findings.push(finding);
//!
//! let mut engine = AlertEngine::new(AlertPolicy::to_channels(["console"]));
//! let notifications = engine.observe(&snapshot, at);
//! assert_eq!(notifications[0].kind, NotificationKind::Fired);
//! # Ok::<(), jiff::Error>(())
//! ```

mod alert;
mod dispatch;
mod engine;
#[cfg(test)]
mod fixtures;
#[cfg(feature = "http")]
mod heartbeat;
mod incidents;
mod inhibition;
mod links;
mod maintenance;
mod matcher;
mod message;
mod metric_rule;
mod mute_file;
mod notification;
mod notifier;
mod panics;
mod policy;
mod route;
mod rule;
mod rule_test;
mod silence;
mod store;
mod suggestion;
mod templates;

pub use alert::{
    ALERT_LABELS, Acknowledgement, Alert, AlertEvent, AlertEventKind, AlertState, Fingerprint,
    MutedBy, ResolveReason, check_labels,
};
pub use dispatch::channel::{Channel, ChannelLimits};
pub use dispatch::handle::{AlertsHandle, FollowedCluster};
pub use dispatch::mute_watch::MuteWatch;
pub use dispatch::view::{AlertsView, ChannelStats, StoreStatus};
pub use dispatch::{Alerting, AlertingOptions};
pub use engine::{AlertEngine, DEDUP_WINDOW, HISTORY_LIMIT, MAX_ALERTS, RestoreError, StateRow};
#[cfg(feature = "http")]
pub use heartbeat::{
    Heartbeat, HeartbeatHandle, HeartbeatMethod, HeartbeatOptions, HeartbeatStatus,
};
pub use incidents::{AlertIncident, incidents};
pub use inhibition::{Inhibition, InhibitionError};
pub use links::MessageLinks;
pub use maintenance::{MaintenanceError, MaintenanceWindow};
pub use matcher::{MatchOp, Matcher, MatcherError};
pub use metric_rule::{Aggregate, MetricRule, MetricRuleError, MetricRuleText, MetricRules};
pub use mute_file::{MuteFile, MuteFileError, MuteFileStamp};
pub use notification::{Group, MAX_ALERTS_TOLD, Notification, NotificationKind};
#[cfg(feature = "http")]
pub use notifier::alertmanager::{AlertmanagerNotifier, AlertmanagerOptions};
pub use notifier::config_error::ConfigError;
pub use notifier::console::{ConsoleNotifier, ConsoleOptions};
#[cfg(feature = "http")]
pub use notifier::door::{HttpAuth, HttpOptions};
#[cfg(feature = "smtp")]
pub use notifier::email::{EmailNotifier, EmailOptions, SmtpEncryption};
#[cfg(feature = "http")]
pub use notifier::pagerduty::{PagerDutyNotifier, PagerDutyOptions};
#[cfg(feature = "http")]
pub use notifier::slack::{SlackNotifier, SlackOptions, SlackTarget};
#[cfg(feature = "http")]
pub use notifier::webhook::{WebhookMethod, WebhookNotifier, WebhookOptions};
pub use notifier::{Delivery, Notifier, NotifyError, Receipt};
pub use policy::{AlertPolicy, ChannelPace};
pub use route::{ResolvedTiming, Route, RouteError, RouteTiming, Target};
pub use rule::{Rule, SeverityPolicy, default_rules};
pub use rule_test::{
    Expectation, ExpectedAlert, ExpectedNotification, Mismatch, RuleTest, RuleTestError,
    RuleTestInput, RuleTestOutcome, WrittenFinding, WrittenInput, WrittenSeries, WrittenSubject,
};
pub use silence::{MAX_SILENCES, Mutes, SILENCE_RETENTION, Silence, SilenceError, SilenceState};
pub use store::file::FileAlertStore;
pub use store::memory::MemoryAlertStore;
pub use store::{
    AlertStore, Changes, DeadLetter, KeptReceipt, MAX_DEAD_LETTERS, ReceiptKey, SetAside,
    StoreError, Stored,
};
pub use suggestion::nearest;
pub use templates::{TemplateError, TemplatePart, Templates};
