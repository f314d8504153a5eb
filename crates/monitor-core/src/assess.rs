//! From an observation to a snapshot: pure, deterministic, no I/O, no clock.
//!
//! `assess` digests an observation in this order: who answered ([`view`]), which members the cluster has
//! ([`membership`]), who leads ([`leader`]), whether it can agree ([`quorum`]), what each member looks like
//! ([`members`]), who hears whom ([`links`]), and last what is wrong ([`rules`]).

mod canary;
mod capacity;
mod consensus;
mod coverage;
mod leader;
mod links;
mod members;
mod membership;
mod parameters;
mod probes;
mod quorum;
mod rules;
mod state;
mod trust;
mod versions;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use canary::CanaryParameters;
pub use capacity::CapacityParameters;
pub use consensus::ConsensusParameters;
pub use coverage::CoverageParameters;
pub use parameters::{LinkParameters, Parameters, VersionParameters};
pub use state::AssessState;
pub use trust::TrustParameters;
pub use versions::{KnownVersions, KnownVersionsError};

use std::collections::BTreeSet;

use etcd_monitor_model::{
    ClusterHealth, Finding, FindingStatus, MemberObservation, Observation, ProbeCost, Severity,
    Snapshot,
};

use rules::Context;
use view::View;

/// Turns what one cycle saw into what the monitor says, and carries `state` on to the next cycle.
///
/// The same state and observation always give the same snapshot. It cannot fail: whatever is missing from the
/// observation is unknown in the snapshot.
pub fn assess(
    state: &mut AssessState,
    observation: &Observation,
    parameters: &Parameters,
) -> Snapshot {
    let mut at_interval = parameters.clone();
    at_interval.metrics = parameters.metrics.at_interval(observation.interval_seconds);
    let parameters = &at_interval;
    let view = View::of(observation, state);
    membership::update(state, &view);
    trust::update(state, observation);
    let mut snapshot = Snapshot::empty(
        observation.cluster.clone(),
        observation.ended_at,
        observation.monitor,
    );
    describe_cycle(&mut snapshot, observation);
    snapshot.cluster_id = state.cluster_id;
    snapshot.member_count = state.member_count();
    leader::update(state, &view, &mut snapshot);
    snapshot.quorum = quorum::of(state, &view);
    snapshot.members = members::describe(state, &view, &snapshot, &parameters.metrics);
    capacity::update(state, &view, &mut snapshot, &parameters.capacity);
    let hashes = observation.hashes.as_ref();
    consensus::update(state, &view, hashes, &mut snapshot, parameters);
    snapshot.links = links::update(state, &view, &snapshot, &parameters.links);
    versions::update(state, &view);
    trust::describe(&mut snapshot.members, state, &view);
    probes::update(&mut state.probes, observation, &mut snapshot.members);
    canary::update(state, observation, &mut snapshot, &parameters.metrics);
    snapshot.last_answer_at = if view.any_answer() {
        Some(view.ended_at)
    } else {
        state.last_answer_at()
    };
    let context = Context {
        state,
        view: &view,
        snapshot: &snapshot,
        parameters,
    };
    let mut findings = rules::evaluate(&context);
    let reports = (rules::certificates(&context), rules::versions_of(&context));
    state.date(&mut findings, snapshot.at);
    state.coverage.remember(&findings, snapshot.at);
    sort_findings(&mut findings);
    snapshot.coverage = coverage::of(&view, &snapshot, &findings);
    snapshot.findings = findings;
    (snapshot.certificates, snapshot.versions) = reports;
    snapshot.health = health(&snapshot, &view);
    state.remember(&view);
    snapshot
}

fn describe_cycle(snapshot: &mut Snapshot, observation: &Observation) {
    snapshot.cycle = observation.cycle;
    snapshot.interval_seconds = observation.interval_seconds;
    let took = observation.ended_at.duration_since(observation.started_at);
    snapshot.cycle_seconds = took.as_secs_f64().max(0.0);
    snapshot.cost = cost(observation);
}

/// Puts findings in the order of a snapshot.
pub(crate) fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by_cached_key(order);
}

/// Worst first: unexplained true, explained true, unknown, false; among equals by severity, then by name.
fn order(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>, String, String) {
    let rank = match finding.status {
        FindingStatus::True => u8::from(finding.caused_by.is_some()),
        FindingStatus::Unknown { .. } => 2,
        FindingStatus::False => 3,
    };
    (
        rank,
        std::cmp::Reverse(finding.severity),
        finding.rule.clone(),
        finding.subject.key(),
    )
}

fn cost(observation: &Observation) -> ProbeCost {
    let mut cost = ProbeCost {
        canary_writes: u32::from(observation.canary.is_some()),
        hash_calls: hash_calls(observation),
        ..ProbeCost::default()
    };
    for member in &observation.members {
        cost.rpcs += [
            member.status.is_some(),
            member.members_serializable.is_some(),
            member.members_linearizable.is_some(),
            member.alarms.is_some(),
            member.read_linearizable.is_some(),
            member.read_serializable.is_some(),
        ]
        .into_iter()
        .map(u32::from)
        .sum::<u32>();
        cost.scrapes += u32::from(member.metrics.is_some());
        cost.handshakes += handshakes(member);
        cost.scrape_bytes += member
            .metrics
            .as_ref()
            .and_then(|probe| probe.ok())
            .map_or(0, |page| page.page_bytes);
    }
    cost
}

fn hash_calls(observation: &Observation) -> u32 {
    let answers = observation.hashes.iter().flat_map(|round| &round.answers);
    u32::try_from(answers.count()).unwrap_or(u32::MAX)
}

fn handshakes(member: &MemberObservation) -> u32 {
    let ports = member.trust.iter().flat_map(|report| &report.ports);
    let made = ports.filter(|port| port.handshake.is_some()).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

fn health(snapshot: &Snapshot, view: &View<'_>) -> ClusterHealth {
    let worst = snapshot.worst();
    let critical = worst.is_some_and(|finding| finding.severity == Severity::Critical);
    let healthy = match (critical, view.any_linearizable_read()) {
        (false, true) => Some(true),
        (false, false) => (!view.late && view.any_failed_read()).then_some(false),
        (true, _) => Some(false),
    };
    ClusterHealth {
        healthy,
        worst: worst.map(|finding| finding.severity),
        worst_type: worst.map(|finding| finding.alert_type),
        // What is only worth knowing does not take the place of the verdict.
        sentence: worst
            .filter(|finding| finding.severity > Severity::Info)
            .map_or_else(
                || checked(snapshot, healthy),
                |finding| finding.cause.clone(),
            ),
    }
}

/// The verdict where no finding is true: what was seen, and what was checked.
fn checked(snapshot: &Snapshot, healthy: Option<bool>) -> String {
    let rules: BTreeSet<&str> = snapshot
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    let is_unknown = |finding: &&Finding| matches!(finding.status, FindingStatus::Unknown { .. });
    let unknown = snapshot.findings.iter().filter(is_unknown).count();
    let members = match snapshot.members.len() {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    let checked = format!(
        "{} rules on {members}, {unknown} not evaluable",
        rules.len()
    );
    match (healthy, &snapshot.leader) {
        (Some(true), Some(leader)) => format!("Healthy: {} leads; {checked}", leader.name),
        (Some(true), None) => format!("Healthy: a linearizable read succeeds; {checked}"),
        (Some(false), _) => format!("No linearizable read succeeded in this cycle; {checked}"),
        (None, _) => format!("Not known; {checked}"),
    }
}
