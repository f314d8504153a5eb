//! What the monitor says of itself and of its own verdicts: names that begin with `etcd_monitor_`.

use std::collections::BTreeMap;
use std::fmt;

use etcd_monitor_alerting::AlertState;
use etcd_monitor_model::{Severity, Snapshot};
use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::{bool_value, labelled};
use super::collector::{Labels, Snapshots, counter, gauge};
use crate::source::age_seconds;

/// Writes the monitor's own metrics.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    build(snapshots, encoder)?;
    reachability(snapshots, encoder)?;
    cycles(snapshots, encoder)?;
    findings(snapshots, encoder)?;
    alerts(snapshots, encoder)
}

fn build(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let build = snapshots.source.build();
    let labels: Labels<'_> = vec![("version", &build.version), ("commit", &build.commit)];
    let help = "Always 1; what was built is in the labels";
    gauge(
        encoder,
        "etcd_monitor_build_info",
        help,
        std::iter::once((labels, 1.0)),
    )
}

fn reachability(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let members = labelled(snapshots);
    let up = members
        .iter()
        .filter_map(|member| member.sample(member.seen.healthy.map(bool_value)));
    let help = "1 when the member answered Status and a serializable read, else 0; no sample while not known";
    gauge(encoder, "etcd_monitor_member_up", help, up)
}

fn cycles(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let of = |value: fn(&Snapshot) -> f64| {
        snapshots.latest.iter().map(move |snapshot| {
            (
                vec![("cluster", snapshot.cluster.as_str())],
                value(snapshot),
            )
        })
    };
    let help = "Age of the latest snapshot";
    gauge(
        encoder,
        "etcd_monitor_snapshot_age_seconds",
        help,
        of(|snapshot| age_seconds(snapshot.at)),
    )?;
    let help = "Duration of the latest probe cycle";
    gauge(
        encoder,
        "etcd_monitor_cycle_seconds",
        help,
        of(|snapshot| snapshot.cycle_seconds),
    )?;
    let help = "How late the monitor's own timers fired in the latest cycle";
    gauge(
        encoder,
        "etcd_monitor_timer_lag_seconds",
        help,
        of(|snapshot| snapshot.monitor.timer_lag_seconds),
    )?;
    let help = "RPCs that the latest cycle cost the cluster";
    gauge(
        encoder,
        "etcd_monitor_cycle_rpcs",
        help,
        of(|snapshot| f64::from(snapshot.cost.rpcs)),
    )?;
    let help = "Bytes of members' metrics pages that the latest cycle read";
    gauge(
        encoder,
        "etcd_monitor_cycle_scrape_bytes",
        help,
        of(|snapshot| snapshot.cost.scrape_bytes as f64),
    )?;
    let help = "HashKV calls made, each of which walks a member's whole key space";
    counter(
        encoder,
        "etcd_monitor_hashkv_calls",
        help,
        of(|snapshot| snapshot.consistency.calls as f64),
    )?;
    let ended = snapshots.latest.iter().filter_map(|snapshot| {
        let round = snapshot.consistency.latest.as_ref()?;
        let cluster = vec![("cluster", snapshot.cluster.as_str())];
        Some((cluster, age_seconds(round.began_at)))
    });
    let help = "Age of the latest round of HashKV; no sample before the first";
    gauge(
        encoder,
        "etcd_monitor_hashkv_round_age_seconds",
        help,
        ended,
    )
}

fn findings(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut samples: Vec<(Labels<'_>, f64)> = Vec::new();
    for snapshot in &snapshots.latest {
        for (rule, (count, severity)) in true_by_rule(snapshot) {
            let labels = vec![
                ("cluster", snapshot.cluster.as_str()),
                ("rule", rule),
                ("severity", severity.as_str()),
            ];
            samples.push((labels, f64::from(count)));
        }
    }
    let help = "Findings that are true, by rule; severity is that of the worst of them";
    gauge(encoder, "etcd_monitor_findings", help, samples.into_iter())
}

/// How many findings of each rule are true, and the severity of the worst of them.
fn true_by_rule(snapshot: &Snapshot) -> BTreeMap<&str, (u32, Severity)> {
    let mut rules: BTreeMap<&str, (u32, Severity)> = BTreeMap::new();
    let findings = snapshot.findings.iter();
    for finding in findings.filter(|finding| finding.status.is_true()) {
        let (count, worst) = rules.entry(&finding.rule).or_insert((0, finding.severity));
        *count += 1;
        *worst = finding.severity.max(*worst);
    }
    rules
}

fn alerts(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let view = snapshots.source.alerts().latest();
    let mut firing: BTreeMap<&str, u32> = BTreeMap::new();
    let alerts = view.active.iter();
    for alert in alerts.filter(|alert| alert.state == AlertState::Firing) {
        *firing.entry(alert.cluster.as_str()).or_default() += 1;
    }
    let watched = snapshots.source.watched();
    let samples = watched.clusters.iter().map(|(name, _)| {
        let count = firing.get(name.as_str()).copied().unwrap_or(0);
        (vec![("cluster", name.as_str())], f64::from(count))
    });
    gauge(
        encoder,
        "etcd_monitor_alerts_firing",
        "Alerts in state firing",
        samples,
    )
}
