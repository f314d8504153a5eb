//! Whether a cluster is fast enough for its size: the loads of `etcdctl check perf`, with percentiles, and the cause where it is
//! not.

mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bottleneck::{Bottleneck, Limit};
use crate::load::{Arrivals, Load, Rate, Until};
use crate::report::{AccountingVerdict, Report};
use crate::standard::{Standard, StandardKind};

/// What `etcdctl check perf` measures for.
pub const CHECK_SECONDS_DEFAULT: f64 = 60.0;

/// Where keys of a check go when nobody says otherwise.
pub const CHECK_PREFIX_DEFAULT: &str = "/etcd-bench-check/";

/// Bytes of a key, the prefix included, and of a value: those of `etcdctl check perf`. Its values are zeros, ours are random.
const KEY_SIZE: usize = 256;
const VALUE_SIZE: usize = 1_024;

/// Different keys, so that hardly any is written twice.
const KEY_SPACE: u64 = 1 << 40;

/// Share of the rate that must be reached, as there.
const REACHED_SHARE: f64 = 0.9;

/// Longest latency, as there; here of 999 in 1,000 requests, so that a single one does not decide.
const LONGEST_SECONDS: f64 = 0.5;

/// Largest standard deviation of the latencies, as there.
const SPREAD_SECONDS: f64 = 0.1;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckLevel {
    /// 150 puts per second by 50 clients.
    S,
    /// 1,000 by 200.
    M,
    /// 8,000 by 500.
    L,
    /// 15,000 by 1,000.
    Xl,
}

impl CheckLevel {
    /// The level in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::M => "m",
            Self::L => "l",
            Self::Xl => "xl",
        }
    }

    /// Puts per second.
    pub fn rate(self) -> f64 {
        match self {
            Self::S => 150.0,
            Self::M => 1_000.0,
            Self::L => 8_000.0,
            Self::Xl => 15_000.0,
        }
    }

    /// Clients, each on a connection of its own.
    pub fn clients(self) -> u32 {
        match self {
            Self::S => 50,
            Self::M => 200,
            Self::L => 500,
            Self::Xl => 1_000,
        }
    }

    /// The load of this level for so many seconds: an open loop, as there, but with latency from when a put was due.
    pub fn load(self, seconds: f64) -> Load {
        let mut load = Load::new(Until::Seconds(seconds));
        load.connections = self.clients();
        load.clients = self.clients();
        load.rate = Some(Rate {
            per_second: self.rate(),
            arrivals: Arrivals::Uniform,
        });
        load
    }

    /// What is written: keys of 256 bytes below this prefix, in random order, and values of 1,024 random bytes.
    pub fn workload(prefix: &str) -> Standard {
        let mut standard = Standard::new(StandardKind::Write);
        prefix.clone_into(&mut standard.prefix);
        standard.key_size = KEY_SIZE;
        standard.value_size = VALUE_SIZE;
        standard.key_space = KEY_SPACE;
        standard
    }
}

impl fmt::Display for CheckLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One condition, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckRule {
    /// Its name: `whole`, `errors`, `throughput`, `latency`, `spread` or `data`.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// What was found, and what is wanted.
    pub found: String,
}

/// What a check found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// How much was asked.
    pub level: CheckLevel,
    /// True where every condition held.
    pub passed: bool,
    /// The conditions.
    pub rules: Vec<CheckRule>,
    /// Why it did not pass, in a few words; `None` where it did.
    pub cause: Option<String>,
    /// What shows the cause.
    pub evidence: Vec<String>,
    /// What to do.
    pub action: Option<String>,
    /// All that was measured.
    pub report: Report,
}

