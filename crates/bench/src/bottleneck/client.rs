//! Limits on the side of the load generator.

use super::{
    Bottleneck, CPU_SHARE, Limit, MACHINE_SHARE, WAIT_SHARE, WAITING_SHARE, milliseconds, percent,
    server, service_mean_seconds,
};
use crate::report::Report;

const APART: &str = "run the load generator on a machine of its own, with more cores";

/// A generator that took no more than this share of its cores did not fill the machine: elsewhere it would free that alone.
const LITTLE_SHARE: f64 = 0.1;

/// Members that took this share of the busy time of a machine fill it.
const MOST_SHARE: f64 = 0.5;

/// The cores of the load generator's machine are used up by members that run there as well: theirs is the limit.
pub(super) fn shared_machine(report: &Report) -> Option<Bottleneck> {
    let busy = report.own.machine_busy_share?;
    let own = report.own.cpu_share?;
    if busy <= MACHINE_SHARE || own > LITTLE_SHARE {
        return None;
    }
    let here = server::on_this_machine(report)?;
    let cores = report.environment.client.cores? as f64;
    let busy_cores = busy * cores;
    if here < MOST_SHARE * busy_cores {
        return None;
    }
    let evidence = vec![format!(
        "the machine that members share with the load generator was {} busy{}",
        percent(busy),
        shares(report).unwrap_or_default()
    )];
    let action = "give the members more or faster cores; the load generator on a machine of its own would free only the little that it took";
    Some(Bottleneck::new(Limit::ServerCpu, evidence, action))
}

/// Who took how many cores of the load generator's machine, as far as that is known.
fn shares(report: &Report) -> Option<String> {
    let cores = report.environment.client.cores? as f64;
    let busy = cores * report.own.machine_busy_share?;
    let own = cores * report.own.cpu_share?;
    let here = server::on_this_machine(report);
    let others = (busy - own - here.unwrap_or(0.0)).max(0.0);
    let members = here.map_or_else(String::new, |here| {
        format!("members of the cluster {here:.2}, ")
    });
    Some(format!(
        ": of its {cores:.0} cores the load generator took {own:.2}, {members}others {others:.2}"
    ))
}

/// The load generator, or all that runs on its machine, used the cores.
pub(super) fn machine(report: &Report) -> Option<Bottleneck> {
    let own = &report.own;
    let mut evidence = Vec::new();
    if let Some(share) = own.cpu_share.filter(|share| *share > CPU_SHARE) {
        evidence.push(format!(
            "the load generator took {} of its cores",
            percent(share)
        ));
    }
    if let Some(busy) = own.machine_busy_share.filter(|busy| *busy > MACHINE_SHARE) {
        let shares = shares(report).unwrap_or_else(|| {
            let of_own = own.cpu_share.map_or("an unknown part".to_owned(), percent);
            format!("; the load generator took {of_own} of its cores")
        });
        evidence.push(format!("its machine was {} busy{shares}", percent(busy)));
    }
    if report.is_generator_late() {
        let late = report
            .lateness
            .p99_seconds
            .map_or_else(String::new, milliseconds);
        evidence.push(format!("1 % of the requests were sent {late} late or more"));
    }
    (!evidence.is_empty()).then(|| Bottleneck::new(Limit::ClientMachine, evidence, APART))
}

/// The members answer soon, and the answers come late.
pub(super) fn network(report: &Report) -> Option<Bottleneck> {
    let service = service_mean_seconds(report)?;
    let request = server::request_mean_seconds(report)?;
    let share = request / service;
    (share < 1.0 - WAIT_SHARE).then(|| {
        let mut evidence = vec![format!(
            "the members took {} of the {} that a request took on average; the rest lies between them and the client",
            milliseconds(request),
            milliseconds(service)
        )];
        evidence.extend(server::busiest(report));
        Bottleneck::new(
            Limit::ClientNetwork,
            evidence,
            "move the load generator nearer to the members; more clients get more through all the same",
        )
    })
}

/// Every client waited for its answer, and nothing was at its limit.
pub(super) fn flow(report: &Report) -> Option<Bottleneck> {
    let service = service_mean_seconds(report)?;
    let waiting = report.per_second? * service;
    let clients = f64::from(report.plan.load.clients);
    // Without the figures of a quorum nobody knows that nothing was at its limit.
    let is_known = server::is_quorum_known(report);
    (is_known && waiting >= WAITING_SHARE * clients).then(|| {
        let mut evidence = vec![format!(
            "{:.1} of {clients} clients waited for an answer on average",
            waiting.min(clients)
        )];
        evidence.extend(server::busiest(report));
        Bottleneck::new(
            Limit::ClientFlow,
            evidence,
            "more clients would get more through",
        )
    })
}
