//! From what stands in the file to phases that can run.

use std::path::Path;
use std::sync::Arc;

use etcd_monitor_bench::{
    Arrivals, Benchmark, ContentionLoad, ContentionStyle, Engine, KeyOrder, LeaseLoad, LeaseStyle,
    Load, Options, PREFIX_DEFAULT, PhaseWork, Preset, PresetKind, Rate, Scenario, ScenarioPhase,
    Standard, StandardKind, StreamBenchmark, StreamLoad, StreamOptions, TxnStyle, Until, WatchLoad,
    WatchedEngine, Workload, ZIPF_EXPONENT_DEFAULT,
};
use etcd_monitor_client::{ClientOptions, Endpoint, EndpointError};

use super::file::{ArrivalsName, KeyOrderName, PhaseFile, ScenarioFile, WorkloadName};
use crate::cli::{EngineArgs, ScenarioArgs};
use crate::run::note;

/// Requests of a phase that has neither a number nor a time.
const TOTAL_DEFAULT: u64 = 1_000;

/// Runs of one scenario, steps of ramps included.
const RUNS_MAX: usize = 1_000;

/// Leases of a phase that does not say how many.
const LEASES_DEFAULT: u32 = 1_000;

/// Where all phases run.
struct Place<'a> {
    client: ClientOptions,
    endpoints: Vec<Endpoint>,
    prefix: String,
    engine: &'a EngineArgs,
    server_metrics: bool,
}

/// The scenario; the inner error is what is wrong with a phase.
pub(super) fn scenario(
    file: &ScenarioFile,
    arguments: &ScenarioArgs,
) -> Result<Result<Scenario, String>, EndpointError> {
    let place = Place {
        client: arguments.connection.options(),
        endpoints: arguments.connection.endpoints()?,
        engine: &arguments.engine,
        server_metrics: !arguments.connection.no_server_metrics,
        prefix: file
            .prefix
            .clone()
            .unwrap_or_else(|| PREFIX_DEFAULT.to_owned()),
    };
    Ok(phases(file, &place).map(|phases| Scenario {
        name: file.name.clone().unwrap_or_else(|| stem(&arguments.file)),
        phases,
    }))
}

/// The name of a file, without what stands behind the last dot.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn phases(file: &ScenarioFile, place: &Place<'_>) -> Result<Vec<ScenarioPhase>, String> {
    if file.phases.is_empty() {
        return Err("there are no phases".to_owned());
    }
    let mut phases = Vec::new();
    for (number, phase) in (1..).zip(&file.phases) {
        let name = phase.name.clone().unwrap_or_else(|| number.to_string());
        let wrong = |error: String| format!("phase {name}: {error}");
        for (step, load) in loads(file, phase).map_err(wrong)? {
            load.check().map_err(|error| wrong(error.to_string()))?;
            let work = work(phase, place, load).map_err(wrong)?;
            let name = step.map_or(name.clone(), |step| format!("{name}, {step}"));
            phases.push(ScenarioPhase { name, work });
        }
        if phases.len() > RUNS_MAX {
            return Err(format!("there are more than {RUNS_MAX} phases and steps"));
        }
    }
    Ok(phases)
}

/// The loads of a phase: one, or one for each step of its ramp, with the name of the step.
fn loads(file: &ScenarioFile, phase: &PhaseFile) -> Result<Vec<(Option<String>, Load)>, String> {
    let mut load = Load::new(match (phase.total, phase.duration) {
        (Some(_), Some(_)) => return Err("it has both a total and a duration".to_owned()),
        (_, Some(span)) => Until::Seconds(span.0.as_secs_f64()),
        (total, None) => Until::Operations(total.unwrap_or(TOTAL_DEFAULT)),
    });
    load.connections = phase
        .connections
        .or(file.connections)
        .unwrap_or(load.connections);
    load.clients = phase.clients.or(file.clients).unwrap_or(load.clients);
    load.seed = file.seed.unwrap_or(load.seed);
    load.warmup_seconds = phase.warmup.0.as_secs_f64();
    load.rate = phase.rate.map(|per_second| rate(phase, per_second));
    let Some(ramp) = phase.ramp else {
        return Ok(vec![(None, load)]);
    };
    let Until::Seconds(seconds) = load.until else {
        return Err("a ramp needs a duration, which its steps share".to_owned());
    };
    if phase.rate.is_some() || ramp.steps < 2 {
        return Err("a ramp has at least 2 steps, and no rate beside it".to_owned());
    }
    let steps = (0..ramp.steps).map(|step| {
        let part = f64::from(step) / f64::from(ramp.steps - 1);
        let per_second = ramp.from + part * (ramp.to - ramp.from);
        let mut load = load.clone();
        load.until = Until::Seconds(seconds / f64::from(ramp.steps));
        load.rate = Some(rate(phase, per_second));
        (Some(format!("{per_second:.0}/s")), load)
    });
    Ok(steps.collect())
}

