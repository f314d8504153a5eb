//! The section `alerts:`: what becomes an alert, and who is told; as written and checked.

mod channels;
mod custom;
mod doubts;
mod heartbeat;
mod inhibit;
mod maintenance;
mod routes;
mod rules;
mod templates;

use std::collections::BTreeMap;

use etcd_monitor_alerting::{
    AlertPolicy, Channel, ChannelPace, HeartbeatOptions, MessageLinks, MetricRule, Route, Rule,
};
use etcd_monitor_model::ClusterName;
use secrecy::SecretString;
use serde::Deserialize;

use super::place::{At, Remark};
use super::secret::Secrets;
pub use channels::ConfiguredChannel;
use channels::{ChannelFile, Common};
use custom::CustomRuleFile;
use doubts::{Known, check_labels, doubts};
use heartbeat::HeartbeatFile;
use inhibit::InhibitFile;
use maintenance::WindowFile;
use routes::{Names, RouteFile};
use rules::{RuleSet, RulesFile};
use templates::TemplatesFile;

/// The channel that is always there: blocks of lines on stderr.
const CONSOLE: &str = "console";

/// The channel of `webhook_url` and `--webhook-url`.
const WEBHOOK: &str = "webhook";

/// Alerts as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AlertsFile {
    /// Short form of `rules` for such as are given no more than another time for which a finding must hold: rule to duration.
    holds: BTreeMap<At<String>, At<String>>,
    /// Rules that are to be other than the defaults, by name of the rule. One that is named is on, unless it is said to be off.
    rules: RulesFile,
    /// Rules of your own: one more over a finding, or one over a metric.
    custom: Vec<CustomRuleFile>,
    /// Where alerts go, by name. `console` is always there.
    channels: BTreeMap<At<String>, At<ChannelFile>>,
    /// Who hears of what. Without it every alert goes to every channel.
    route: Option<At<RouteFile>>,
    /// Which alerts mute which others, beside those that are known to have the same cause.
    inhibit: Vec<At<InhibitFile>>,
    /// When nothing new is told.
    maintenance: Vec<WindowFile>,
    /// What messages say, by piece (`console.text`, `email.subject`, `email.text`, `email.html`, `slack.text`, `pagerduty.summary`, `webhook.body`), for all channels of the type.
    templates: TemplatesFile,
    /// Calls a URL while clusters are probed, so that another service notices when the monitor falls silent.
    heartbeat: Option<At<HeartbeatFile>>,
}

impl AlertsFile {
    /// Every matcher in it.
    fn matchers(&self) -> Vec<&At<String>> {
        let routes = self.route.iter().flat_map(|root| root.all_matchers());
        let inhibitions = self.inhibit.iter().flat_map(|one| one.all_matchers());
        let windows = self.maintenance.iter().flat_map(WindowFile::all_matchers);
        routes.chain(inhibitions).chain(windows).collect()
    }

    /// Every name of a label in it, beside those in matchers.
    fn labels(&self) -> Vec<&At<String>> {
        let routes = self.route.iter().flat_map(|root| root.labels());
        let inhibitions = self.inhibit.iter().flat_map(|one| one.labels());
        routes.chain(inhibitions).collect()
    }

    /// Whether a channel of this name is written.
    fn defines(&self, channel: &str) -> bool {
        self.channels.keys().any(|name| name.value == channel)
    }
}

/// What a cluster says of its own alerts, as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClusterAlertsFile {
    /// Rules by name.
    pub(super) rules: RulesFile,
}

/// Checked alerting.
#[derive(Debug)]
pub struct AlertsConfig {
    /// What becomes an alert, and which channel hears of it.
    pub policy: AlertPolicy,
    /// The channels, by name.
    pub channels: Vec<ConfiguredChannel>,
    /// The sign of life; `None`: none is given.
    pub heartbeat: Option<HeartbeatOptions>,
}

/// What alerting depends on beside its own section.
pub(super) struct Surroundings<'a> {
    /// The clusters, with what they say of their own alerts.
    pub(super) clusters: &'a [(ClusterName, &'a ClusterAlertsFile)],
    /// The URL of `webhook_url` or `--webhook-url`.
    pub(super) webhook: Option<SecretString>,
    /// What messages link to.
    pub(super) links: MessageLinks,
}

impl AlertsConfig {
    /// The channels as alerting takes them.
    pub fn channels(&self) -> Vec<Channel> {
        let channels = self.channels.iter();
        channels.map(|one| one.channel.clone()).collect()
    }
}

