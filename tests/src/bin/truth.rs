//! Plays the truth suite and prints its table.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use etcd_monitor_tests::truth::{Outcome, Play, Profile, Scenario, all, run, table};

/// The version that every scenario runs on.
const NEWEST: &str = "3.7.3";

/// The versions that are played beside it: a few scenarios in the fast profile, all in the full one.
const OLDER: [&str; 2] = ["3.6.16", "3.5.35"];

/// Injects faults into real etcd clusters and checks what the daemon says of them.
///
/// Prints a table: fault, expected, found, seconds to detect, false alerts. Exits 0, or 1 when a row is wrong.
#[derive(Debug, Parser)]
#[command(name = "truth")]
struct Arguments {
    /// Real holds, windows and interval, ten minutes of quiet load, every scenario on every version: takes hours
    #[arg(long)]
    full: bool,

    /// Only scenarios whose name contains this; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Only this version of etcd
    #[arg(long, value_name = "VERSION")]
    etcd: Option<String>,

    /// Keep what was observed in each scenario in this folder, by the version of etcd, for replays
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Print the names of the scenarios
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let chosen = |scenario: &Scenario| {
        arguments.only.is_empty()
            || arguments
                .only
                .iter()
                .any(|name| scenario.name.contains(name.as_str()))
    };
    let scenarios: Vec<Scenario> = all().into_iter().filter(chosen).collect();
    if scenarios.is_empty() {
        return say_and_fail("no scenario has such a name; --list prints them");
    }
    if arguments.list {
        let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name).collect();
        return print(&format!("{}\n", names.join("\n")), ExitCode::SUCCESS);
    }
    let outcomes = run(plays(&arguments, &scenarios), tell).await;
    let right = outcomes
        .iter()
        .all(|outcome| outcome.passed() || outcome.skipped.is_some());
    let code = if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    print(&format!("\n{}", table(&outcomes)), code)
}

/// Every scenario on the newest version; on the older ones those of the smoke, or all that was asked for.
fn plays(arguments: &Arguments, scenarios: &[Scenario]) -> Vec<Play> {
    let versions = std::iter::once(NEWEST).chain(OLDER);
    let wanted = versions.filter(|version| {
        let only = arguments.etcd.as_deref();
        only.is_none_or(|only| only == *version)
    });
    let on = |version: &'static str| {
        let smoke = version != NEWEST && !arguments.full && arguments.etcd.is_none();
        let profile = Profile {
            full: arguments.full,
            version: version.to_owned(),
            record: arguments.record.clone().filter(|_| !smoke),
        };
        let scenarios = scenarios.iter().filter(move |one| one.smoke || !smoke);
        scenarios.map(move |scenario| Play {
            scenario: scenario.clone(),
            profile: profile.clone(),
        })
    };
    wanted.flat_map(on).collect()
}

/// One line for each outcome as it comes.
#[expect(clippy::print_stderr, reason = "progress of a long run")]
fn tell(outcome: &Outcome) {
    let name = format!("{} ({})", outcome.name, outcome.version);
    match (outcome.complaint(), &outcome.skipped) {
        (None, _) => eprintln!("truth: {name}: ok"),
        (Some(_), Some(reason)) => eprintln!("truth: {name}: skipped: {reason}"),
        (Some(complaint), None) => eprintln!("truth: WRONG: {complaint}"),
    }
}

fn print(text: &str, code: ExitCode) -> ExitCode {
    // Whoever reads no more needs no more.
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}

#[expect(clippy::print_stderr, reason = "the error of a command")]
fn say_and_fail(reason: &str) -> ExitCode {
    eprintln!("truth: {reason}");
    ExitCode::from(2)
}
