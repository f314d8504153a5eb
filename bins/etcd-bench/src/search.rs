//! Looks for a rate, or tries several.

use std::process::ExitCode;
use std::sync::Arc;

use etcd_monitor_bench::{
    CapacityPoint, CurveWatcher, Phase, Probe, ProbeWatcher, SecondsBoard, Watcher, capacity_curve,
    search_slo,
};
use tokio_util::sync::CancellationToken;

use crate::cli::{CapacityArgs, OutputArgs, ReportFormat, SloArgs};
use crate::output::{self, Usage, say};
use crate::progress::Bars;
use crate::run::{aim, benchmark};
use crate::signals;

/// Looks for the highest rate at which a latency is kept.
pub(crate) async fn slo(arguments: &SloArgs) -> anyhow::Result<ExitCode> {
    let output = &arguments.load.common().output;
    if !matches!(output.format, ReportFormat::Table | ReportFormat::Json) {
        return Err(Usage("slo writes -w table or -w json".to_owned()).into());
    }
    let mut benchmark = benchmark(&arguments.load)?;
    aim(&mut benchmark, arguments.load.common(), None).await?;
    benchmark.options.compact = arguments.compact;
    let told = Told::new(&benchmark.load, output);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let found = search_slo(&mut benchmark, &arguments.options(), &told, &stop).await;
    told.bars.end();
    let found = found?;
    let text = match output.format {
        ReportFormat::Json => found.to_json()? + "\n",
        _ => found.to_table(),
    };
    output::write_text(&text, output.output.as_deref())?;
    Ok(if found.is_verified {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Measures latency against rate.
pub(crate) async fn capacity(arguments: &CapacityArgs) -> anyhow::Result<ExitCode> {
    let output = &arguments.load.common().output;
    let mut benchmark = benchmark(&arguments.load)?;
    aim(&mut benchmark, arguments.load.common(), None).await?;
    benchmark.options.compact = arguments.compact;
    let told = Told::new(&benchmark.load, output);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let rates = arguments.rates();
    let curve = capacity_curve(
        &mut benchmark,
        &rates,
        arguments.probe.as_secs_f64(),
        arguments.settle.as_secs_f64(),
        &told,
        &stop,
    );
    let curve = curve.await;
    told.bars.end();
    let curve = curve?;
    let text = match output.format {
        ReportFormat::Table => curve.to_table(),
        ReportFormat::Json => curve.to_json()? + "\n",
        ReportFormat::Csv => curve.to_csv(),
        ReportFormat::Html => curve.to_html(),
    };
    output::write_text(&text, output.output.as_deref())?;
    Ok(if curve.points.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Tells each probe in a line, and its phases in a bar.
struct Told {
    bars: Bars,
    is_quiet: bool,
}

impl Told {
    fn new(load: &etcd_monitor_bench::Load, output: &OutputArgs) -> Self {
        Self {
            bars: Bars::new(load, output.quiet),
            is_quiet: output.quiet,
        }
    }

    fn tell(&self, rate: f64, p99_seconds: Option<f64>, said: &str) {
        self.bars.end();
        if self.is_quiet {
            return;
        }
        let p99 = p99_seconds.map_or("?".to_owned(), |p99| format!("{:.3}", 1e3 * p99));
        say(&format!("{rate:.1}/s: p99 {p99} ms{said}"));
    }
}

impl Watcher for Told {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        self.bars.begins(phase, board);
    }
}

impl ProbeWatcher for Told {
    fn probed(&self, probe: &Probe) {
        let verdict = probe.verdict.describe();
        let why = probe
            .why
            .as_ref()
            .map_or(String::new(), |why| format!(", {why}"));
        let said = format!(", {} {verdict}{why}", probe.purpose.as_str());
        self.tell(probe.rate_per_second, probe.figures.p99_seconds, &said);
    }
}

impl CurveWatcher for Told {
    fn measured(&self, point: &CapacityPoint) {
        let said = if point.is_saturated {
            ", did not keep up"
        } else {
            ""
        };
        self.tell(point.rate_per_second, point.p99.seconds, said);
    }
}
