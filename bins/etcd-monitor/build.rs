//! Tells the program which commit and target it was built from, for `--version` and the build-info metric.

use std::path::Path;
use std::process::Command;

/// Where the sources come without their repository, as into a container's build, this says the commit.
const COMMIT: &str = "ETCD_MONITOR_BUILD_COMMIT";

fn main() {
    println!("cargo::rustc-env=ETCD_MONITOR_BUILD_COMMIT={}", commit());
    let target = std::env::var("TARGET").unwrap_or_else(|_| "unknown".to_owned());
    println!("cargo::rustc-env=ETCD_MONITOR_BUILD_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    for place in ["../../.git/HEAD", "../../.git/refs/heads"] {
        if Path::new(place).exists() {
            println!("cargo::rerun-if-changed={place}");
        }
    }
}

/// As told, or from what `cargo package` noted, or from the checkout; `unknown` in a bare source tree.
fn commit() -> String {
    told_commit()
        .or_else(packaged_commit)
        .or_else(checkout_commit)
        .unwrap_or_else(|| "unknown".to_owned())
}

fn told_commit() -> Option<String> {
    let told = std::env::var(COMMIT).ok()?;
    let kept: String = told.chars().filter(char::is_ascii_hexdigit).collect();
    (!kept.is_empty() && kept.len() == told.len()).then_some(kept.chars().take(12).collect())
}

fn packaged_commit() -> Option<String> {
    let noted = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let sha = noted.split("\"sha1\": \"").nth(1)?.split('"').next()?;
    Some(sha.chars().take(12).collect())
}

fn checkout_commit() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