impl CheckResult {
    /// Judges the run of a level.
    pub fn new(level: CheckLevel, report: Report) -> Self {
        let rules = rules(level, &report);
        let passed = rules.iter().all(|rule| rule.passed);
        let bottleneck = (!passed).then(|| Bottleneck::of_slowness(&report));
        Self {
            level,
            passed,
            rules,
            cause: bottleneck
                .as_ref()
                .map(|known| cause(known.limit).to_owned()),
            evidence: bottleneck
                .as_ref()
                .map(|known| known.evidence.clone())
                .unwrap_or_default(),
            action: bottleneck.map(|known| known.action),
            report,
        }
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn cause(limit: Limit) -> &'static str {
    match limit {
        Limit::WalFsync | Limit::BackendCommit => "disk too slow",
        Limit::ServerCpu => "CPU too slow",
        Limit::PeerNetwork => "network between the members too slow",
        Limit::ClientNetwork => "network to the members too slow",
        Limit::ClientMachine => "client too slow: the check says nothing about the cluster",
        Limit::Outage => "no service for a part of the time",
        Limit::None | Limit::ClientFlow | Limit::Unknown => "not sure",
    }
}

fn rule(name: &str, passed: bool, found: String) -> CheckRule {
    CheckRule {
        name: name.to_owned(),
        passed,
        found,
    }
}

/// A check that was stopped has not seen what it should.
fn whole(report: &Report) -> CheckRule {
    let found = match &report.ended_early {
        Some(why) => format!("it ended early: {why}"),
        None => "it ran as long as it should".to_owned(),
    };
    rule("whole", report.ended_early.is_none(), found)
}

fn rules(level: CheckLevel, report: &Report) -> Vec<CheckRule> {
    let puts = report.operations.first();
    let reached = report.per_second.unwrap_or(0.0);
    let wanted = REACHED_SHARE * level.rate();
    let response = puts.map(|puts| &puts.response);
    // Of fewer than 1,000 there is no p99.9.
    let (name, longest) = match response.and_then(|response| response.p99_9_seconds) {
        Some(seconds) => ("p99.9", Some(seconds)),
        None => (
            "longest",
            response.and_then(|response| response.max_seconds),
        ),
    };
    let spread = response.and_then(|response| response.stdev_seconds);
    let milliseconds = |seconds: Option<f64>| {
        seconds.map_or("not measured".to_owned(), |seconds| {
            format!("{:.1} ms", 1e3 * seconds)
        })
    };
    vec![
        whole(report),
        rule(
            "errors",
            report.failed == 0,
            format!(
                "{} of {} puts failed; none may",
                report.failed,
                report.failed + report.succeeded
            ),
        ),
        rule(
            "throughput",
            reached >= wanted,
            format!(
                "{reached:.1} of {} puts/s; at least {wanted} are wanted",
                level.rate()
            ),
        ),
        rule(
            "latency",
            longest.is_some_and(|longest| longest <= LONGEST_SECONDS),
            format!(
                "{name} {}; at most {:.0} ms are wanted",
                milliseconds(longest),
                1e3 * LONGEST_SECONDS
            ),
        ),
        rule(
            "spread",
            spread.is_some_and(|spread| spread <= SPREAD_SECONDS),
            format!(
                "standard deviation {}; at most {:.0} ms are wanted",
                milliseconds(spread),
                1e3 * SPREAD_SECONDS
            ),
        ),
        rule(
            "data",
            report.accounting.verdict != AccountingVerdict::Lost,
            match report.accounting.verdict {
                AccountingVerdict::Lost => "acknowledged puts are lost; none may",
                AccountingVerdict::NothingLost => "nothing that was acknowledged is lost",
                _ => "a loss cannot be excluded",
            }
            .to_owned(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn failed(result: &CheckResult) -> Vec<&str> {
        let failed = result.rules.iter().filter(|rule| !rule.passed);
        failed.map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn each_condition_decides_by_itself() {
        let fine = sample::report(0, &[150; 10], 20.0);
        let result = CheckResult::new(CheckLevel::S, fine.clone());
        assert!(
            result.passed && result.cause.is_none(),
            "{:?}",
            result.rules
        );
        assert!(result.to_table().contains("PASS"), "{}", result.to_table());
        // Seven times as many are asked for.
        let result = CheckResult::new(CheckLevel::M, fine.clone());
        assert_eq!(failed(&result), ["throughput"]);
        assert_eq!(result.cause.as_deref(), Some("not sure"));
        let table = result.to_table();
        assert!(
            table.contains("FAIL") && table.contains("not sure"),
            "{table}"
        );
        // p99.9 is twice p99 there, and the standard deviation a quarter.
        let slow = sample::report(0, &[150; 10], 300.0);
        assert_eq!(failed(&CheckResult::new(CheckLevel::S, slow)), ["latency"]);
        let spread = sample::report(0, &[150; 10], 500.0);
        assert_eq!(
            failed(&CheckResult::new(CheckLevel::S, spread)),
            ["latency", "spread"]
        );
        let mut stopped = fine.clone();
        stopped.ended_early = Some("stopped".to_owned());
        assert_eq!(failed(&CheckResult::new(CheckLevel::S, stopped)), ["whole"]);
        let mut errors = fine;
        errors.failed = 1;
        errors.accounting.verdict = AccountingVerdict::Lost;
        assert_eq!(
            failed(&CheckResult::new(CheckLevel::S, errors)),
            ["errors", "data"]
        );
    }

    #[test]
    fn levels_are_loads_that_can_be() {
        for level in [CheckLevel::S, CheckLevel::M, CheckLevel::L, CheckLevel::Xl] {
            assert!(level.load(CHECK_SECONDS_DEFAULT).check().is_ok());
        }
        assert!(
            CheckLevel::workload(CHECK_PREFIX_DEFAULT)
                .workload()
                .is_ok()
        );
        assert_eq!(serde_json::to_string(&CheckLevel::Xl).unwrap(), "\"xl\"");
    }
}
