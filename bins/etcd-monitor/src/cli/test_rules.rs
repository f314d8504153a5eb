//! The command line of `etcd-monitor test-rules`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

const EXAMPLES: &str = "Examples:
  etcd-monitor test-rules alerts.test.yaml                 each test of the file, and what differs
  etcd-monitor test-rules tests/*.yaml -w simple           one line a test, for a pipeline
  etcd-monitor test-rules alerts.test.yaml -w json         everything, for programs

A test says what is put in (series, findings, or a recording of the black box) and which alerts and messages must come
out at which times. Nothing is connected to and nothing waits: an hour is tested in milliseconds.
The form of the file is in docs/rule-tests.md.
Exit codes: 0 all tests passed, 1 some did not, 2 a file cannot be used, with line and column of the first error.";

/// Which files to test.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TestRulesArgs {
    /// Files with tests (YAML)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// How the answer looks, and where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}
