//! Scenarios: phases of a file, run one after the other.

mod file;
mod plan;
mod yaml;

use anyhow::Context;
use etcd_monitor_bench::Scenario;

use crate::cli::ScenarioArgs;
use crate::output::Usage;

/// Largest file that is read; the longest scenario that people write has some hundred lines.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a scenario, and makes its phases ready to run.
pub(crate) fn read(arguments: &ScenarioArgs) -> anyhow::Result<Scenario> {
    if arguments.output.hdr_log.is_some() {
        let message =
            "--hdr-log is for one load: a scenario has histograms of each phase, see -w json";
        return Err(Usage(message.to_owned()).into());
    }
    let shown = arguments.file.display();
    let size = std::fs::metadata(&arguments.file);
    let size = size
        .with_context(|| format!("{shown} cannot be read"))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(Usage(format!("{shown} has {size} bytes, more than 1 MiB")).into());
    }
    let text = std::fs::read_to_string(&arguments.file);
    let text = text.with_context(|| format!("{shown} cannot be read"))?;
    let file = yaml::parse(&text).map_err(|error| Usage(format!("{shown}: {error}")))?;
    let scenario = plan::scenario(&file, arguments)?;
    scenario.map_err(|error| Usage(format!("{shown}: {error}")).into())
}
