//! What a silence names that no alert has.

use std::path::Path;

use etcd_monitor_alerting::{MatchOp, Matcher, MetricRule, nearest};
use etcd_monitor_model::rule;

use crate::config::Config;

/// The rules that the matchers name and that there are not: by the configuration of the daemon, where it is named and can be
/// read, else among the default ones.
pub(super) fn of_matchers(matchers: &[Matcher], config: Option<&Path>) -> Vec<String> {
    let mut known: Vec<String> = rule::ALL.map(str::to_owned).into();
    let configured = config.map(Config::load_file);
    let hint = match configured {
        Some(Ok(config)) => {
            known.extend(rules(&config));
            ""
        }
        Some(Err(_)) => "; the rules of the configuration are not known, since it cannot be read",
        None => "; if it is of the daemon's configuration, name that with --config",
    };
    let named = matchers
        .iter()
        .filter(|matcher| matcher.label() == "rule" && matcher.op() == MatchOp::Equal);
    let unknown = named.filter(|matcher| !known.iter().any(|name| name == matcher.value()));
    unknown
        .map(|matcher| doubt(matcher.value(), &known, hint))
        .collect()
}

fn rules(config: &Config) -> impl Iterator<Item = String> {
    let policy = &config.alerts.policy;
    let of_clusters = policy.cluster_rules.values().flatten();
    let metric = policy.metric_rules.iter().map(MetricRule::rule);
    let rules = policy.rules.iter().chain(of_clusters).chain(metric);
    rules.map(|rule| rule.name.clone())
}

fn doubt(name: &str, known: &[String], hint: &str) -> String {
    let meant = nearest(name, known.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("no rule has the name {name:?}: the silence holds for no alert{meant}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(matcher: &str, config: Option<&Path>) -> Vec<String> {
        of_matchers(&[Matcher::parse(matcher).unwrap()], config)
    }

    #[test]
    fn a_rule_that_there_is_not_is_told_with_what_was_meant() {
        let [doubt] = &of("rule=MemberDwon", None)[..] else {
            panic!("no doubt, or several");
        };
        assert!(doubt.contains("did you mean MemberDown?"), "{doubt}");
        assert!(doubt.contains("--config"), "{doubt}");
        for known in [
            "rule=MemberDown",
            "rule=~\"Membr.*\"",
            "rule!=Nothing",
            "cluster=x",
        ] {
            assert_eq!(of(known, None), [""; 0], "{known}");
        }
    }

    #[test]
    fn the_rules_of_the_configuration_are_known_where_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("monitor.yaml");
        std::fs::write(
            &file,
            "alerts:\n  custom:\n  - {name: MyRule, finding: MemberDown}\n",
        )
        .unwrap();
        Config::load_file(&file).unwrap();
        assert_eq!(of("rule=MyRule", Some(&file)), [""; 0]);
        assert_eq!(of("rule=MyRole", Some(&file)).len(), 1);
        std::fs::write(&file, "nonsense: [").unwrap();
        let doubts = of("rule=MyRule", Some(&file));
        assert!(doubts[0].contains("cannot be read"), "{doubts:?}");
    }
}
