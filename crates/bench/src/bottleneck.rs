//! What limited a run, with the evidence for it: a pure function over the parts of its report.
//!
//! It claims nothing that the figures do not show. Where a member's metrics are not known, or nothing is near its limit, it says
//! so.

mod client;
mod server;

use serde::{Deserialize, Serialize};

use crate::report::Report;

pub(crate) use server::{leader, request_mean_seconds as member_request_mean_seconds};

/// A wait that takes this share of the time is what is waited for.
const WAIT_SHARE: f64 = 0.5;

/// Waits of this length are a disk or a network, whatever the processors do: the scheduler gives a thread that has become ready a
/// core far sooner, on average, even on a full machine.
const SURE_WAIT_SECONDS: f64 = 5e-3;

/// Above this share of its cores a process is what is waited for: queues grow from some 70 % on.
const CPU_SHARE: f64 = 0.7;

/// Above this share of the time of its cores a machine is full.
const MACHINE_SHARE: f64 = 0.9;

/// An open loop kept up that reached this share of its rate.
const KEPT_UP_SHARE: f64 = 0.98;

/// Requests that were not sent and are still no sign of a limit.
const UNSENT_SHARE: f64 = 1e-3;

/// All clients waited if so many of them did on average (by Little's law: rate times service time).
const WAITING_SHARE: f64 = 0.8;

/// An outage of this share of the time explains a lower throughput.
const OUTAGE_SHARE: f64 = 0.1;

/// What limited a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkLimit))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// Nothing: the rate that was asked was reached.
    None,
    /// The disk: syncs of the write-ahead log.
    WalFsync,
    /// The disk: commits of the backend.
    BackendCommit,
    /// The processors of a member, as a rule the leader.
    ServerCpu,
    /// The network between the members.
    PeerNetwork,
    /// The network between the load generator and the members.
    ClientNetwork,
    /// The machine of the load generator.
    ClientMachine,
    /// The load itself: every client waited for its answer, and nothing was at its limit.
    ClientFlow,
    /// The cluster gave no service for a part of the time.
    Outage,
    /// The figures do not tell.
    #[default]
    Unknown,
}

impl Limit {
    /// The limit in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::None => "none: the rate was reached",
            Self::WalFsync => "disk (syncs of the write-ahead log)",
            Self::BackendCommit => "disk (commits of the backend)",
            Self::ServerCpu => "CPU of a member",
            Self::PeerNetwork => "network between the members",
            Self::ClientNetwork => "network between the load generator and the members",
            Self::ClientMachine => "machine of the load generator",
            Self::ClientFlow => "the load itself: every client waited for its answer",
            Self::Outage => "the cluster gave no service for a part of the time",
            Self::Unknown => "not known",
        }
    }
}

/// What limited a run, and why that is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkBottleneck))]
#[non_exhaustive]
pub struct Bottleneck {
    /// What limited it.
    pub limit: Limit,
    /// What shows it, a line for each figure.
    pub evidence: Vec<String>,
    /// What to do.
    pub action: String,
}

impl Bottleneck {
    fn new(limit: Limit, evidence: Vec<String>, action: &str) -> Self {
        Self {
            limit,
            evidence,
            action: action.to_owned(),
        }
    }

    /// What limited the run of this report.
    pub fn of(report: &Report) -> Self {
        if report.succeeded == 0 {
            let why = "no request was answered".to_owned();
            return Self::new(Limit::Unknown, vec![why], "see the errors");
        }
        kept_up(report).unwrap_or_else(|| Self::of_slowness(report))
    }

    /// Why it was not faster, also where the rate that was asked was reached.
    pub fn of_slowness(report: &Report) -> Self {
        // A disk that is slow all the time tears gaps as well.
        server::sure_wait(report)
            .or_else(|| outage(report))
            .or_else(|| client::shared_machine(report))
            .or_else(|| client::machine(report))
            .or_else(|| server::cpu(report))
            .or_else(|| server::wait(report))
            .or_else(|| client::network(report))
            .or_else(|| client::flow(report))
            .unwrap_or_else(|| unknown(report))
    }
}

/// An open loop that reached its rate met no limit.
fn kept_up(report: &Report) -> Option<Bottleneck> {
    let rate = report.plan.load.rate?;
    let reached = report.per_second?;
    let expected = rate.per_second * report.window_seconds;
    // Three standard deviations of what random arrivals bring.
    let by_chance = 3.0 / expected.max(1.0).sqrt();
    let share = reached / rate.per_second;
    let unsent = (report.unsent + report.dropped) as f64;
    let is_kept = share >= KEPT_UP_SHARE - by_chance
        && unsent <= UNSENT_SHARE * expected
        && report.valid
        && report.failover.outages.is_empty();
    is_kept.then(|| {
        let mut evidence = vec![format!(
            "{reached:.0} of {:.0} requests/s that were due were answered",
            rate.per_second
        )];
        evidence.extend(server::busiest(report));
        Bottleneck::new(
            Limit::None,
            evidence,
            "ask at a higher rate, or at none, to find a limit",
        )
    })
}

fn outage(report: &Report) -> Option<Bottleneck> {
    let seconds = report.failover.outage_seconds();
    if seconds < OUTAGE_SHARE * report.window_seconds {
        return None;
    }
    let outages = report.failover.outages.iter();
    let spans = outages.map(|outage| {
        format!(
            "no answer from {:.2} s to {:.2} s",
            outage.gap.from_seconds, outage.gap.to_seconds
        )
    });
    let events = report
        .failover
        .events
        .iter()
        .map(|event| format!("{} at {:.1} s", event.kind.as_str(), event.at_seconds));
    Some(Bottleneck::new(
        Limit::Outage,
        spans.take(3).chain(events.take(5)).collect(),
        "look into what happened then; for the throughput of a cluster that works, measure again",
    ))
}

fn unknown(report: &Report) -> Bottleneck {
    let unreadable = report.server.iter().filter_map(|member| {
        let why = member.unreadable.as_ref()?;
        Some(format!(
            "metrics of {} are not known: {why}",
            member.endpoint
        ))
    });
    let mut evidence: Vec<String> = unreadable.collect();
    if evidence.is_empty() {
        evidence.push("nothing that is measured was near a limit".to_owned());
        evidence.extend(server::busiest(report));
    }
    Bottleneck::new(
        Limit::Unknown,
        evidence,
        "make /metrics of all members readable, and measure for 10 s or longer",
    )
}

/// Mean of the service times of all requests.
pub(crate) fn service_mean_seconds(report: &Report) -> Option<f64> {
    let requests = report.operations.iter();
    let requests = requests.filter(|operation| operation.kind.is_request());
    let sums = requests.filter_map(|operation| {
        let count = operation.service.count as f64;
        Some((operation.service.mean_seconds? * count, count))
    });
    let (sum, count) = sums.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    (count > 0.0).then(|| sum / count)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", 1e3 * seconds)
}

#[cfg(test)]
mod tests;
