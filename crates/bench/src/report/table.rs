//! A report for people.

use std::fmt::Write as _;

use super::{AccountingVerdict, LatencyFigures, OperationFigures, Report};
use crate::fsync_probe::FsyncProbe;
use crate::load::{Load, Overload, Until};

const WIDEST_BAR: u64 = 40;

impl Report {
    /// The report as a text of some dozen lines.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        self.heading(&mut text);
        for operation in &self.operations {
            latencies(&mut text, operation);
        }
        for operation in &self.operations {
            histogram(&mut text, operation, self.operations.len() > 1);
        }
        self.errors(&mut text);
        self.course(&mut text);
        self.server_table(&mut text);
        self.ending(&mut text);
        text
    }

    fn heading(&self, text: &mut String) {
        let plan = &self.plan;
        line(
            text,
            "workload",
            &format!("{}, engine {}", plan.workload, plan.engine),
        );
        line(text, "load", &describe(&plan.load));
        line(text, "endpoints", &plan.endpoints.join(", "));
        if let Some(target) = plan.parameters.get("target") {
            line(text, "target", target);
        }
        let rate = self
            .per_second
            .map_or("not measured".to_owned(), |rate| format!("{rate:.1}/s"));
        let all = self.succeeded + self.failed;
        line(
            text,
            "throughput",
            &format!(
                "{rate} over {:.1} s ({} of {all} requests succeeded)",
                self.window_seconds, self.succeeded
            ),
        );
        let _ = writeln!(
            text,
            "\n{:<18}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "LATENCY (ms)", "min", "mean", "p50", "p95", "p99", "p99.9", "max"
        );
    }

    fn errors(&self, text: &mut String) {
        if self.errors.is_empty() {
            return;
        }
        let _ = writeln!(text, "\nERRORS");
        for (kind, errors) in &self.errors {
            let _ = writeln!(text, "{:>10}  {kind}: {}", errors.count, errors.example);
        }
    }

    fn ending(&self, text: &mut String) {
        text.push('\n');
        for (name, value) in self.details.iter().flat_map(super::Details::lines) {
            line(text, name, &value);
        }
        line(text, "data", &self.data());
        line(text, "generator", &self.generator());
        line(text, "cluster", &self.cluster());
        line(text, "machine", &self.environment.client.line());
        if let Some(probe) = &self.fsync_probe {
            line(text, "disk", &describe_probe(probe));
        }
        if let Some(why) = &self.ended_early {
            line(text, "ended early", why);
        }
        if let Some(why) = &self.keys_left {
            line(
                text,
                "keys are left",
                &format!("below {}: {why}", self.plan.prefix),
            );
        }
        if let Some(breakdown) = self.breakdown.describe() {
            line(text, "mean time", &breakdown);
        }
        self.limit(text);
        for doubt in &self.doubts {
            line(text, "note", doubt);
        }
        if !self.valid {
            line(text, "result", "INVALID: it says nothing about the cluster");
        }
    }

    pub(super) fn data(&self) -> String {
        let accounting = &self.accounting;
        let after = accounting
            .revision_after
            .map_or("?".to_owned(), |after| after.to_string());
        let verdict = match accounting.verdict {
            AccountingVerdict::NothingLost => "nothing lost",
            AccountingVerdict::Lost => {
                let lost = accounting.lost.unwrap_or_default();
                &format!("{lost} ACKNOWLEDGED WRITES ARE LOST")
            }
            AccountingVerdict::OthersWrote => {
                let surplus = accounting.surplus.unwrap_or_default();
                &format!("{surplus} more by others, or made twice: a loss cannot be excluded")
            }
            AccountingVerdict::Unknown => "not known: no member answered in the end",
        };
        format!(
            "revision {} -> {after}; {} changes acknowledged, {} unknown: {verdict}",
            accounting.revision_before, accounting.acknowledged, accounting.unknown
        )
    }

    pub(super) fn generator(&self) -> String {
        let unknown = || "?".to_owned();
        let share = self
            .own
            .cpu_share
            .map_or_else(unknown, |share| format!("{:.0}", 100.0 * share));
        let memory = self
            .own
            .resident_bytes
            .map_or_else(unknown, |bytes| (bytes >> 20).to_string());
        let late = self
            .lateness
            .p99_seconds
            .map_or_else(unknown, |late| format!("{:.2}", 1e3 * late));
        let waited = self
            .own
            .run_queue_share_most
            .map_or_else(unknown, |share| format!("{:.1}", 100.0 * share));
        let switches = self
            .own
            .involuntary_switches_per_second
            .map_or_else(unknown, |rate| format!("{rate:.0}"));
        format!(
            "{share} % of its cores, {memory} MiB, p99 lateness {late} ms, waited {waited} % for a core, {switches} involuntary switches/s"
        )
    }

    pub(super) fn cluster(&self) -> String {
        let before = &self.environment.before;
        let mut versions: Vec<&str> = before
            .members
            .iter()
            .filter_map(|member| member.version.as_deref())
            .collect();
        versions.sort_unstable();
        versions.dedup();
        let id = before.id.as_deref().unwrap_or("?");
        let leader = before.leader.as_deref().unwrap_or("?");
        format!("{id}, etcd {}, leader {leader}", versions.join(" and "))
    }
}