/// Checks the whole section.
pub(super) fn check(
    file: &AlertsFile,
    around: &Surroundings<'_>,
    secrets: &mut Secrets,
) -> Result<AlertsConfig, Remark> {
    let mut rules = RuleSet::defaults();
    rules.hold(&file.holds)?;
    let metric_rules = custom::check(&file.custom, &mut rules)?;
    rules.lay_over(&file.rules)?;
    let channels = channels(file, around, secrets)?;
    let maintenance = maintenance::check(&file.maintenance)?;
    let mut policy = AlertPolicy::to_channels([""; 0]);
    policy.route = route(file, &channels)?;
    policy.rules = rules.on();
    policy.cluster_rules = cluster_rules(&rules, around.clusters)?;
    policy.metric_rules = metric_rules;
    policy.channels = paces(&channels);
    policy.inhibitions = inhibit::check(&file.inhibit)?;
    policy.maintenance = maintenance;
    let known = Known {
        clusters: around
            .clusters
            .iter()
            .map(|(name, _)| name.as_str())
            .collect(),
        rules: rules
            .names()
            .chain(policy.metric_rules.iter().map(MetricRule::name))
            .collect(),
    };
    check_labels(file, &policy)?;
    for doubt in doubts(file, &known) {
        secrets.warn(doubt);
    }
    Ok(AlertsConfig {
        policy,
        channels,
        heartbeat: heartbeat::check(file.heartbeat.as_ref(), secrets)?,
    })
}

/// The channels of the file, and those that need not be written there.
fn channels(
    file: &AlertsFile,
    around: &Surroundings<'_>,
    secrets: &mut Secrets,
) -> Result<Vec<ConfiguredChannel>, Remark> {
    let common = Common {
        links: around.links.clone(),
        texts: templates::check(&file.templates)?,
    };
    let mut channels = Vec::with_capacity(file.channels.len() + 2);
    if !file.defines(CONSOLE) {
        channels.push(common.console()?);
    }
    if let Some(url) = &around.webhook {
        let twice = file.channels.keys().find(|name| name.value == WEBHOOK);
        if let Some(name) = twice {
            return Err(name.remark(TWO_WEBHOOKS));
        }
        channels.push(common.webhook(url)?);
    }
    for (name, file) in &file.channels {
        channels.push(channels::check(name, file, &common, secrets)?);
    }
    Ok(channels)
}

const TWO_WEBHOOKS: &str = "the channel webhook is that of webhook_url; give this one another name, or leave webhook_url out";

/// The tree of the file; without one, everything goes everywhere. Channels that need not be written in the file hear of
/// everything, unless a route names them.
fn route(file: &AlertsFile, channels: &[ConfiguredChannel]) -> Result<Route, Remark> {
    let windows = file.maintenance.iter();
    let names = Names {
        channels: channels.iter().map(ConfiguredChannel::name).collect(),
        windows: windows.map(|window| window.name.as_str()).collect(),
    };
    let Some(root) = &file.route else {
        return Ok(Route::to(
            names.channels.iter().map(ToString::to_string).collect(),
        ));
    };
    let written = routes::check(root, &names)?;
    let unwritten = names.channels.iter();
    let unwritten = unwritten.filter(|name| !file.defines(name) && !root.names_channel(name));
    let unwritten: Vec<String> = unwritten.map(ToString::to_string).collect();
    Ok(if unwritten.is_empty() {
        written
    } else {
        beside(unwritten, written)
    })
}

/// A tree that sends everything to these channels, at the pace of another tree, and then goes through that one.
fn beside(channels: Vec<String>, tree: Route) -> Route {
    let mut to_all = Route::to(channels);
    to_all.continues = true;
    let mut root = Route::to(Vec::new());
    root.group_by.clone_from(&tree.group_by);
    root.timing = tree.timing;
    root.routes = vec![to_all, tree];
    root
}

fn cluster_rules(
    rules: &RuleSet,
    clusters: &[(ClusterName, &ClusterAlertsFile)],
) -> Result<BTreeMap<ClusterName, Vec<Rule>>, Remark> {
    let own = clusters.iter().filter(|(_, file)| !file.rules.is_empty());
    own.map(|(name, file)| {
        let mut rules = rules.clone();
        rules.lay_over(&file.rules)?;
        Ok((name.clone(), rules.on()))
    })
    .collect()
}

fn paces(channels: &[ConfiguredChannel]) -> BTreeMap<String, ChannelPace> {
    let paces = channels.iter().map(|one| (one.name().to_owned(), one.pace));
    paces.collect()
}

#[cfg(test)]
mod tests;
