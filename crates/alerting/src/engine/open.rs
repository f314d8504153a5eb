//! What is open on each channel: a cluster's further groups wait while one is.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_monitor_model::{ClusterName, Severity};

use super::group::{GroupKey, GroupState};

/// How many alerts of each cluster each channel was told to fire, by severity.
#[derive(Debug, Default)]
pub(super) struct OpenGroups {
    told: BTreeMap<Arc<str>, BTreeMap<ClusterName, [usize; 3]>>,
}

impl OpenGroups {
    /// What is open in these groups.
    pub(super) fn of<'a>(groups: impl Iterator<Item = (&'a GroupKey, &'a GroupState)>) -> Self {
        let mut open = Self::default();
        for (key, group) in groups {
            for member in group.members.values() {
                open.replace(key, &member.cluster, None, member.told_firing());
            }
        }
        open
    }

    /// Notes that another severity was told of an alert; `None` when it is not told to fire.
    pub(super) fn replace(
        &mut self,
        key: &GroupKey,
        cluster: &ClusterName,
        before: Option<Severity>,
        after: Option<Severity>,
    ) {
        if before == after {
            return;
        }
        let channel = self.told.entry(Arc::clone(&key.channel)).or_default();
        let counts = channel.entry(cluster.clone()).or_default();
        if let Some(before) = before {
            counts[before as usize] = counts[before as usize].saturating_sub(1);
        }
        if let Some(after) = after {
            counts[after as usize] += 1;
        }
        if counts.iter().all(|count| *count == 0) {
            channel.remove(cluster);
        }
    }

    /// Whether the channel was told of an alert of the cluster that is at least so severe, and still fires.
    pub(super) fn has(&self, key: &GroupKey, cluster: &ClusterName, severity: Severity) -> bool {
        let channel = self.told.get(&key.channel);
        let counts = channel.and_then(|clusters| clusters.get(cluster));
        counts.is_some_and(|counts| counts[severity as usize..].iter().any(|count| *count > 0))
    }
}
