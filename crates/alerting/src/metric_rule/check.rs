//! What can be wrong with a rule over numbers.

use std::collections::BTreeSet;
use std::time::Duration;

use etcd_monitor_model::{
    AlertType, Metric, MetricScope, MetricUnit, StatKind, metric_catalogue, rule,
};

use super::{Aggregate, Comparison, MetricRule, MetricRuleText, quantity};
use crate::alert::check_labels;
use crate::matcher::{Matcher, is_label_name};
use crate::rule::Rule;
use crate::suggestion::hint;

/// Where nothing else is said.
const WINDOW_DEFAULT: Duration = Duration::from_mins(5);

/// Shortest window: shorter ones than the shortest interval hold nothing.
const WINDOW_MIN: Duration = Duration::from_secs(1);

/// Longest window. What is about days is a question to the history.
const WINDOW_MAX: Duration = Duration::from_hours(24);

/// What is told a month late is better not told.
const HOLD_MAX: Duration = Duration::from_hours(31 * 24);

/// Rules that are evaluated: each is held against every member in every cycle.
const RULES_MAX: usize = 100;

/// Why a rule over numbers cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct MetricRuleError {
    /// The field of [`MetricRuleText`] that is wrong.
    pub key: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

fn wrong(key: &'static str, problem: impl Into<String>) -> MetricRuleError {
    let problem = problem.into();
    MetricRuleError { key, problem }
}

impl MetricRule {
    /// Checks a rule as it is written.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, by its key: a name that is none, or that of a finding of etcd-monitor; a metric that
    /// does not exist, with the nearest that does; an aggregate that does not fit it; a value whose unit does not fit, with
    /// the units that do; a window, duration, label or matcher that cannot be.
    pub fn new(text: MetricRuleText) -> Result<Self, MetricRuleError> {
        check_name(&text.name)?;
        let metric = known_metric(&text.metric)?;
        let aggregate = checked_aggregate(text.aggregate.as_deref(), metric)?;
        let unit = unit_of(aggregate, metric);
        let value = quantity::parse(&text.value, unit);
        let value = value.map_err(|problem| {
            wrong(
                "value",
                format!("{problem}; {} is compared with it", metric.name),
            )
        })?;
        check_matchers(&text.matchers, metric)?;
        check_labels(&text.labels).map_err(|problem| wrong("labels", problem))?;
        Ok(Self {
            metric: metric.name,
            aggregate,
            window: checked_window(text.window, aggregate)?,
            op: checked_op(&text.op)?,
            value,
            unit,
            severity: text.severity,
            alert_type: text.alert_type.unwrap_or_else(|| area(metric)),
            rule: alert_rule(&text)?,
            matchers: text.matchers,
        })
    }

    /// Sees that rules can be used together.
    ///
    /// # Errors
    ///
    /// When two have the same name, or there are more than 100.
    pub fn check_all(rules: &[Self]) -> Result<(), MetricRuleError> {
        let mut names = BTreeSet::new();
        if let Some(twice) = rules.iter().find(|rule| !names.insert(rule.name())) {
            let name = twice.name();
            return Err(wrong("name", format!("two rules are named {name}")));
        }
        if rules.len() > RULES_MAX {
            return Err(wrong(
                "metric",
                format!(
                    "there are {} rules over metrics, more than {RULES_MAX}",
                    rules.len()
                ),
            ));
        }
        Ok(())
    }
}

/// The rule that makes alerts of its findings.
fn alert_rule(text: &MetricRuleText) -> Result<Rule, MetricRuleError> {
    let hold = checked_duration("hold", text.hold)?;
    let mut rule = Rule::new(&text.name, hold).with_severity(text.severity);
    rule.keep_firing = checked_duration("keep_firing", text.keep_firing)?;
    rule.labels.clone_from(&text.labels);
    Ok(rule)
}

fn check_name(name: &str) -> Result<(), MetricRuleError> {
    if !is_label_name(name) || name.len() > 64 {
        return Err(wrong(
            "name",
            format!(
                "{name:?} is no name of a rule; names have 1 to 64 letters, digits and _, and begin with no digit"
            ),
        ));
    }
    if rule::ALL.contains(&name) {
        return Err(wrong(
            "name",
            format!("{name} is a finding of etcd-monitor itself; choose another name"),
        ));
    }
    Ok(())
}

fn known_metric(name: &str) -> Result<&'static Metric, MetricRuleError> {
    let mut all = metric_catalogue().iter();
    all.find(|metric| metric.name == name).ok_or_else(|| {
        let hint = hint(name, metric_catalogue().iter().map(|metric| metric.name));
        wrong("metric", format!("there is no metric {name:?}{hint}"))
    })
}

