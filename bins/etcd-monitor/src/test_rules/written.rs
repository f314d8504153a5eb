//! A file of tests as written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use etcd_monitor_alerting::RuleTestError;
use serde::Deserialize;

use crate::config::duration;
use crate::config::place::{At, Remark};

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestFile {
    /// Configuration whose alerting is tested, from the folder of this file.
    pub(super) config: Option<At<PathBuf>>,
    pub(super) interval: Option<At<String>>,
    pub(super) tests: Vec<TestText>,
}

/// A test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestText {
    pub(super) name: At<String>,
    pub(super) start: Option<At<String>>,
    pub(super) interval: Option<At<String>>,
    #[serde(default)]
    pub(super) series: Vec<SeriesText>,
    #[serde(default)]
    pub(super) findings: Vec<FindingText>,
    /// Recording of the black box, from the folder of this file.
    pub(super) recording: Option<At<PathBuf>>,
    pub(super) expect: Vec<ExpectationText>,
}

/// Values of a metric.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesText {
    pub(super) metric: At<String>,
    pub(super) cluster: Option<At<String>>,
    pub(super) member: Option<At<String>>,
    pub(super) from: Option<At<String>>,
    pub(super) to: Option<At<String>>,
    pub(super) values: At<String>,
}

/// What `assess` would say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingText {
    pub(super) rule: At<String>,
    pub(super) cluster: Option<At<String>>,
    pub(super) member: Option<At<String>>,
    pub(super) from: Option<At<String>>,
    pub(super) to: Option<At<String>>,
    /// It is about the monitor itself.
    #[serde(default)]
    pub(super) monitor: bool,
    pub(super) severity: Option<At<String>>,
    pub(super) alert_type: Option<At<String>>,
    pub(super) caused_by: Option<At<String>>,
    pub(super) status: At<String>,
}

/// What must be at a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectationText {
    pub(super) at: At<String>,
    pub(super) alerts: Option<Vec<AlertText>>,
    pub(super) notifications: Option<Vec<NotificationText>>,
}

/// An alert that must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertText {
    pub(super) rule: At<String>,
    pub(super) state: Option<At<String>>,
    pub(super) cluster: Option<At<String>>,
    pub(super) subject: Option<String>,
    pub(super) severity: Option<At<String>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) muted: Option<bool>,
    pub(super) unknown: Option<bool>,
}

/// A message that must have been told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotificationText {
    pub(super) channel: At<String>,
    pub(super) kind: At<String>,
    pub(super) rules: Option<Vec<At<String>>>,
    pub(super) severity: Option<At<String>>,
}

impl TestText {
    /// What the library has against the test as a whole, where it stands.
    pub(super) fn wrong(&self, error: &RuleTestError) -> Remark {
        let last = self
            .expect
            .iter()
            .max_by_key(|it| duration::hold(&it.at).ok());
        let at = match error.key {
            "at" => last.map_or(&self.name, |it| &it.at),
            "interval" => self.interval.as_ref().unwrap_or(&self.name),
            _ => &self.name,
        };
        at.remark(error)
    }
}