pub(super) fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<14}{value}");
}

pub(super) fn describe(load: &Load) -> String {
    let until = match load.until {
        Until::Operations(total) => format!("{total} requests"),
        Until::Seconds(seconds) => format!("{seconds} s"),
    };
    let pace = match load.rate {
        Some(rate) => format!(
            "open loop, {} requests/s{}",
            rate.per_second,
            match load.overload {
                Overload::Queue => String::new(),
                Overload::Drop => ", dropped where every client waits".to_owned(),
                Overload::Cap(most) => format!(", dropped where {most} wait for a client"),
            }
        ),
        None => "closed loop".to_owned(),
    };
    let Load {
        connections,
        clients,
        ..
    } = load;
    format!("{until} by {clients} clients on {connections} connections, {pace}")
}

fn describe_probe(probe: &FsyncProbe) -> String {
    let shown = |seconds: Option<f64>| {
        seconds.map_or("?".to_owned(), |seconds| format!("{:.2} ms", 1e3 * seconds))
    };
    let LatencyFigures {
        count,
        p50_seconds,
        p99_seconds,
        max_seconds,
        ..
    } = &probe.syncs;
    format!(
        "{count} syncs in {}: p50 {}, p99 {} (etcd asks for less than 10 ms), longest {}",
        probe.directory,
        shown(*p50_seconds),
        shown(*p99_seconds),
        shown(*max_seconds)
    )
}

fn latencies(text: &mut String, operation: &OperationFigures) {
    let kind = operation.kind.as_str();
    figures(text, kind, &operation.response);
    // The same in a closed loop.
    if operation.response != operation.service {
        figures(text, &format!("{kind}, service"), &operation.service);
    }
    if operation.failed > 0 {
        figures(text, &format!("{kind}, failed"), &operation.failures);
    }
}

fn figures(text: &mut String, name: &str, latencies: &LatencyFigures) {
    let _ = write!(text, "{name:<18}");
    columns(text, latencies);
}

/// The latencies of a row in milliseconds, and its end.
pub(crate) fn columns(text: &mut String, latencies: &LatencyFigures) {
    for seconds in [
        latencies.min_seconds,
        latencies.mean_seconds,
        latencies.p50_seconds,
        latencies.p95_seconds,
        latencies.p99_seconds,
        latencies.p99_9_seconds,
        latencies.max_seconds,
    ] {
        let shown = seconds.map_or("-".to_owned(), |seconds| format!("{:.3}", 1e3 * seconds));
        let _ = write!(text, "{shown:>10}");
    }
    text.push('\n');
}

fn histogram(text: &mut String, operation: &OperationFigures, is_one_of_several: bool) {
    let all: u64 = operation.histogram.iter().map(|bucket| bucket.count).sum();
    if all == 0 {
        return;
    }
    let of = if is_one_of_several {
        format!(" OF {}", operation.kind.as_str())
    } else {
        String::new()
    };
    let _ = writeln!(text, "\nRESPONSES{of}");
    let mut low = 0.0;
    for bucket in &operation.histogram {
        let range = match bucket.below_seconds {
            Some(high) => format!("{:.0} to {:.0} ms", 1e3 * low, 1e3 * high),
            None => format!("over {:.0} ms", 1e3 * low),
        };
        low = bucket.below_seconds.unwrap_or(low);
        let bar = "#".repeat(usize::try_from(WIDEST_BAR * bucket.count / all).unwrap_or(0));
        let share = 100.0 * bucket.count as f64 / all as f64;
        let row = format!("{range:>14}{:>10} {share:>5.1} % {bar}", bucket.count);
        let _ = writeln!(text, "{}", row.trim_end());
    }
}
