//! The alerts of each cluster.

use std::collections::BTreeMap;
use std::fmt;

use etcd_monitor_alerting::AlertState;
use etcd_monitor_model::Severity;
use prometheus_client::encoding::DescriptorEncoder;

use super::collector::{Labels, Snapshots, gauge};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

/// A resolved alert is no alert any more.
const STATES: [(AlertState, &str); 2] = [
    (AlertState::Pending, "pending"),
    (AlertState::Firing, "firing"),
];

/// Writes how many there are: zeros too, since what alerting knows is complete.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let view = snapshots.source.alerts().latest();
    let mut counts: BTreeMap<(&str, &str, &str), u32> = BTreeMap::new();
    for alert in view.active.iter() {
        let state = STATES.iter().find(|(state, _)| *state == alert.state);
        if let Some((_, state)) = state {
            let key = (alert.cluster.as_str(), alert.severity.as_str(), *state);
            *counts.entry(key).or_default() += 1;
        }
    }
    let watched = snapshots.source.watched();
    let clusters = watched.clusters.iter().map(|(name, _)| name.as_str());
    let keys: Vec<_> = clusters.flat_map(keys_of).collect();
    let samples = keys.iter().map(|key| {
        let (cluster, severity, state) = *key;
        let labels: Labels<'_> = vec![
            ("cluster", cluster),
            ("severity", severity),
            ("state", state),
        ];
        (labels, f64::from(counts.get(key).copied().unwrap_or(0)))
    });
    let help = "Alerts by severity and state, those that are muted included";
    gauge(encoder, "etcd_monitor_alerts", help, samples)?;
    firing(&keys, &counts, encoder)
}

fn keys_of(cluster: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    SEVERITIES.into_iter().flat_map(move |severity| {
        STATES
            .into_iter()
            .map(move |(_, state)| (cluster, severity.as_str(), state))
    })
}

/// The same without the severity: a name from before there was one by severity.
fn firing<'a>(
    keys: &[(&'a str, &'a str, &'a str)],
    counts: &BTreeMap<(&'a str, &'a str, &'a str), u32>,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let mut of_cluster: BTreeMap<&str, u32> = BTreeMap::new();
    for key in keys.iter().filter(|(_, _, state)| *state == "firing") {
        *of_cluster.entry(key.0).or_default() += counts.get(key).copied().unwrap_or(0);
    }
    let samples = of_cluster
        .iter()
        .map(|(cluster, count)| (vec![("cluster", *cluster)], f64::from(*count)));
    gauge(
        encoder,
        "etcd_monitor_alerts_firing",
        "Alerts in state firing",
        samples,
    )
}
