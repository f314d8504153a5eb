//! Alerts: how long what is found must hold before it is told.

use std::collections::BTreeMap;

use etcd_monitor_alerting::{Rule, default_rules};
use serde::Deserialize;

use super::duration;

/// Alerts as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AlertsFile {
    holds: BTreeMap<String, String>,
}

/// The rules by which findings become alerts: the defaults, with the holds that the file gives.
pub(super) fn rules(file: &AlertsFile) -> Result<Vec<Rule>, String> {
    let mut rules = default_rules();
    for (name, text) in &file.holds {
        let hold = duration::hold(text).map_err(|error| format!("alerts.holds.{name}: {error}"))?;
        match rules.iter_mut().find(|rule| rule.name == *name) {
            Some(rule) => rule.hold = hold,
            None => return Err(unknown(name, &rules)),
        }
    }
    Ok(rules)
}

fn unknown(name: &str, rules: &[Rule]) -> String {
    let nearest = rules
        .iter()
        .max_by(|left, right| {
            let likeness = |rule: &Rule| strsim::jaro_winkler(&rule.name, name);
            likeness(left).total_cmp(&likeness(right))
        })
        .map_or("", |rule| rule.name.as_str());
    format!("alerts.holds: no rule is named {name}; did you mean {nearest}?")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse(text: &str) -> Result<Vec<Rule>, String> {
        rules(&serde_saphyr::from_str(text).unwrap())
    }

    #[test]
    fn a_hold_takes_the_place_of_the_default() {
        let rules = parse("holds: {MemberDown: 1s, NoLeader: 0s}").unwrap();
        let hold = |name: &str| rules.iter().find(|rule| rule.name == name).unwrap().hold;
        assert_eq!(hold("MemberDown"), Duration::from_secs(1));
        assert_eq!(hold("NoLeader"), Duration::ZERO);
        assert_eq!(hold("QuorumLost"), Duration::from_secs(9));
    }

    #[test]
    fn a_rule_that_is_not_there_is_refused_with_the_nearest_name() {
        let error = parse("holds: {MemberDwon: 1s}").unwrap_err();
        assert!(error.contains("did you mean MemberDown?"), "{error}");
        assert!(parse("holds: {MemberDown: soon}").is_err());
        assert!(parse("holds: {MemberDown: 9999h}").is_err());
    }
}
