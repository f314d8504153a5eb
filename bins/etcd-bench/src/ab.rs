//! Runs two sides in turns, and compares them.

use std::process::ExitCode;
use std::sync::Arc;

use etcd_monitor_bench::{
    Ab, Benchmark, Phase, Report, RoundWatcher, SecondsBoard, SideName, Watcher,
};
use etcd_monitor_client::Endpoint;
use tokio_util::sync::CancellationToken;

use crate::cli::{AbArgs, EngineArg, ReportFormat};
use crate::output::{self, say};
use crate::progress::Bars;
use crate::run::{aim, benchmark};
use crate::{compare, signals};

/// Runs the rounds, and says what differs.
pub(crate) async fn run(arguments: &AbArgs) -> anyhow::Result<ExitCode> {
    let common = arguments.load.common();
    let format = common.output.format;
    if format == ReportFormat::Csv {
        return Err(output::Usage("ab writes -w table, json or html".to_owned()).into());
    }
    let ab = Ab {
        a: side(arguments, &arguments.a_endpoints, arguments.a_engine).await?,
        b: side(arguments, &arguments.b_endpoints, arguments.b_engine).await?,
        rounds: arguments.rounds,
        options: arguments.criteria.options(),
    };
    let watcher = Rounds {
        count: arguments.rounds,
        bars: Bars::new(&ab.a.load, common.output.quiet),
        is_quiet: common.output.quiet,
    };
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let report = ab.run(&watcher, &stop).await;
    watcher.bars.end();
    let report = report?;
    let text = match format {
        ReportFormat::Json => report.to_json()? + "\n",
        ReportFormat::Html => report.to_html(),
        _ => report.to_table(),
    };
    output::write_text(&text, common.output.output.as_deref())?;
    Ok(match &report.comparison {
        Some(comparison) => compare::code(comparison.outcome),
        None => ExitCode::FAILURE,
    })
}

async fn side(
    arguments: &AbArgs,
    endpoints: &[String],
    named: Option<EngineArg>,
) -> anyhow::Result<Benchmark> {
    let mut benchmark = benchmark(&arguments.load)?;
    if !endpoints.is_empty() {
        let is_tls = arguments.load.common().connection.is_tls();
        let endpoints = endpoints.iter().map(|text| Endpoint::parse(text, is_tls));
        benchmark.endpoints = endpoints.collect::<Result<_, _>>()?;
    }
    aim(&mut benchmark, arguments.load.common(), named).await?;
    Ok(benchmark)
}

/// Tells each run in a line, and its phases in a bar.
struct Rounds {
    count: u32,
    bars: Bars,
    is_quiet: bool,
}

impl Watcher for Rounds {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        self.bars.begins(phase, board);
    }
}

impl RoundWatcher for Rounds {
    fn run_begins(&self, _round: u32, _side: SideName) {}

    fn run_ended(&self, round: u32, side: SideName, report: &Report) {
        self.bars.end();
        if self.is_quiet {
            return;
        }
        let rate = report
            .per_second
            .map_or("?".to_owned(), |rate| format!("{rate:.1}"));
        let p99 = report
            .operations
            .iter()
            .filter_map(|operation| operation.response.p99_seconds);
        let p99 = p99
            .reduce(f64::max)
            .map_or("?".to_owned(), |p99| format!("{:.3}", 1e3 * p99));
        say(&format!(
            "round {round} of {}, {}: {rate}/s, p99 {p99} ms",
            self.count,
            side.as_str()
        ));
    }
}
