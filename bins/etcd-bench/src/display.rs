//! What is shown while a benchmark runs: bars, or a screen.

use std::io::IsTerminal as _;
use std::sync::Arc;

use etcd_monitor_bench::{Load, Phase, ScenarioPhase, SecondsBoard, Watcher};
use tokio_util::sync::CancellationToken;

use crate::cli::{ConnectionArgs, OutputArgs};
use crate::output::say;
use crate::progress::Bars;
use crate::screen::Screen;

/// Bars, or a screen.
pub(crate) enum Display {
    Bars(Bars),
    Screen(Box<Screen>),
}

/// Says so where a screen is wanted and cannot be had.
pub(crate) fn check(output: &OutputArgs) {
    if output.tui && !std::io::stdout().is_terminal() {
        say("--tui wants a terminal, and stdout is none: going on without");
    }
}

impl Display {
    /// The screen where it is wanted and there is a terminal for it, else bars. `title` says what runs.
    pub(crate) fn begin(
        title: &str,
        load: &Load,
        (connection, output): (&ConnectionArgs, &OutputArgs),
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        if output.tui {
            let members = (connection.options(), connection.endpoints()?);
            if let Some(screen) = Screen::begin(title, load, members, stop)? {
                return Ok(Self::Screen(Box::new(screen)));
            }
        }
        Ok(Self::Bars(Bars::new(load, output.quiet)))
    }

    /// The same for a phase of a scenario; bars where the screen cannot be had.
    pub(crate) fn of_phase(
        phase: &ScenarioPhase,
        (connection, output): (&ConnectionArgs, &OutputArgs),
        stop: &CancellationToken,
    ) -> Self {
        match Self::begin(&phase.name, phase.load(), (connection, output), stop) {
            Ok(Self::Screen(screen)) => Self::Screen(screen),
            _ => Self::Bars(Bars::of_phase(phase, output.quiet)),
        }
    }

    /// Takes it away.
    pub(crate) fn end(&mut self) {
        match self {
            Self::Bars(bars) => bars.end(),
            Self::Screen(screen) => screen.end(),
        }
    }
}

impl Watcher for Display {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        match self {
            Self::Bars(bars) => bars.begins(phase, board),
            Self::Screen(screen) => screen.begins(phase, board),
        }
    }

    fn keys_left(&self, prefix: &str, why: &str) {
        match self {
            Self::Bars(bars) => bars.keys_left(prefix, why),
            Self::Screen(screen) => screen.keys_left(prefix, why),
        }
    }
}
