//! Scenarios: phases of a file, run one after the other.

mod file;
mod plan;
mod yaml;

use std::path::Path;

use anyhow::Context;
use etcd_monitor_bench::Scenario;

use crate::cli::{ConnectionArgs, OutputArgs};

/// Largest file that is read; the longest scenario that people write has some hundred lines.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with a scenario: wrong usage, as wrong flags are.
#[derive(Debug)]
pub(crate) struct BadScenario(String);

impl std::fmt::Display for BadScenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadScenario {}

/// Refuses what a scenario has no place for.
pub(crate) fn check_output(output: &OutputArgs) -> Result<(), BadScenario> {
    if output.hdr_log.is_some() {
        let message =
            "--hdr-log is for one load: a scenario has histograms of each phase, see -w json";
        return Err(BadScenario(message.to_owned()));
    }
    Ok(())
}

/// Reads a scenario, and makes its phases ready to run.
pub(crate) fn read(path: &Path, connection: &ConnectionArgs) -> anyhow::Result<Scenario> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    if size.len() > FILE_BYTES_MAX {
        let message = format!("{shown} has {} bytes, more than 1 MiB", size.len());
        return Err(BadScenario(message).into());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    let file = yaml::parse(&text).map_err(|error| BadScenario(format!("{shown}: {error}")))?;
    let scenario = plan::scenario(&file, connection)?;
    scenario.map_err(|error| BadScenario(format!("{shown}: {error}")).into())
}
