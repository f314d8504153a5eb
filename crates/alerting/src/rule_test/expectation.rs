//! What must come out of a test, and how it differs from what does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::{Severity, plain_text};
use jiff::SignedDuration;
use serde::Serialize;

use super::{Expectation, labels_in_words};
use crate::alert::{Alert, AlertState};
use crate::notification::{Notification, NotificationKind};

/// Lines of a list that are shown.
const LINES_MAX: usize = 20;

/// An alert that must be there. What is `None` may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedAlert {
    /// Its rule.
    pub rule: String,
    /// Whether it fires, or is pending.
    pub state: AlertState,
    /// Its cluster.
    pub cluster: Option<String>,
    /// The name of its subject.
    pub subject: Option<String>,
    /// Its severity.
    pub severity: Option<Severity>,
    /// Some of its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether a silence, a maintenance window or an inhibition mutes it.
    pub muted: Option<bool>,
    /// Whether its condition cannot be evaluated at the time.
    pub unknown: Option<bool>,
}

/// A message that must have been told. What is `None` may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedNotification {
    /// Its channel.
    pub channel: String,
    /// What is told.
    pub kind: NotificationKind,
    /// The rules of all its alerts, those that are over included.
    pub rules: Option<Vec<String>>,
    /// Its severity.
    pub severity: Option<Severity>,
}

/// A list that came out otherwise than it must.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Mismatch {
    /// When, counted from the first cycle, in seconds.
    pub at_seconds: f64,
    /// Of what: `alerts` or `notifications`.
    pub of: &'static str,
    /// What must be, a line each.
    pub expected: Vec<String>,
    /// What is, a line each; of many the first 20.
    pub got: Vec<String>,
}

impl Mismatch {
    /// The time in words: `10m`.
    pub fn at_in_words(&self) -> String {
        let at = SignedDuration::try_from_secs_f64(self.at_seconds).unwrap_or_default();
        format!("{at:#}")
    }
}

impl ExpectedAlert {
    /// An alert of a rule that fires.
    pub fn firing(rule: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            state: AlertState::Firing,
            cluster: None,
            subject: None,
            severity: None,
            labels: BTreeMap::new(),
            muted: None,
            unknown: None,
        }
    }

    fn fits(&self, alert: &Alert) -> bool {
        let is =
            |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|it| it == name);
        let mut labels = self.labels.iter();
        self.rule == alert.rule
            && self.state == alert.state
            && is(&self.cluster, alert.cluster.as_str())
            && is(&self.subject, &alert.subject.name)
            && self.severity.is_none_or(|it| it == alert.severity)
            && self.muted.is_none_or(|it| it == alert.muted_by.is_some())
            && self
                .unknown
                .is_none_or(|it| it == alert.unknown_since.is_some())
            && labels.all(|(name, value)| alert.label(name).as_deref() == Some(value))
    }

    /// How much it says: what says more has the first choice.
    fn weight(&self) -> usize {
        let said = [
            self.cluster.is_some(),
            self.subject.is_some(),
            self.severity.is_some(),
            self.muted.is_some(),
            self.unknown.is_some(),
        ];
        self.labels.len() + said.into_iter().filter(|said| *said).count()
    }

    fn in_words(&self) -> String {
        let any = |text: Option<&str>| text.map(|text| format!(" {text}")).unwrap_or_default();
        let flag = |flag: Option<bool>, name: &str| match flag {
            Some(true) => format!(" {name}"),
            Some(false) => format!(" not {name}"),
            None => String::new(),
        };
        format!(
            "{} {}{}{}{}{}{}{}",
            self.rule,
            self.state,
            any(self.severity.map(Severity::as_str)),
            any(self.cluster.as_deref()),
            any(self.subject.as_deref()),
            flag(self.muted, "muted"),
            flag(self.unknown, "unknown"),
            labels_in_words(&self.labels)
        )
    }
}

fn alert_in_words(alert: &Alert) -> String {
    let flag = |set: bool, name: &'static str| if set { name } else { "" };
    format!(
        "{} {} {} {} {}{}{}{}",
        alert.rule,
        alert.state,
        alert.severity,
        alert.cluster,
        plain_text(&alert.subject.name),
        flag(alert.muted_by.is_some(), " muted"),
        flag(alert.unknown_since.is_some(), " unknown"),
        labels_in_words(&alert.labels)
    )
}

