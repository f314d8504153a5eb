//! How the monitor's own calls went, by endpoint and kind.

use std::collections::BTreeMap;

use etcd_monitor_model::{MemberSnapshot, Observation, ProbeKind, ProbeRecord};

/// Failures by endpoint and kind of call, of the endpoints that are probed now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ProbeMemory {
    failures: BTreeMap<String, BTreeMap<ProbeKind, u64>>,
}

/// Counts the failures of this cycle, and says of each member how its calls went.
pub(super) fn update(
    memory: &mut ProbeMemory,
    observation: &Observation,
    members: &mut [MemberSnapshot],
) {
    let mut before = std::mem::take(&mut memory.failures);
    for seen in &observation.members {
        let mut failures = before.remove(&seen.endpoint).unwrap_or_default();
        let calls = seen.calls();
        for (kind, call) in calls {
            let failed = call.is_some_and(|call| call.failure.is_some());
            *failures.entry(kind).or_default() += u64::from(failed);
        }
        let mut members = members.iter_mut();
        if let Some(member) = members.find(|member| member.endpoint == seen.endpoint) {
            member.metrics_url.clone_from(&seen.metrics_url);
            let records = calls.map(|(kind, call)| ProbeRecord {
                kind,
                took_seconds: call.map(|call| call.took_seconds),
                failure: call.and_then(|call| call.failure),
                failures: failures.get(&kind).copied().unwrap_or_default(),
            });
            member.probes = records.to_vec();
        }
        memory.failures.insert(seen.endpoint.clone(), failures);
    }
}
