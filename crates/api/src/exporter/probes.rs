//! The monitor's own calls to members: how long they take, and how often they fail.

use std::fmt;

use etcd_monitor_model::ProbeRecord;
use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::{Labelled, bool_value, labelled};
use super::collector::{Labels, Snapshots, counter, gauge};

/// Writes what is known of each kind of call to each member.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let members = labelled(snapshots);
    let help = "Time to the answer or the failure of the monitor's latest call, by kind; no sample where the latest cycle did \
                not make it";
    let took = of_probes(&members, |record| record.took_seconds);
    gauge(encoder, "etcd_monitor_probe_duration_seconds", help, took)?;
    let help = "1 when the monitor's latest call was answered, else 0, by kind; no sample where the latest cycle did not make it";
    let success = of_probes(&members, |record| {
        record.took_seconds?;
        Some(bool_value(record.failure.is_none()))
    });
    gauge(encoder, "etcd_monitor_probe_success", help, success)?;
    let help = "Calls of the monitor that failed since it started, by kind";
    let failures = of_probes(&members, |record| Some(record.failures as f64));
    counter(encoder, "etcd_monitor_probe_failures", help, failures)
}

fn of_probes<'a>(
    members: &'a [Labelled<'_>],
    value: fn(&ProbeRecord) -> Option<f64>,
) -> impl Iterator<Item = (Labels<'a>, f64)> {
    members.iter().flat_map(move |member| {
        member.seen.probes.iter().filter_map(move |record| {
            let (mut labels, value) = member.sample(value(record))?;
            labels.push(("probe", record.kind.as_str()));
            Some((labels, value))
        })
    })
}
