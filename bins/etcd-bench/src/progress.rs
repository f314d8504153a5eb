//! What is shown on a terminal while a benchmark runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd_monitor_bench::{Load, Phase, ScenarioPhase, SecondsBoard, Until, Watcher};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

const TICK: Duration = Duration::from_millis(200);

/// One bar for each phase; nothing where stderr is no terminal.
pub(crate) struct Bars {
    until: Until,
    warmup_seconds: f64,
    is_quiet: bool,
    /// Stands before the name of what is done.
    of: String,
    shown: Mutex<Option<Shown>>,
}

struct Shown {
    bar: ProgressBar,
    ticks: tokio::task::AbortHandle,
}

impl Bars {
    pub(crate) fn new(load: &Load, is_quiet: bool) -> Self {
        Self {
            until: load.until,
            warmup_seconds: load.warmup_seconds,
            is_quiet,
            of: String::new(),
            shown: Mutex::default(),
        }
    }

    /// The bars of one phase of a scenario, with its name.
    pub(crate) fn of_phase(phase: &ScenarioPhase, is_quiet: bool) -> Self {
        let mut bars = Self::new(phase.load(), is_quiet);
        bars.of = format!("{}: ", phase.name);
        bars
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.replace(None);
    }

    fn replace(&self, next: Option<Shown>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *shown, next) {
            before.ticks.abort();
            before.bar.finish_and_clear();
        }
    }

    fn bar(&self, phase: Phase) -> ProgressBar {
        let bar = match (phase, self.until) {
            (Phase::Populating(count), _) | (Phase::Measuring, Until::Operations(count)) => {
                counted(count)
            }
            (Phase::Measuring, Until::Seconds(seconds)) => timed(seconds + self.warmup_seconds),
            _ => ProgressBar::new_spinner(),
        };
        if self.is_quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_prefix(format!("{}{}", self.of, name(phase)));
        bar
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}

impl Watcher for Bars {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        let bar = self.bar(phase);
        let ticks = tokio::spawn(tick(bar.clone(), Arc::clone(board), self.is_timed(phase)));
        self.replace(Some(Shown {
            bar,
            ticks: ticks.abort_handle(),
        }));
    }

    fn keys_left(&self, prefix: &str, why: &str) {
        self.end();
        say(&keys_left(prefix, why));
    }
}

impl Bars {
    fn is_timed(&self, phase: Phase) -> bool {
        phase == Phase::Measuring && matches!(self.until, Until::Seconds(_))
    }
}

async fn tick(bar: ProgressBar, board: Arc<SecondsBoard>, is_timed: bool) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let progress = board.progress();
        bar.set_position(if is_timed {
            u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX)
        } else {
            progress.succeeded + progress.failed
        });
        if let Some(second) = &progress.latest {
            let p99 = second
                .p99_seconds
                .map_or("-".to_owned(), |p99| format!("{:.2} ms", 1e3 * p99));
            bar.set_message(format!(
                "{}/s, p99 {p99}, {} failed",
                second.succeeded, progress.failed
            ));
        }
    }
}

/// That keys may be left, in words.
pub(crate) fn keys_left(prefix: &str, why: &str) -> String {
    format!("keys may be left below {prefix}: {why}")
}

/// What a phase does, in words.
pub(crate) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Populating(_) => "writing keys",
        Phase::Measuring => "measuring",
        Phase::CleaningUp => "deleting keys",
        _ => "looking at the cluster",
    }
}

fn counted(count: u64) -> ProgressBar {
    styled(
        ProgressBar::new(count),
        "{prefix} {wide_bar} {human_pos}/{human_len} {msg}",
    )
}

fn timed(seconds: f64) -> ProgressBar {
    let span = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    styled(
        ProgressBar::new(milliseconds),
        "{prefix} {wide_bar} {elapsed} {msg}",
    )
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
