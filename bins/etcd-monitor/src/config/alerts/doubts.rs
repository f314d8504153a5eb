//! What is written as it may be, and yet cannot be meant.

use etcd_monitor_alerting::{ALERT_LABELS, AlertPolicy, MatchOp, Matcher, MetricRule, Rule};
use etcd_monitor_model::{AlertType, Severity, SubjectKind};

use super::AlertsFile;
use crate::config::place::{At, Remark, not_there};

/// The values that some labels can have.
pub(super) struct Known<'a> {
    pub(super) clusters: Vec<&'a str>,
    pub(super) rules: Vec<&'a str>,
}

/// Sees that every label that is named is one that some alert can have: a name that is wrong would look like one that is
/// missing, and let a page go nowhere.
pub(super) fn check_labels(file: &AlertsFile, policy: &AlertPolicy) -> Result<(), Remark> {
    let metric = policy.metric_rules.iter().map(MetricRule::rule);
    let of_clusters = policy.cluster_rules.values().flatten();
    let rules = policy.rules.iter().chain(of_clusters).chain(metric);
    let own = rules.flat_map(|rule: &Rule| rule.labels.keys());
    let known: Vec<&str> = ALERT_LABELS
        .into_iter()
        .chain(own.map(String::as_str))
        .collect();
    for text in file.matchers() {
        let Ok(matcher) = Matcher::parse(text) else {
            continue;
        };
        if !known.contains(&matcher.label()) {
            return Err(text.remark(not_there("label", matcher.label(), &known)));
        }
    }
    let mut labels = file.labels().into_iter();
    labels.try_for_each(|label| label.one_of("label", known.iter().copied()))
}

/// What is doubtful in a section without errors.
pub(super) fn doubts(file: &AlertsFile, known: &Known<'_>) -> Vec<Remark> {
    let root = file.route.as_ref();
    let channels = file.channels.keys();
    let unreached = channels
        .filter(|name| root.is_some_and(|root| !root.names_channel(name)))
        .map(|name| name.remark(UNREACHED));
    let idle = file.maintenance.iter().filter_map(|window| {
        let is_named = root.is_some_and(|root| root.names_window(&window.name));
        (!window.mutes_by_itself() && !is_named).then(|| window.name.remark(MUTES_NOTHING))
    });
    let never = file
        .matchers()
        .into_iter()
        .filter_map(|text| known.doubt(text));
    unreached.chain(idle).chain(never).collect()
}

const UNREACHED: &str = "no route leads to this channel: it hears of nothing";

const MUTES_NOTHING: &str = "this window mutes nothing: name it in mute_during of a route, or give it matchers (`matchers: []` for every alert)";

impl Known<'_> {
    /// What can be said of a matcher that no alert will ever fit.
    fn doubt(&self, text: &At<String>) -> Option<Remark> {
        let matcher = Matcher::parse(text).ok()?;
        let kinds = [
            SubjectKind::Cluster,
            SubjectKind::Member,
            SubjectKind::Link,
            SubjectKind::Monitor,
        ];
        let (what, values) = match matcher.label() {
            "cluster" => ("cluster", self.clusters.clone()),
            "rule" => ("rule", self.rules.clone()),
            "severity" => ("severity", Severity::ALL.map(Severity::as_str).to_vec()),
            "alert_type" => ("alert type", AlertType::ALL.map(AlertType::as_str).to_vec()),
            "subject_kind" => ("kind of subject", kinds.map(SubjectKind::as_str).to_vec()),
            _ => return None,
        };
        let is_wrong = matcher.op() == MatchOp::Equal && !values.contains(&matcher.value());
        is_wrong.then(|| {
            let said = not_there(what, matcher.value(), &values);
            text.remark(format!("no alert will fit {:?}: {said}", text.value))
        })
    }
}
