//! What the monitor says of itself and of its own verdicts: names that begin with `etcd_monitor_`.

use std::collections::BTreeMap;
use std::fmt;

use etcd_monitor_model::{Finding, FindingStatus, Severity, Snapshot};
use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::{bool_value, labelled};
use super::collector::{Labels, Snapshots, counter, gauge};
use crate::source::age_seconds;

/// Writes the monitor's own metrics.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    build(snapshots, encoder)?;
    reachability(snapshots, encoder)?;
    cycles(snapshots, encoder)?;
    findings(snapshots, encoder)
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
    let up = snapshots.latest.iter().filter_map(|snapshot| {
        let cluster = vec![("cluster", snapshot.cluster.as_str())];
        Some((cluster, bool_value(answers(snapshot)?)))
    });
    let help = "1 when a member answered in the latest cycle, else 0; no sample while the monitor was too late to know";
    gauge(encoder, "etcd_monitor_cluster_up", help, up)?;
    let tolerance = snapshots.latest.iter().filter_map(|snapshot| {
        let cluster = vec![("cluster", snapshot.cluster.as_str())];
        Some((cluster, f64::from(snapshot.quorum?.tolerance?)))
    });
    let help = "Voters that may still fail before quorum is lost; 0 when it is lost already, no sample while not known";
    gauge(
        encoder,
        "etcd_monitor_cluster_fault_tolerance",
        help,
        tolerance,
    )?;
    let members = labelled(snapshots);
    let up = members
        .iter()
        .filter_map(|member| member.sample(member.seen.healthy.map(bool_value)));
    let help = "1 when the member answered Status and a serializable read, else 0; no sample while not known";
    gauge(encoder, "etcd_monitor_member_up", help, up)
}

/// Whether any member answered; silence says nothing where the monitor itself was late.
fn answers(snapshot: &Snapshot) -> Option<bool> {
    let answered = snapshot.last_answer_at == Some(snapshot.at);
    (answered || !snapshot.monitor.is_late()).then_some(answered)
}

type OfSnapshot = fn(&Snapshot) -> f64;

const OF_CYCLES: [(&str, &str, OfSnapshot); 7] = [
    (
        "etcd_monitor_snapshot_age_seconds",
        "Age of the latest snapshot",
        |snapshot| age_seconds(snapshot.at),
    ),
    (
        "etcd_monitor_cycle_seconds",
        "Duration of the latest probe cycle",
        |snapshot| snapshot.cycle_seconds,
    ),
    (
        "etcd_monitor_timer_lag_seconds",
        "How late the monitor's own timers fired in the latest cycle",
        |snapshot| snapshot.monitor.timer_lag_seconds,
    ),
    (
        "etcd_monitor_cycle_rpcs",
        "RPCs that the latest cycle cost the cluster",
        |snapshot| f64::from(snapshot.cost.rpcs),
    ),
    (
        "etcd_monitor_cycle_scrape_bytes",
        "Bytes of members' metrics pages that the latest cycle read",
        |snapshot| snapshot.cost.scrape_bytes as f64,
    ),
    (
        "etcd_monitor_cycle_handshakes",
        "TLS handshakes that the latest cycle made only to look at certificates",
        |snapshot| f64::from(snapshot.cost.handshakes),
    ),
    (
        "etcd_monitor_cycle_canary_writes",
        "Writes of the canary in the latest cycle; each grows the revision by one",
        |snapshot| f64::from(snapshot.cost.canary_writes),
    ),
];

fn cycles(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    for (name, help, value) in OF_CYCLES {
        gauge(encoder, name, help, of_snapshots(snapshots, value))?;
    }
    let help = "HashKV calls made, each of which walks a member's whole key space";
    let calls = of_snapshots(snapshots, |snapshot| snapshot.consistency.calls as f64);
    counter(encoder, "etcd_monitor_hashkv_calls", help, calls)?;
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

fn of_snapshots(
    snapshots: &Snapshots,
    value: OfSnapshot,
) -> impl Iterator<Item = (Labels<'_>, f64)> {
    let latest = snapshots.latest.iter();
    latest.map(move |snapshot| {
        let cluster = vec![("cluster", snapshot.cluster.as_str())];
        (cluster, value(snapshot))
    })
}

fn findings(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut samples: Vec<(Labels<'_>, f64)> = Vec::new();
    for snapshot in &snapshots.latest {
        for (rule, (count, severity)) in known_by_rule(snapshot) {
            let labels = vec![
                ("cluster", snapshot.cluster.as_str()),
                ("rule", rule),
                ("severity", severity.as_str()),
            ];
            samples.push((labels, f64::from(count)));
        }
    }
    let help = "Findings that are true, by rule; severity is that of the worst of them. 0 where the rule was judged of all its \
                subjects and none is true, no sample where it could not be";
    gauge(encoder, "etcd_monitor_findings", help, samples.into_iter())
}

/// How many findings of each rule are true, and the severity of the worst of them; without a rule of which none is true and
/// one is not known.
fn known_by_rule(snapshot: &Snapshot) -> BTreeMap<&str, (u32, Severity)> {
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &snapshot.findings {
        rules.entry(&finding.rule).or_default().push(finding);
    }
    let known = rules
        .into_iter()
        .filter_map(|(rule, findings)| Some((rule, count_of(&findings)?)));
    known.collect()
}

fn count_of(findings: &[&Finding]) -> Option<(u32, Severity)> {
    let of_true = findings.iter().filter(|finding| finding.status.is_true());
    let severities: Vec<Severity> = of_true.map(|finding| finding.severity).collect();
    if let Some(worst) = severities.iter().max() {
        let count = u32::try_from(severities.len()).unwrap_or(u32::MAX);
        return Some((count, *worst));
    }
    let mut all = findings.iter();
    let judged = all.all(|finding| finding.status == FindingStatus::False);
    let default = findings.iter().map(|finding| finding.severity).max();
    judged.then_some(0).zip(default)
}
