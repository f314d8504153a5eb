//! What was merged, for people.

use std::fmt::Write as _;

use super::{Merged, MergedReports};
use crate::report::LatencyFigures;
use crate::report::table::columns;

impl Merged {
    /// The merged figures as a text.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        if let Some(reports) = &self.reports {
            reports.to_text(&mut text);
        }
        if self.logs == 0 {
            text += "\npercentiles   not known: those of reports do not add up, give the histogram logs (--hdr-log) as well\n";
            return text;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<14}{} merged", "logs", self.logs);
        let _ = writeln!(
            text,
            "\n{:<18}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "LATENCY (ms)", "count", "min", "mean", "p50", "p95", "p99", "p99.9", "max"
        );
        for (tag, figures) in &self.latencies {
            row(&mut text, tag, figures);
        }
        text
    }
}

impl MergedReports {
    fn to_text(&self, text: &mut String) {
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<14}{value}");
        };
        line("workload", &self.workload);
        line("endpoints", &self.endpoints.join(", "));
        let overlap = 100.0 * self.overlap_share;
        line(
            "generators",
            &format!("{}, {overlap:.0} % of the time at once", self.workers),
        );
        let rate = self
            .per_second
            .map_or("not known".to_owned(), |rate| format!("{rate:.1}/s"));
        let all = self.succeeded + self.failed;
        line(
            "throughput",
            &format!("{rate} ({} of {all} requests succeeded)", self.succeeded),
        );
        for operation in &self.operations {
            let rate = operation
                .per_second
                .map_or("not known".to_owned(), |rate| format!("{rate:.1}/s"));
            let failed = operation.failed;
            line(operation.kind.as_str(), &format!("{rate}, {failed} failed"));
        }
        for (kind, errors) in &self.errors {
            line(
                "error",
                &format!("{} {kind}: {}", errors.count, errors.example),
            );
        }
        for doubt in &self.doubts {
            line("note", doubt);
        }
    }
}

fn row(text: &mut String, name: &str, latencies: &LatencyFigures) {
    let _ = write!(text, "{name:<18}{:>12}", latencies.count);
    columns(text, latencies);
}