fn checked_aggregate(text: Option<&str>, metric: &Metric) -> Result<Aggregate, MetricRuleError> {
    let Some(text) = text else {
        return Ok(Aggregate::Last);
    };
    let aggregate = Aggregate::parse(text).ok_or_else(|| {
        wrong(
            "aggregate",
            format!("{text:?} is none; there are last, rate, mean, max, min, and quantile(0.99) with a number from 0 to 1"),
        )
    })?;
    match (aggregate, metric.kind) {
        (Aggregate::Rate, StatKind::Gauge) => Err(wrong(
            "aggregate",
            format!(
                "a rate is of what only grows, and {} goes up and down; use mean or max, or one of the metrics that count: {}",
                metric.name,
                counters()
            ),
        )),
        (Aggregate::Mean | Aggregate::Quantile(_), StatKind::Counter) => Err(wrong(
            "aggregate",
            format!(
                "{} only grows, so that its {aggregate} says nothing; use rate",
                metric.name
            ),
        )),
        _ => Ok(aggregate),
    }
}

fn counters() -> String {
    let counting = metric_catalogue().iter();
    let counting = counting.filter(|metric| metric.kind == StatKind::Counter);
    let names: Vec<&str> = counting.map(|metric| metric.name).collect();
    names.join(", ")
}

/// The unit of what is compared: growth of a count is by the second.
fn unit_of(aggregate: Aggregate, metric: &Metric) -> MetricUnit {
    match aggregate {
        Aggregate::Rate => MetricUnit::PerSecond,
        _ => metric.unit(),
    }
}

fn checked_window(
    window: Option<Duration>,
    aggregate: Aggregate,
) -> Result<Duration, MetricRuleError> {
    match (aggregate, window) {
        (Aggregate::Last, None) => Ok(Duration::ZERO),
        (Aggregate::Last, Some(_)) => Err(wrong(
            "window",
            "without an aggregate the newest sample alone counts; say mean, max, min, rate or quantile(0.99), or leave the window out",
        )),
        (_, window) => {
            let window = window.unwrap_or(WINDOW_DEFAULT);
            let fits = (WINDOW_MIN..=WINDOW_MAX).contains(&window);
            let refused = || wrong("window", "a window is 1s to 24h long; for example 5m");
            fits.then_some(window).ok_or_else(refused)
        }
    }
}

fn checked_op(text: &str) -> Result<Comparison, MetricRuleError> {
    Comparison::parse(text).ok_or_else(|| {
        wrong(
            "op",
            format!("{text:?} compares nothing; there are >, >=, <, <=, == and !="),
        )
    })
}

fn checked_duration(key: &'static str, duration: Duration) -> Result<Duration, MetricRuleError> {
    let refused = || wrong(key, "it is longer than 31 days");
    (duration <= HOLD_MAX)
        .then_some(duration)
        .ok_or_else(refused)
}

fn check_matchers(matchers: &[Matcher], metric: &Metric) -> Result<(), MetricRuleError> {
    let scopes = metric_catalogue().iter();
    let scopes = scopes.filter(|other| other.name == metric.name);
    let known: Vec<&str> = scopes
        .flat_map(|metric| labels_of(metric.scope))
        .copied()
        .collect();
    match matchers.iter().find(|it| !known.contains(&it.label())) {
        Some(matcher) => Err(wrong(
            "matchers",
            format!(
                "{matcher} is on no label that {} has; it has {}",
                metric.name,
                known.join(", ")
            ),
        )),
        None => Ok(()),
    }
}

/// What tells the subjects of a scope apart.
fn labels_of(scope: MetricScope) -> &'static [&'static str] {
    match scope {
        MetricScope::Member => &["cluster", "member"],
        MetricScope::Link | MetricScope::ReceivingLink => &["cluster", "from", "to"],
        _ => &["cluster"],
    }
}