fn rate(phase: &PhaseFile, per_second: f64) -> Rate {
    Rate {
        per_second,
        arrivals: match phase.arrivals {
            ArrivalsName::Uniform => Arrivals::Uniform,
            ArrivalsName::Poisson => Arrivals::Poisson,
            ArrivalsName::Burst => Arrivals::Burst(phase.burst_size.unwrap_or(10)),
        },
    }
}

fn work(phase: &PhaseFile, place: &Place<'_>, load: Load) -> Result<PhaseWork, String> {
    if let Some(work) = on_streams(phase) {
        work.check(&load, &place.prefix)
            .map_err(|error| error.to_string())?;
        return Ok(PhaseWork::Streams(Box::new(StreamBenchmark {
            client: place.client.clone(),
            endpoints: place.endpoints.clone(),
            load,
            work,
            options: {
                let mut options = StreamOptions::new(&*place.prefix);
                options.server_metrics = place.server_metrics;
                options
            },
        })));
    }
    let (workload, mut options) = calls(phase, place, &load).map_err(|error| error.to_string())?;
    options.server_metrics = place.server_metrics;
    let watchers = watchers(phase);
    if watchers > 0 {
        note(&mut options, "watchers", watchers);
    }
    Ok(PhaseWork::Calls(Box::new(Benchmark {
        client: place.client.clone(),
        endpoints: place.endpoints.clone(),
        engine: engine(phase, place),
        load,
        workload,
        options,
    })))
}

fn engine(phase: &PhaseFile, place: &Place<'_>) -> Box<dyn Engine> {
    let engine = place
        .engine
        .engine(None, place.client.clone(), place.endpoints.clone());
    match watchers(phase) {
        0 => engine,
        watchers => Box::new(WatchedEngine {
            engine,
            client: place.client.clone(),
            endpoints: place.endpoints.clone(),
            prefix: place.prefix.clone(),
            watchers,
        }),
    }
}

/// Watches of all keys beside the calls.
fn watchers(phase: &PhaseFile) -> u32 {
    let own = phase.workload.preset().map_or(0, PresetKind::watchers);
    phase.watchers.unwrap_or(own)
}

type Calls = (Arc<dyn Workload>, Options);

fn calls(
    phase: &PhaseFile,
    place: &Place<'_>,
    load: &Load,
) -> Result<Calls, etcd_monitor_bench::BenchError> {
    if let Some(kind) = phase.workload.preset() {
        let mut preset = Preset::new(kind);
        fill(&mut preset.standard, phase, place, load);
        return Ok((preset.workload()?, preset.options()?));
    }
    let mut standard = Standard::new(phase.workload.standard());
    fill(&mut standard, phase, place, load);
    Ok((standard.workload()?, standard.options()?))
}

fn fill(standard: &mut Standard, phase: &PhaseFile, place: &Place<'_>, load: &Load) {
    standard.prefix.clone_from(&place.prefix);
    standard.seed = load.seed;
    standard.key_size = phase.key_size.unwrap_or(standard.key_size);
    standard.value_size = phase.value_size.unwrap_or(standard.value_size);
    standard.key_space = phase.key_space.unwrap_or(standard.key_space);
    standard.key_order = match phase.key_order {
        KeyOrderName::Sequential => KeyOrder::Sequential,
        KeyOrderName::Random => KeyOrder::Random,
        KeyOrderName::Zipf => KeyOrder::Zipf {
            exponent: phase.zipf_exponent.unwrap_or(ZIPF_EXPONENT_DEFAULT),
        },
    };
    standard.read_share = phase.read_share.unwrap_or(standard.read_share);
    standard.range_size = phase.range_size.unwrap_or(standard.range_size);
    standard.range.serializable = phase.serializable;
    standard.range.limit = phase.limit.unwrap_or(0);
    standard.range.keys_only = phase.keys_only;
    standard.range.count_only = phase.count_only;
    if let Some(puts) = phase.puts {
        standard.txn = TxnStyle::MultiplePuts(puts);
    }
}

fn on_streams(phase: &PhaseFile) -> Option<Arc<dyn StreamLoad>> {
    let leases = phase.leases.unwrap_or(LEASES_DEFAULT);
    Some(match phase.workload {
        WorkloadName::Watch => {
            let mut work = WatchLoad::default();
            work.watchers = phase.watchers.unwrap_or(work.watchers);
            work.streams = phase.streams.unwrap_or(work.streams.min(work.watchers));
            work.keys = phase.watched_keys.unwrap_or(work.keys);
            work.key_size = phase.key_size.unwrap_or(work.key_size);
            work.value_size = phase.value_size.unwrap_or(work.value_size);
            Arc::new(work)
        }
        WorkloadName::Lease => Arc::new(lease(phase, LeaseStyle::Grant)),
        WorkloadName::LeaseKeepAlive => Arc::new(lease(phase, LeaseStyle::KeepAlive(leases))),
        WorkloadName::LeaseExpire => Arc::new(lease(phase, LeaseStyle::Expire(leases))),
        WorkloadName::Lock => Arc::new(contention(phase, ContentionStyle::Lock)),
        WorkloadName::Election => {
            let observers = phase.observers.unwrap_or(1);
            Arc::new(contention(phase, ContentionStyle::Election(observers)))
        }
        _ => return None,
    })
}

