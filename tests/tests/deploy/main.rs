//! What is delivered beside the programs (image, compose file, unit, manifests, scripts): what can be proven of it without
//! Docker, systemd, Kubernetes and Windows is proven here. Where a tool that checks a part is not there, the reason is printed.

#![expect(
    clippy::unwrap_used,
    reason = "the configuration allows it in test functions; the helpers of tests are tests too"
)]

mod compose;
mod compose_stack;
mod dockerfile;
mod healthcheck;
mod kubernetes;
mod powershell;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The text of a file of the repository.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first YAML document in the text.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// What a program of this machine says; `None`, with the reason printed, where it is not there.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn tool(name: &str, arguments: &[&str], for_what: &str) -> Option<Output> {
    match Command::new(name).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: {for_what}: {name}: {error}");
            None
        }
    }
}

#[track_caller]
fn assert_success(output: &Output, what: &str) {
    let (out, err) = (&output.stdout, &output.stderr);
    assert!(
        output.status.success(),
        "{what}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    );
}

/// True where an image is named with a version of its own.
fn is_pinned(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    let tag = name.split_once(':').map(|(_, tag)| tag);
    tag.is_some_and(|tag| tag.contains(|c: char| c.is_ascii_digit()) && !tag.contains("latest"))
}

#[test]
fn only_a_version_pins_an_image() {
    assert!(is_pinned("gcr.io/etcd-development/etcd:v3.7.3"));
    for loose in ["etcd", "gcr.io:5000/etcd", "a/b:latest", "rust:alpine"] {
        assert!(!is_pinned(loose), "{loose}");
    }
}