/// The area of a metric, where its rule does not say it.
fn area(metric: &Metric) -> AlertType {
    match (metric.scope, metric.unit()) {
        (MetricScope::Link | MetricScope::ReceivingLink, _) => AlertType::Partition,
        (_, MetricUnit::Seconds) => AlertType::Latency,
        (_, MetricUnit::Bytes) => AlertType::Capacity,
        (MetricScope::Cluster, _) => AlertType::Quorum,
        _ => AlertType::Member,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::matchers;

    fn fsync(change: impl FnOnce(&mut MetricRuleText)) -> Result<MetricRule, MetricRuleError> {
        let mut text = MetricRuleText::new("FsyncHigh", "wal_fsync_p99_seconds", ">", "100ms");
        text.aggregate = Some("mean".to_owned());
        change(&mut text);
        MetricRule::new(text)
    }

    fn refused(change: impl FnOnce(&mut MetricRuleText)) -> String {
        fsync(change).unwrap_err().to_string()
    }

    #[test]
    fn a_rule_says_what_it_compares() {
        let rule = fsync(|_| ()).unwrap();
        assert_eq!(
            rule.condition(),
            "mean of wal_fsync_p99_seconds over 5m > 100 ms"
        );
        assert_eq!(rule.alert_type, AlertType::Latency);
        let failed = |value: &str| {
            let mut text = MetricRuleText::new("Failing", "proposals_failed_total", ">=", value);
            text.aggregate = Some("rate".to_owned());
            text.window = Some(Duration::from_mins(90));
            MetricRule::new(text)
        };
        assert_eq!(
            failed("5/s").unwrap().condition(),
            "rate of proposals_failed_total over 1h 30m >= 5/s"
        );
        assert!(failed("5").unwrap_err().problem.contains("has no unit"));
        let newest = MetricRule::new(MetricRuleText::new("Blocked", "healthy", "==", "0"));
        assert_eq!(newest.unwrap().condition(), "healthy == 0");
    }

    #[test]
    fn the_rule_for_its_alerts_has_its_hold_severity_and_labels() {
        let rule = fsync(|text| {
            text.hold = Duration::from_mins(1);
            text.keep_firing = Duration::from_mins(2);
            text.severity = etcd_monitor_model::Severity::Critical;
            text.labels.insert("team".into(), "storage".into());
        });
        let rule = rule.unwrap().rule().clone();
        assert_eq!(
            (rule.name.as_str(), rule.finding.as_str()),
            ("FsyncHigh", "FsyncHigh")
        );
        assert_eq!(rule.hold, Duration::from_mins(1));
        assert_eq!(rule.keep_firing, Duration::from_mins(2));
        assert_eq!(rule.labels["team"], "storage");
    }

    #[test]
    fn an_unknown_metric_is_refused_with_the_nearest() {
        assert_eq!(
            refused(|text| text.metric = "wal_fsync_p99_second".into()),
            "metric: there is no metric \"wal_fsync_p99_second\"; did you mean wal_fsync_p99_seconds?"
        );
        assert!(refused(|text| text.metric = "xyzzy".into()).ends_with("\"xyzzy\""));
    }

    #[test]
    fn a_unit_that_does_not_fit_is_refused_with_those_that_do() {
        let error = refused(|text| text.value = "2GiB".into());
        assert!(
            error.starts_with("value: \"2GiB\" is a number of bytes; write a time"),
            "{error}"
        );
        assert!(
            error.contains("wal_fsync_p99_seconds is compared with it"),
            "{error}"
        );
    }

    #[test]
    fn an_aggregate_fits_the_metric() {
        let error = refused(|text| text.aggregate = Some("rate".into()));
        assert!(error.contains("goes up and down"), "{error}");
        assert!(error.contains("proposals_failed_total"), "{error}");
        let error = refused(|text| {
            text.metric = "revision".into();
            text.value = "5".into();
        });
        assert!(error.contains("only grows"), "{error}");
        assert!(refused(|text| text.aggregate = Some("avg".into())).contains("there are last"));
    }

    #[test]
    fn the_other_keys_are_checked_too() {
        for (change, key) in [
            (
                (|text| text.name = "a b".into()) as fn(&mut MetricRuleText),
                "name: \"a b\"",
            ),
            (
                |text| text.name = "MemberDown".into(),
                "name: MemberDown is a finding",
            ),
            (|text| text.op = "=>".into(), "op: \"=>\""),
            (|text| text.window = Some(Duration::ZERO), "window: "),
            (
                |text| text.window = Some(Duration::from_hours(25)),
                "window: ",
            ),
            (|text| text.aggregate = None, "window: without an aggregate"),
            (|text| text.hold = Duration::MAX, "hold: "),
            (|text| text.keep_firing = Duration::MAX, "keep_firing: "),
            (
                |text| drop(text.labels.insert("cluster".into(), "x".into())),
                "labels: cluster",
            ),
            (
                |text| text.matchers = matchers(&["rule=x"]),
                "matchers: rule=\"x\"",
            ),
            (
                |text| text.matchers = matchers(&["from=x"]),
                "matchers: from=\"x\"",
            ),
        ] {
            let error = refused(|text| {
                text.window = Some(Duration::from_mins(1));
                change(text);
            });
            assert!(error.starts_with(key), "{error}");
        }
        let on_one = fsync(|text| text.matchers = matchers(&["cluster=a", "member=~m.*"]));
        assert!(on_one.is_ok());
    }

    #[test]
    fn names_differ_and_rules_are_not_without_number() {
        let rule = fsync(|_| ()).unwrap();
        let twice = [rule.clone(), rule];
        let error = MetricRule::check_all(&twice).unwrap_err();
        assert_eq!(error.to_string(), "name: two rules are named FsyncHigh");
        let many = |count: usize| -> Vec<MetricRule> {
            let named = |index| fsync(|text| text.name = format!("R{index}")).unwrap();
            (0..count).map(named).collect()
        };
        assert!(MetricRule::check_all(&many(100)).is_ok());
        assert!(MetricRule::check_all(&many(101)).is_err());
    }
}