fn lease(phase: &PhaseFile, style: LeaseStyle) -> LeaseLoad {
    let mut work = LeaseLoad::new(style);
    work.ttl = phase.ttl.map_or(work.ttl, |ttl| ttl.0);
    work.key_size = phase.key_size.unwrap_or(work.key_size);
    work.value_size = phase.value_size.unwrap_or(work.value_size);
    work
}

fn contention(phase: &PhaseFile, style: ContentionStyle) -> ContentionLoad {
    let mut work = ContentionLoad::new(style);
    work.ttl = phase.ttl.map_or(work.ttl, |ttl| ttl.0);
    work.hold = phase.hold.map_or(work.hold, |hold| hold.0);
    work.names = phase.names.unwrap_or(work.names);
    work
}

impl WorkloadName {
    fn preset(self) -> Option<PresetKind> {
        Some(match self {
            Self::JobStorm => PresetKind::JobStorm,
            Self::PodChurn => PresetKind::PodChurn,
            Self::ApiserverMix => PresetKind::ApiserverMix,
            Self::CrdChurn => PresetKind::CrdChurn,
            Self::Robustness => PresetKind::Robustness,
            Self::RobustnessDelete => PresetKind::RobustnessDelete,
            Self::RobustnessKubernetes => PresetKind::RobustnessKubernetes,
            _ => return None,
        })
    }

    /// The usual kind; of others the first, which is not asked for.
    fn standard(self) -> StandardKind {
        match self {
            Self::Read => StandardKind::Read,
            Self::Mixed => StandardKind::Mixed,
            Self::Range => StandardKind::Range,
            Self::Delete => StandardKind::Delete,
            Self::Txn => StandardKind::Txn,
            _ => StandardKind::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::yaml;
    use super::*;
    use crate::cli::{Cli, Task};

    fn arguments(file: &str) -> Box<ScenarioArgs> {
        let cli = Cli::try_parse_from(["etcd-bench", "run", file]).unwrap();
        let Task::Run(arguments) = cli.task else {
            panic!("another task");
        };
        arguments
    }

    fn planned(text: &str) -> Result<Vec<(String, f64)>, String> {
        let file = yaml::parse(text)?;
        let scenario = scenario(&file, &arguments("a.yaml")).unwrap()?;
        let rate = |phase: &ScenarioPhase| phase.load().rate.map_or(0.0, |rate| rate.per_second);
        let phases = scenario.phases.iter();
        Ok(phases
            .map(|phase| (phase.name.clone(), rate(phase)))
            .collect())
    }

    #[test]
    fn the_example_can_be_run() {
        let phases = planned(include_str!("../../scenario.example.yaml")).unwrap();
        let names: Vec<&str> = phases.iter().map(|(name, _)| name.as_str()).collect();
        let steps = ["climb, 100/s", "climb, 200/s", "climb, 300/s"];
        let others = ["writes", "api server", "fan-out", "turns"];
        assert_eq!(names[1..4], steps);
        assert!(others.iter().all(|name| names.contains(name)), "{names:?}");
        assert!((phases[2].1 - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_scenario_without_a_name_has_that_of_its_file() {
        let arguments = arguments("of/the.night.yaml");
        let name = |text: &str| {
            let file = yaml::parse(text).unwrap();
            scenario(&file, &arguments).unwrap().unwrap().name
        };
        assert_eq!(name("phases:\n  - {workload: write}"), "the.night");
        assert_eq!(name("name: a\nphases:\n  - {workload: write}"), "a");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_or_its_phase() {
        for (text, told) in [
            (
                "name: a\nphases:\n  - {worklod: write}",
                &["line 3", "did you mean `workload`"][..],
            ),
            (
                "name: a\nphases:\n  - workload: wacth",
                &["line 3", "did you mean `watch`"],
            ),
            (
                "name: a\nphases:\n  - {workload: write, duration: 5}",
                &["line 3", "no time"],
            ),
            ("name: a\nphases: []", &["no phases"]),
            ("name: a", &["phases"]),
            (
                "name: a\nphases:\n  - {name: b, workload: write, total: 5, duration: 1s}",
                &["phase b", "both"],
            ),
            (
                "name: a\nphases:\n  - {name: b, workload: mixed, read_share: 2}",
                &["phase b", "read share"],
            ),
            (
                "name: a\nphases:\n  - {name: b, workload: watch, watchers: 0}",
                &["phase b", "watchers"],
            ),
            (
                "name: a\nphases:\n  - {name: b, workload: write, ramp: {from: 1, to: 2, steps: 3}}",
                &["phase b", "duration"],
            ),
            (
                "name: a\nphases:\n  - {name: b, workload: write, rate: 0}",
                &["phase b", "rate"],
            ),
        ] {
            let error = planned(text).unwrap_err();
            for part in told {
                assert!(error.contains(part), "no {part:?} in {error:?} of {text}");
            }
        }
    }
}
