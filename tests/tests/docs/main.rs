//! The manual: its commands work, its links lead somewhere, and what is generated in it is what the types say.

#![expect(
    clippy::unwrap_used,
    reason = "the configuration allows it in test functions; the helpers of tests are tests too"
)]

mod blocks;
mod commands;
mod configuration;
mod links;
mod types;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The files of the repository with this ending, relative to the root, committed or about to be.
fn files(ending: &str) -> Vec<String> {
    let listed = Command::new("git")
        .current_dir(root())
        .args(["-c", "safe.directory=*", "ls-files", "--cached", "--others"])
        .arg("--exclude-standard")
        .output()
        .unwrap();
    assert!(listed.status.success(), "git ls-files");
    let names = String::from_utf8(listed.stdout).unwrap();
    let mut names: Vec<_> = names
        .lines()
        .filter(|name| name.ends_with(ending) && root().join(name).is_file())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
