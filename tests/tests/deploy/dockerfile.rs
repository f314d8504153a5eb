//! The image, as far as its file tells.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use etcd_monitor_tests::harness::run_to_end;

use crate::{assert_success, is_pinned, root, text};

const FILE: &str = "deploy/Dockerfile";

/// One instruction: its word, and what stands behind it.
struct Instruction {
    word: String,
    rest: String,
}

/// The instructions, with continued lines joined and arguments put in.
fn instructions() -> Vec<Instruction> {
    let file = text(FILE);
    let code = file
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let joined = code.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let mut arguments = BTreeMap::new();
    let mut found = Vec::new();
    for line in joined.lines().filter(|line| !line.trim().is_empty()) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap();
        if let ("ARG", Some((name, value))) = (word, rest.split_once('=')) {
            arguments.insert(format!("${{{name}}}"), value.to_owned());
        }
        let put_in = |rest: String, (name, value): (&String, &String)| rest.replace(name, value);
        found.push(Instruction {
            word: word.to_owned(),
            rest: arguments.iter().fold(rest.trim().to_owned(), put_in),
        });
    }
    found
}

fn all(word: &str) -> Vec<String> {
    let of_word = instructions().into_iter().filter(|it| it.word == word);
    of_word.map(|it| it.rest).collect()
}

#[test]
fn it_runs_as_a_numbered_user_who_is_not_root_and_writes_into_a_volume_alone() {
    let user = all("USER").pop().unwrap();
    let id: u32 = user.split(':').next().unwrap().parse().unwrap();
    assert!(id >= 10_000, "{user}");
    assert_eq!(all("VOLUME"), ["/data"]);
    assert!(
        all("ENV")
            .iter()
            .any(|it| it.contains("ETCD_MONITOR_DATA_DIR=/data"))
    );
    let last = instructions();
    let stage = last.iter().rposition(|it| it.word == "FROM").unwrap();
    let user_at = last.iter().rposition(|it| it.word == "USER").unwrap();
    assert!(user_at > stage, "the user is of the last stage");
}

#[test]
fn every_base_is_pinned_and_the_compiler_is_the_one_of_the_repository() {
    let bases = all("FROM");
    assert_eq!(bases.len(), 2);
    for base in &bases {
        assert!(is_pinned(base.split(' ').next().unwrap()), "{base}");
    }
    let toolchain = text("rust-toolchain.toml");
    let channel = toolchain.split('"').nth(1).unwrap();
    assert!(
        bases[0].starts_with(&format!("rust:{channel}-alpine")),
        "{} is not {channel}",
        bases[0]
    );
    assert!(bases[1].starts_with("alpine:"));
}

#[test]
fn it_is_built_by_the_script_that_is_tested_for_a_target_that_is_static() {
    let builds = all("RUN").join("\n");
    let build = "scripts/build-release --target \"$(uname -m)-unknown-linux-musl\"";
    assert!(builds.contains(build), "{builds}");
}

#[tokio::test]
async fn its_health_check_is_a_command_that_the_program_has() {
    let check = all("HEALTHCHECK").pop().unwrap();
    let (_, command) = check.split_once("CMD ").unwrap();
    let words: Vec<String> = serde_json::from_str(command).unwrap();
    assert_eq!(words[0], "etcd-monitor");
    let arguments = words[1..].iter().map(String::as_str);
    let help = run_to_end(arguments.chain(["--help"])).await;
    assert_eq!(help.code, Some(0), "{}", help.stderr);
}

#[test]
fn labels_say_what_it_is_and_under_which_licence() {
    let labels = all("LABEL").join(" ");
    for wanted in [
        "title",
        "description",
        "licenses=\"MIT OR Apache-2.0\"",
        "revision",
    ] {
        let label = format!("org.opencontainers.image.{wanted}");
        assert!(labels.contains(&label), "{label} is not in {labels}");
    }
}

/// What `.dockerignore` leaves: names that begin with `!` come back, the rest of the list goes.
fn context() -> Vec<String> {
    let ignored = text(".dockerignore");
    let lines = ignored
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (kept, left): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with('!'));
    assert_eq!(left[0], "*", "everything is left out first");
    let inside =
        |path: &str, folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
    let files = Command::new("git")
        .current_dir(root())
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .unwrap();
    assert_success(&files, "git ls-files");
    let files = String::from_utf8(files.stdout).unwrap();
    let is_kept = |path: &&str| {
        kept.iter().any(|folder| inside(path, &folder[1..]))
            && !left.iter().any(|folder| inside(path, folder))
            && root().join(path).is_file()
    };
    files.lines().filter(is_kept).map(str::to_owned).collect()
}

fn copy_to(folder: &Path, files: &[String]) {
    for file in files {
        let place = folder.join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(root().join(file), place).unwrap();
    }
}

#[test]
fn what_it_is_built_from_is_a_whole_workspace_and_its_sources_are_there() {
    let files = context();
    let folder = tempfile::tempdir().unwrap();
    copy_to(folder.path(), &files);
    let metadata = Command::new("cargo")
        .current_dir(folder.path())
        .args([
            "metadata",
            "--locked",
            "--offline",
            "--no-deps",
            "--format-version",
            "1",
        ])
        .output()
        .unwrap();
    assert_success(&metadata, "cargo metadata in the build's context");
    let help = Command::new(folder.path().join("scripts/build-release"))
        .arg("--help")
        .output()
        .unwrap();
    assert_success(&help, "scripts/build-release --help in the build's context");
    for copied in all("COPY").iter().filter(|it| it.contains("--from=build")) {
        let words: Vec<_> = copied
            .split_whitespace()
            .filter(|it| !it.starts_with("--"))
            .collect();
        let (_, sources) = words.split_last().unwrap();
        for source in sources {
            if let Some(file) = source.strip_prefix("/source/") {
                assert!(
                    files.iter().any(|it| it == file),
                    "{file} is not in the context"
                );
            }
        }
    }
}
