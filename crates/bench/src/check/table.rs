//! A check for people.

use std::fmt::Write as _;

use super::{CheckResult, KEY_SIZE, VALUE_SIZE};
use crate::report::Report;

impl CheckResult {
    /// The conditions, the latencies, and the cause where it did not pass.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        let (level, report) = (self.level, &self.report);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "check {level}: {} puts/s by {} clients for {:.0} s, keys of {KEY_SIZE} and values of {VALUE_SIZE} bytes\n",
            level.rate(),
            level.clients(),
            report.window_seconds
        );
        for rule in &self.rules {
            let _ = writeln!(
                text,
                "{}  {:<12}{}",
                word(rule.passed),
                rule.name,
                rule.found
            );
        }
        let _ = writeln!(text, "\n{}", latencies(report));
        for (kind, errors) in &report.errors {
            let _ = writeln!(text, "{} times {kind}: {}", errors.count, errors.example);
        }
        for doubt in &report.doubts {
            let _ = writeln!(text, "note: {doubt}");
        }
        if let Some(why) = &report.ended_early {
            let _ = writeln!(text, "ended early: {why}");
        }
        if let Some(why) = &report.keys_left {
            let _ = writeln!(text, "keys are left below {}: {why}", report.plan.prefix);
        }
        match &self.cause {
            None => {
                let _ = writeln!(text, "\n{}", word(true));
            }
            Some(cause) => self.failure(&mut text, cause),
        }
        text
    }

    fn failure(&self, text: &mut String, cause: &str) {
        let _ = writeln!(text, "\n{}: {cause}", word(false));
        for evidence in &self.evidence {
            let _ = writeln!(text, "  - {evidence}");
        }
        if let Some(action) = &self.action {
            let _ = writeln!(text, "  {action}");
        }
    }
}

fn word(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

fn latencies(report: &Report) -> String {
    let Some(puts) = report.operations.first() else {
        return "no put was answered".to_owned();
    };
    let shown = |seconds: Option<f64>| {
        seconds.map_or("-".to_owned(), |seconds| format!("{:.2}", 1e3 * seconds))
    };
    let response = &puts.response;
    format!(
        "latency in ms: p50 {}, p95 {}, p99 {}, p99.9 {}, longest {}",
        shown(response.p50_seconds),
        shown(response.p95_seconds),
        shown(response.p99_seconds),
        shown(response.p99_9_seconds),
        shown(response.max_seconds)
    )
}
