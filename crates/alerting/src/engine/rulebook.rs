//! The rules by the findings that they select.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_monitor_model::ClusterName;

use crate::metric_rule::MetricRule;
use crate::policy::AlertPolicy;
use crate::rule::Rule;

/// The rules of every cluster.
#[derive(Debug)]
pub(super) struct Rulebook {
    default: Rules,
    clusters: BTreeMap<ClusterName, Rules>,
    metric: Rules,
}

#[derive(Debug, Default)]
struct Rules {
    by_finding: BTreeMap<String, Vec<Arc<Rule>>>,
}

impl Rulebook {
    /// The rules of a policy. Of several with the same name the last one counts.
    pub(super) fn of(policy: &AlertPolicy) -> Self {
        let own = policy.cluster_rules.iter();
        Self {
            default: Rules::of(&policy.rules),
            clusters: own
                .map(|(cluster, rules)| (cluster.clone(), Rules::of(rules)))
                .collect(),
            metric: Rules::of(policy.metric_rules.iter().map(MetricRule::rule)),
        }
    }

    /// The rules of a cluster that select the findings of one name.
    pub(super) fn selecting<'a>(
        &'a self,
        cluster: &ClusterName,
        finding: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Rule>> + use<'a> {
        let found = [self.of_cluster(cluster), &self.metric];
        let lists = found.into_iter().map(|it| it.by_finding.get(finding));
        lists.flatten().flatten()
    }

    /// The rule of a cluster with this name, over these findings.
    pub(super) fn named<'a>(
        &'a self,
        cluster: &ClusterName,
        name: &str,
        finding: &'a str,
    ) -> Option<&'a Arc<Rule>> {
        self.selecting(cluster, finding).find(|it| it.name == name)
    }

    fn of_cluster(&self, cluster: &ClusterName) -> &Rules {
        self.clusters.get(cluster).unwrap_or(&self.default)
    }
}

impl Rules {
    fn of<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let by_name: BTreeMap<&str, &Rule> = rules
            .into_iter()
            .map(|rule| (rule.name.as_str(), rule))
            .collect();
        let mut by_finding: BTreeMap<String, Vec<Arc<Rule>>> = BTreeMap::new();
        for rule in by_name.into_values() {
            let selecting = by_finding.entry(rule.finding.clone()).or_default();
            selecting.push(Arc::new(rule.clone()));
        }
        Self { by_finding }
    }
}
