//! Finds the programs that tests run.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

/// The daemon's program, built from the sources as they are now.
pub fn daemon_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("etcd-monitor", "etcd-monitor"))
}

/// The program of the load generator, built from the sources as they are now.
pub fn bench_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("etcd-bench", "etcd-bench"))
}

/// An example program, built from the sources as they are now.
pub fn example_binary(name: &str) -> PathBuf {
    build("etcd-monitor-examples", name)
}

/// `cargo test` does not build the programs of other packages, so this asks cargo, with the profile of the running test.
/// It takes a fraction of a second when everything is built already.
fn build(package: &str, program: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo tells the tests of their own package is read by build scripts of others, which would build anew.
    for (name, _) in std::env::vars_os() {
        if is_of_the_running_test(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--package", package, "--bin", program])
        .args([
            "--profile",
            profile(),
            "--message-format=json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo is there, since it runs the tests");
    assert!(
        output.status.success(),
        "cargo cannot build {program}: {}",
        output.status
    );
    Message::parse_stream(Cursor::new(output.stdout))
        .filter_map(Result::ok)
        .find_map(executable)
        .expect("cargo names the program that it built")
}

fn is_of_the_running_test(variable: &str) -> bool {
    let of_cargo = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
    ];
    of_cargo.iter().any(|name| variable.starts_with(name))
}

fn executable(message: Message) -> Option<PathBuf> {
    match message {
        Message::CompilerArtifact(artifact) => artifact.executable.map(Into::into),
        _ => None,
    }
}

/// Debug assertions stand for the profile: tests are built with `dev` or with `release`.
fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    }
}
