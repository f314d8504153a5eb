//! Everything that decides what is told to whom: rules, routes, inhibitions and maintenance windows.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_model::ClusterName;

use crate::inhibition::Inhibition;
use crate::maintenance::MaintenanceWindow;
use crate::metric_rule::MetricRule;
use crate::route::Route;
use crate::rule::{Rule, default_rules};

/// What becomes an alert, and where alerts go. Replaceable while alerting runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AlertPolicy {
    /// The rules over findings, for every cluster that has none of its own.
    pub rules: Vec<Rule>,
    /// Clusters with rules of their own, which stand in the place of `rules`.
    pub cluster_rules: BTreeMap<ClusterName, Vec<Rule>>,
    /// Rules over numbers, beside those over findings.
    pub metric_rules: Vec<MetricRule>,
    /// Which alerts go to which channels, and at what pace.
    pub route: Route,
    /// The channels by name, as far as it matters for what is told.
    pub channels: BTreeMap<String, ChannelPace>,
    /// Which alerts mute which others, beside what findings say by `caused_by`.
    pub inhibitions: Vec<Inhibition>,
    /// When nothing new is told.
    pub maintenance: Vec<MaintenanceWindow>,
}

/// How a channel wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelPace {
    /// `None`: as the route says. Else every alert is told at once, ungrouped, and all that fires again each time this
    /// has passed: for a receiver that groups itself and forgets what it hears no more of.
    pub resend_every: Option<Duration>,
    /// Whether it is told when something is over. Default true.
    pub sends_resolved: bool,
    /// Whether it is told that somebody takes care. Default false.
    pub sends_acknowledged: bool,
}

impl Default for ChannelPace {
    fn default() -> Self {
        Self {
            resend_every: None,
            sends_resolved: true,
            sends_acknowledged: false,
        }
    }
}

impl AlertPolicy {
    /// The default rules, with everything told to these channels.
    pub fn to_channels<T: Into<String>>(channels: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<String> = channels.into_iter().map(Into::into).collect();
        Self {
            rules: default_rules(),
            cluster_rules: BTreeMap::new(),
            metric_rules: Vec::new(),
            channels: names
                .iter()
                .map(|name| (name.clone(), ChannelPace::default()))
                .collect(),
            route: Route::to(names),
            inhibitions: Vec::new(),
            maintenance: Vec::new(),
        }
    }

    /// How a channel wants to be told.
    pub(crate) fn pace_of(&self, channel: &str) -> ChannelPace {
        self.channels.get(channel).copied().unwrap_or_default()
    }
}
