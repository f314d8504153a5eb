//! `etcd-monitor replay`: what a recording of the black box says, judged again.

mod text;

use std::process::ExitCode;

use etcd_monitor_core::{ClusterName, Episode, Incident, Recording, RecordingDamage};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{OutputFormat, ReplayArgs};
use crate::{logging, output};

/// Replays and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &ReplayArgs) -> ExitCode {
    match replayed(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}

fn replayed(arguments: &ReplayArgs) -> anyhow::Result<()> {
    let recording = Recording::load(&arguments.file)?;
    let answer = match (arguments.pages, arguments.format) {
        (true, _) => text::pages(&recording),
        (false, OutputFormat::Table) => text::tables(&Replay::of(&recording)),
        (false, OutputFormat::Simple) => text::lines(&Replay::of(&recording)),
        (false, OutputFormat::Json) => {
            serde_json::to_string_pretty(&Replay::of(&recording))? + "\n"
        }
    };
    output::write(&answer, arguments.output.as_deref())
}

/// The answer.
#[derive(Debug, Serialize)]
struct Replay {
    cluster: Option<ClusterName>,
    /// Version of the etcd-monitor that recorded.
    recorded_by: Option<String>,
    cycles: usize,
    /// Ends of the first and the last cycle.
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    damage: RecordingDamage,
    /// Why it was frozen.
    incidents: Vec<Incident>,
    timeline: Vec<Episode>,
    pages: usize,
}

impl Replay {
    fn of(recording: &Recording) -> Self {
        let ends = || recording.observations().map(|seen| seen.ended_at);
        Self {
            cluster: recording.cluster().cloned(),
            recorded_by: recording.head().map(|head| head.recorded_by.clone()),
            cycles: ends().count(),
            first_at: ends().next(),
            last_at: ends().last(),
            damage: recording.damage(),
            incidents: recording.incidents().cloned().collect(),
            timeline: recording.timeline(),
            pages: recording.pages().count(),
        }
    }
}