impl ExpectedNotification {
    /// A message through a channel.
    pub fn new(channel: impl Into<String>, kind: NotificationKind) -> Self {
        Self {
            channel: channel.into(),
            kind,
            rules: None,
            severity: None,
        }
    }

    fn fits(&self, told: &Notification) -> bool {
        let rules = self.rules.as_ref();
        let rules = rules.map(|rules| rules.iter().map(String::as_str).collect());
        self.channel == told.channel
            && self.kind == told.kind
            && self.severity.is_none_or(|it| it == told.severity)
            && rules.is_none_or(|wanted: BTreeSet<&str>| wanted == rules_of(told))
    }

    fn weight(&self) -> usize {
        usize::from(self.rules.is_some()) + usize::from(self.severity.is_some())
    }

    fn in_words(&self) -> String {
        let severity = self.severity.map(|it| format!(" {it}"));
        let rules = self.rules.as_ref().map(|it| format!(" {}", it.join(", ")));
        format!(
            "{} {}{}{}",
            self.channel,
            self.kind.as_str(),
            severity.unwrap_or_default(),
            rules.unwrap_or_default()
        )
    }
}

fn notification_in_words(told: &Notification) -> String {
    let rules: Vec<&str> = rules_of(told).into_iter().collect();
    format!(
        "{} {} {} {}",
        told.channel,
        told.kind.as_str(),
        told.severity,
        rules.join(", ")
    )
}

fn rules_of(told: &Notification) -> BTreeSet<&str> {
    let alerts = told.firing.iter().chain(&told.resolved);
    alerts.map(|alert| alert.rule.as_str()).collect()
}

/// Where the alerts and messages of a time differ from what is expected.
pub(super) fn compare(
    expected: &Expectation,
    alerts: &[Alert],
    told: &[Notification],
) -> Vec<Mismatch> {
    let alerts = expected
        .alerts
        .as_deref()
        .and_then(|wanted| compare_alerts(expected.at, wanted, alerts));
    let told = expected
        .notifications
        .as_deref()
        .and_then(|wanted| compare_notifications(expected.at, wanted, told));
    alerts.into_iter().chain(told).collect()
}

fn compare_alerts(at: Duration, wanted: &[ExpectedAlert], alerts: &[Alert]) -> Option<Mismatch> {
    let mut ordered: Vec<&ExpectedAlert> = wanted.iter().collect();
    ordered.sort_by_key(|it| std::cmp::Reverse(it.weight()));
    let matched = matched(&ordered, alerts, ExpectedAlert::fits);
    let left = matched.left.iter();
    let fires = left
        .filter(|alert| alert.state == AlertState::Firing)
        .count();
    (matched.missing || fires > 0).then(|| Mismatch {
        at_seconds: at.as_secs_f64(),
        of: "alerts",
        expected: lines(wanted, ExpectedAlert::in_words),
        got: lines(alerts, alert_in_words),
    })
}

fn compare_notifications(
    at: Duration,
    wanted: &[ExpectedNotification],
    told: &[Notification],
) -> Option<Mismatch> {
    let mut ordered: Vec<&ExpectedNotification> = wanted.iter().collect();
    ordered.sort_by_key(|it| std::cmp::Reverse(it.weight()));
    let matched = matched(&ordered, told, ExpectedNotification::fits);
    (matched.missing || !matched.left.is_empty()).then(|| Mismatch {
        at_seconds: at.as_secs_f64(),
        of: "notifications",
        expected: lines(wanted, ExpectedNotification::in_words),
        got: lines(told, notification_in_words),
    })
}

struct Matched<'a, T> {
    /// Whether something that is wanted is not there.
    missing: bool,
    /// What nothing that is wanted fits.
    left: Vec<&'a T>,
}

/// Gives each thing that is wanted one that fits it.
fn matched<'a, W, T>(
    wanted: &[&W],
    there: &'a [T],
    fits: impl Fn(&W, &T) -> bool,
) -> Matched<'a, T> {
    let mut left: Vec<&T> = there.iter().collect();
    let mut missing = false;
    for wanted in wanted {
        match left.iter().position(|one| fits(wanted, one)) {
            Some(found) => drop(left.swap_remove(found)),
            None => missing = true,
        }
    }
    Matched { missing, left }
}

fn lines<T>(things: &[T], in_words: impl Fn(&T) -> String) -> Vec<String> {
    let shown = things.iter().take(LINES_MAX).map(in_words);
    let more = things.len().saturating_sub(LINES_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect()
}
