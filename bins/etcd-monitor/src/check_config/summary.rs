//! What a configuration is, for people and programs.

use std::collections::BTreeMap;

use etcd_monitor_alerting::{
    AlertPolicy, MaintenanceWindow, MetricRule, Route, Rule, SeverityPolicy, default_rules,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::config::{ClusterConfig, Config, ConfiguredChannel, WebFile};

/// A configuration in short.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) clusters: Vec<ClusterSummary>,
    pub(super) channels: Vec<ChannelSummary>,
    /// Those that are on, for clusters without rules of their own.
    pub(super) rules: Vec<RuleSummary>,
    pub(super) metric_rules: Vec<RuleSummary>,
    pub(super) route: RouteSummary,
    pub(super) inhibitions: usize,
    pub(super) maintenance: Vec<WindowSummary>,
    /// Seconds between two; `None`: there is none.
    pub(super) heartbeat_seconds: Option<f64>,
    /// `None`: there is no web configuration file.
    pub(super) web: Option<WebSummary>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct WebSummary {
    pub(super) file: String,
    pub(super) tls: bool,
    /// Whether callers have to say who they are.
    pub(super) authentication: bool,
    /// Users and tokens with their roles.
    pub(super) callers: Vec<CallerSummary>,
}

#[derive(Debug, Serialize)]
pub(super) struct CallerSummary {
    pub(super) name: String,
    pub(super) role: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ClusterSummary {
    pub(super) name: String,
    pub(super) endpoints: Vec<String>,
    /// Whether it has rules of its own.
    pub(super) own_rules: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct ChannelSummary {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) sends_resolved: bool,
    pub(super) sends_acknowledged: bool,
    pub(super) rate_per_minute: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleSummary {
    pub(super) name: String,
    /// The finding that it selects, or the condition on a metric.
    pub(super) condition: String,
    pub(super) for_seconds: f64,
    /// `None`: that of the finding.
    pub(super) severity: Option<&'static str>,
    pub(super) labels: BTreeMap<String, String>,
    /// Whether it is as it is built in.
    pub(super) is_default: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct RouteSummary {
    pub(super) matchers: Vec<String>,
    /// `None`: those of the parent.
    pub(super) channels: Option<Vec<String>>,
    #[serde(rename = "continue")]
    pub(super) continues: bool,
    pub(super) mute_during: Vec<String>,
    pub(super) routes: Vec<RouteSummary>,
}

#[derive(Debug, Serialize)]
pub(super) struct WindowSummary {
    pub(super) name: String,
    pub(super) is_open: bool,
    /// When it opens or closes next.
    pub(super) changes_at: Option<Timestamp>,
    /// Which alerts it mutes; `None`: those of routes that name it.
    pub(super) matchers: Option<Vec<String>>,
}

impl Summary {
    pub(super) fn of(config: &Config, now: Timestamp) -> Self {
        let policy = &config.alerts.policy;
        let heartbeat = config.alerts.heartbeat.as_ref();
        let channels = config.alerts.channels.iter();
        let windows = policy.maintenance.iter();
        Self {
            clusters: config
                .clusters
                .iter()
                .map(|one| cluster(one, policy))
                .collect(),
            channels: channels.map(channel).collect(),
            rules: rules(&policy.rules),
            metric_rules: policy.metric_rules.iter().map(metric_rule).collect(),
            route: route(&policy.route),
            inhibitions: policy.inhibitions.len(),
            maintenance: windows.map(|one| window(one, now)).collect(),
            heartbeat_seconds: heartbeat.map(|beat| beat.period.as_secs_f64()),
            web: config.web.as_ref().map(web),
            warnings: config.warnings.clone(),
        }
    }
}

fn web(web: &WebFile) -> WebSummary {
    let callers = web.callers().into_iter();
    let callers = callers.map(|(name, role)| CallerSummary {
        name,
        role: role.to_string(),
    });
    WebSummary {
        file: web.path.display().to_string(),
        tls: web.config.tls.is_some(),
        authentication: web.config.authenticates(),
        callers: callers.collect(),
    }
}

fn cluster(cluster: &ClusterConfig, policy: &AlertPolicy) -> ClusterSummary {
    let endpoints = cluster.endpoints.iter();
    ClusterSummary {
        name: cluster.name.as_str().to_owned(),
        endpoints: endpoints.map(|one| one.as_str().to_owned()).collect(),
        own_rules: policy.cluster_rules.contains_key(&cluster.name),
    }
}

fn channel(channel: &ConfiguredChannel) -> ChannelSummary {
    let rate = channel.channel.limits.rate_per_minute;
    ChannelSummary {
        name: channel.name().to_owned(),
        kind: channel.kind,
        sends_resolved: channel.pace.sends_resolved,
        sends_acknowledged: channel.pace.sends_acknowledged,
        rate_per_minute: rate.map(std::num::NonZeroU32::get),
    }
}

fn rules(rules: &[Rule]) -> Vec<RuleSummary> {
    let defaults = default_rules();
    let summary = |one| {
        let mut summary = rule(one);
        summary.is_default = defaults.contains(one);
        summary
    };
    rules.iter().map(summary).collect()
}

fn rule(rule: &Rule) -> RuleSummary {
    RuleSummary {
        name: rule.name.clone(),
        condition: rule.finding.clone(),
        for_seconds: rule.hold.as_secs_f64(),
        severity: match rule.severity {
            SeverityPolicy::Fixed(severity) => Some(severity.as_str()),
            _ => None,
        },
        labels: rule.labels.clone(),
        is_default: false,
    }
}

fn metric_rule(by: &MetricRule) -> RuleSummary {
    let mut summary = rule(by.rule());
    summary.condition = by.condition();
    summary
}

fn route(route: &Route) -> RouteSummary {
    let matchers = route.matchers.iter();
    RouteSummary {
        matchers: matchers.map(ToString::to_string).collect(),
        channels: route.channels.clone(),
        continues: route.continues,
        mute_during: route.mute_during.clone(),
        routes: route.routes.iter().map(self::route).collect(),
    }
}

fn window(window: &MaintenanceWindow, now: Timestamp) -> WindowSummary {
    let matchers = window.matchers.as_ref();
    WindowSummary {
        name: window.name.clone(),
        is_open: window.is_open_at(now),
        changes_at: window.next_change_after(now),
        matchers: matchers.map(|list| list.iter().map(ToString::to_string).collect()),
    }
}
