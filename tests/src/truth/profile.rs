//! How fast the suite goes: at the defaults, or with everything that only takes time made short.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_alerting::default_rules;
use etcd_monitor_core::Parameters;
use serde_json::{Map, Value, json};

/// By what the fast profile divides holds and windows.
const FAST: f64 = 20.0;

/// Between two looks at certificates, at the defaults.
const TRUST_SECONDS: f64 = 600.0;

/// Holds are not made shorter than this: an election takes a second or two, however fast the monitor looks.
const HOLD_MIN: Duration = Duration::from_secs(3);

/// Holds that wait for another finding to explain theirs, which takes as long as etcd's own periods, or as many syncs of
/// a disk as ever; or for a member that joins, which hears its peers seconds before etcd serves its clients: they stay.
const HELD: [&str; 4] = [
    "LinkFailing",
    "NetworkPartition",
    "HeartbeatsLate",
    "MemberUnreachable",
];

/// Windows of ordinary patience. What is bound to periods of etcd itself (its probers of peers, its elections) is not
/// among them, and neither are thresholds.
const WINDOWS: [&str; 22] = [
    "window_seconds",
    "recent_window_seconds",
    "apply_lag_window_seconds",
    "restart_settle_seconds",
    "not_disarmed_seconds",
    "uncompacted_seconds",
    "forecast_sample_seconds",
    "forecast_window_seconds",
    "forecast_span_seconds",
    "forecast_warning_seconds",
    "forecast_critical_seconds",
    "blind_spot_seconds",
    "not_started_seconds",
    "learner_unmoved_seconds",
    "learner_seconds",
    "learner_ready_seconds",
    "roll_window_seconds",
    "roll_gap_seconds",
    "roll_member_seconds",
    "restart_quiet_seconds",
    "snapshot_window_seconds",
    "mixed_warning_seconds",
];

/// How the suite is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Real holds and windows, where not everything is divided by 20.
    pub full: bool,
    /// The version of etcd.
    pub version: String,
    /// Where to keep what was observed; `None`: nowhere.
    pub record: Option<PathBuf>,
}

impl Profile {
    /// How long a cluster without a fault must be quiet.
    pub(super) fn benign(&self) -> Duration {
        Duration::from_mins(if self.full { 10 } else { 2 })
    }

    /// For an alert to be told, from the fault on, where its windows and holds take so long at the defaults.
    pub(super) fn within(&self, at_defaults: Duration) -> Duration {
        let patience = Duration::from_mins(3);
        at_defaults.div_f64(self.divisor()) + patience
    }

    /// For alerts to end once their fault has: the longest window is 5 min, links need 15 s, and a member its start.
    pub(super) fn over_within(&self) -> Duration {
        Duration::from_mins(if self.full { 12 } else { 3 })
    }

    /// How many cycles begin in this time.
    pub(super) fn cycles(&self, time: Duration) -> u64 {
        time.as_secs() / self.interval_seconds()
    }

    fn interval_seconds(&self) -> u64 {
        if self.full { 5 } else { 1 }
    }

    fn divisor(&self) -> f64 {
        if self.full { 1.0 } else { FAST }
    }

    /// The daemon's configuration (JSON, which is YAML as well) for these clusters; `parameters` are laid over the
    /// defaults of all of them, after those were divided.
    pub(super) fn configuration(&self, clusters: Vec<Value>, parameters: &Value) -> Value {
        let mut shared = serde_json::to_value(Parameters::default()).unwrap_or_default();
        self.shorten(&mut shared);
        lay_over(&mut shared, parameters);
        let clusters = clusters.into_iter().map(|mut cluster| {
            cluster["parameters"] = shared.clone();
            cluster["trust_interval"] = json!(format!("{:.0}s", TRUST_SECONDS / self.divisor()));
            cluster
        });
        json!({
            "interval": format!("{}s", self.interval_seconds()),
            "alerts": {"holds": self.holds()},
            "clusters": clusters.collect::<Vec<_>>(),
        })
    }

    fn holds(&self) -> Map<String, Value> {
        let holds = self.holds_milliseconds().into_iter();
        holds
            .map(|(rule, milliseconds)| (rule, json!(format!("{milliseconds}ms"))))
            .collect()
    }

    /// The holds of the alert rules that have one.
    pub(super) fn holds_milliseconds(&self) -> BTreeMap<String, u64> {
        let held = default_rules()
            .into_iter()
            .filter(|rule| !rule.hold.is_zero());
        held.map(|rule| {
            let time = self.hold(&rule.name, rule.hold);
            let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            (rule.name, milliseconds)
        })
        .collect()
    }

    fn hold(&self, rule: &str, hold: Duration) -> Duration {
        if self.full || HELD.contains(&rule) {
            hold
        } else {
            hold.div_f64(FAST).max(HOLD_MIN.min(hold))
        }
    }

    fn shorten(&self, parameters: &mut Value) {
        let Some(object) = parameters.as_object_mut() else {
            return;
        };
        for (key, value) in object {
            match value.as_f64().filter(|_| WINDOWS.contains(&key.as_str())) {
                Some(seconds) => *value = json!(seconds / self.divisor()),
                None => self.shorten(value),
            }
        }
    }
}

fn lay_over(value: &mut Value, over: &Value) {
    match (value.as_object_mut(), over.as_object()) {
        (Some(object), Some(over)) => {
            for (key, over) in over {
                lay_over(object.entry(key.as_str()).or_insert(Value::Null), over);
            }
        }
        _ => value.clone_from(over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_a_parameter_and_is_divided_once() {
        let fast = Profile {
            full: false,
            version: "3.7.3".to_owned(),
            record: None,
        };
        let defaults = serde_json::to_value(Parameters::default()).unwrap();
        let mut short = defaults.clone();
        fast.shorten(&mut short);
        for window in WINDOWS {
            let read = |value: &Value| {
                let sections = value.as_object().unwrap().values();
                let found = sections.filter_map(|section| section.get(window)?.as_f64());
                found.sum::<f64>()
            };
            let (before, after) = (read(&defaults), read(&short));
            assert!(before > 0.0, "{window} is no parameter");
            assert!((before / FAST - after).abs() < 1e-9, "{window}");
        }
    }

    #[test]
    fn a_configuration_has_what_is_laid_over() {
        let full = Profile {
            full: true,
            version: "3.7.3".to_owned(),
            record: None,
        };
        let over = json!({"capacity": {"uncompacted_revisions": 7}});
        let made = full.configuration(vec![json!({"name": "a"})], &over);
        let parameters = &made["clusters"][0]["parameters"];
        assert_eq!(parameters["capacity"]["uncompacted_revisions"], 7);
        assert_eq!(parameters["consensus"]["not_started_seconds"], 300.0);
        assert_eq!(made["alerts"]["holds"]["MemberDown"], "9000ms");
    }
}
