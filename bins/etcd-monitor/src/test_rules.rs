//! `etcd-monitor test-rules`: plays tests through the rules and routes of a configuration.

mod expected;
mod input;
mod text;
mod written;

use std::path::Path;
use std::process::ExitCode;

use etcd_monitor_alerting::{AlertPolicy, RuleTestOutcome};
use serde::Serialize;

use crate::cli::{OutputFormat, TestRulesArgs};
use crate::config::place::Remark;
use crate::config::{Config, ConfigError, parse_as, read_text};
use crate::output;
use written::TestFile;

/// What came of one file.
#[derive(Debug, Serialize)]
struct FileOutcome {
    file: String,
    tests: Vec<RuleTestOutcome>,
}

/// Tests and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &TestRulesArgs) -> ExitCode {
    match tested(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => output::exit_code(Err(error)),
    }
}

/// Whether every test passed.
fn tested(arguments: &TestRulesArgs) -> anyhow::Result<bool> {
    let files = arguments.files.iter().map(|path| file(path));
    let files: Vec<FileOutcome> = files.collect::<Result<_, _>>()?;
    let answer = match arguments.output.format {
        OutputFormat::Table => text::report(&files),
        OutputFormat::Simple => text::lines(&files),
        OutputFormat::Json => serde_json::to_string_pretty(&files)? + "\n",
    };
    output::write(&answer, arguments.output.output.as_deref())?;
    let mut tests = files.iter().flat_map(|file| &file.tests);
    Ok(tests.all(RuleTestOutcome::passed))
}

fn file(path: &Path) -> Result<FileOutcome, ConfigError> {
    let shown = path.display();
    let text = read_text(path)
        .map_err(|error| ConfigError::new(format!("cannot read the tests {shown}: {error}")))?;
    let in_file = |error: &dyn std::fmt::Display| ConfigError::new(format!("{shown}: {error}"));
    let file: TestFile = parse_as(&text).map_err(|error| in_file(&error))?;
    let tests = outcomes(&file, path).map_err(|error| in_file(&error))?;
    Ok(FileOutcome {
        file: shown.to_string(),
        tests,
    })
}

/// What the tests are held against.
struct Tested {
    policy: AlertPolicy,
    /// The names of its clusters; none where any may be named.
    clusters: Vec<String>,
}

fn outcomes(file: &TestFile, path: &Path) -> Result<Vec<RuleTestOutcome>, Remark> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let tested = tested_policy(file, folder)?;
    if file.tests.is_empty() {
        return Err(Remark::general("there are no tests in it"));
    }
    let tests = file.tests.iter();
    tests
        .map(|text| {
            let mut test = input::test(text, file, folder, &tested)?;
            test.expectations = expected::expectations(&text.expect, &tested)?;
            test.run(&tested.policy).map_err(|error| text.wrong(&error))
        })
        .collect()
}

/// The policy of the configuration that is named, else the one that holds when nothing is configured.
fn tested_policy(file: &TestFile, folder: &Path) -> Result<Tested, Remark> {
    let Some(named) = &file.config else {
        let policy = AlertPolicy::to_channels(["console"]);
        let clusters = Vec::new();
        return Ok(Tested { policy, clusters });
    };
    let config = Config::load_file(&folder.join(&named.value));
    let config = config.map_err(|error| named.remark(error).under("config"))?;
    let clusters = config.clusters.iter();
    Ok(Tested {
        clusters: clusters.map(|it| it.name.as_str().to_owned()).collect(),
        policy: config.alerts.policy,
    })
}

#[cfg(test)]
mod tests;
