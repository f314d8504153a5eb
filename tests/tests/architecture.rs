//! Holds the code to the layout of the design: which crate may use which, who owns which external
//! crate, what publishing needs, and how large files may grow.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Every crate that may stand in `crates/`, with the crates of ours that it may use. Those that do
/// not exist yet are named too: the table is the design's, not today's.
const ARROWS: [(&str, &[&str]); 11] = [
    ("etcd-monitor-model", &[]),
    ("etcd-monitor-client", &[]),
    (
        "etcd-monitor-core",
        &["etcd-monitor-client", "etcd-monitor-model"],
    ),
    ("etcd-monitor-history", &["etcd-monitor-model"]),
    ("etcd-monitor-alerting", &["etcd-monitor-model"]),
    ("etcd-monitor-bench", &["etcd-monitor-client"]),
    ("etcdctl-ops", &["etcd-monitor-client"]),
    ("etcd-monitor-patterns", &["etcd-monitor-client"]),
    (
        "etcd-monitor-api",
        &[
            "etcd-monitor-model",
            "etcd-monitor-core",
            "etcd-monitor-alerting",
            "etcd-monitor-bench",
            "etcdctl-ops",
        ],
    ),
    (
        "etcd-monitor-operator",
        &[
            "etcd-monitor-client",
            "etcd-monitor-core",
            "etcd-monitor-model",
            "etcdctl-ops",
        ],
    ),
    (TESTKIT, &[]),
];

/// External crates that only some of ours may use, outside development dependencies.
const OWNERS: [(&str, &[&str]); 17] = [
    ("etcd-client", &["etcd-monitor-client", TESTKIT]),
    ("tonic", &["etcd-monitor-client", TESTKIT]),
    ("tonic-prost", &["etcd-monitor-client", TESTKIT]),
    (
        "prost",
        &["etcd-monitor-client", TESTKIT, "etcd-monitor-history"],
    ),
    ("redb", &["etcd-monitor-history", "etcd-monitor-alerting"]),
    ("pco", &["etcd-monitor-history"]),
    ("lettre", &["etcd-monitor-alerting"]),
    (
        "reqwest",
        &[
            "etcd-monitor-client",
            "etcd-monitor-history",
            "etcd-monitor-alerting",
        ],
    ),
    ("axum", &["etcd-monitor-api"]),
    ("prometheus-client", &["etcd-monitor-api"]),
    (
        "utoipa",
        &[
            "etcd-monitor-api",
            "etcd-monitor-model",
            "etcd-monitor-core",
            "etcd-monitor-alerting",
            "etcd-monitor-bench",
        ],
    ),
    ("utoipa-axum", &["etcd-monitor-api"]),
    (
        "governor",
        &[
            "etcd-monitor-api",
            "etcd-monitor-alerting",
            "etcd-monitor-bench",
        ],
    ),
    ("hdrhistogram", &["etcd-monitor-bench", "etcd-monitor-core"]),
    ("clap", &[BINS]),
    ("tracing-subscriber", &[BINS]),
    ("anyhow", &[BINS]),
];

/// The same list as in `deny.toml`, held here too since cargo-deny is not on every machine.
const BANNED: [&str; 8] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "openssl",
    "openssl-sys",
    "native-tls",
    "serde_yaml",
    "serde_yml",
    "chrono",
];

const TESTKIT: &str = "etcd-monitor-testkit";
const BINS: &str = "bins/";
const MAIN_LINES: usize = 60;
const FILE_LINES: usize = 599;

/// One declared dependency, as the rules see it.
struct Use {
    crate_name: String,
    /// Ours: it has a path.
    internal: bool,
    development: bool,
    /// No version beside the path.
    unversioned: bool,
}

/// One package of the workspace, as the rules see it.
struct Member {
    name: String,
    /// Relative to the workspace's root, with `/` at its end.
    folder: String,
    publishable: bool,
    described: bool,
    licensed: bool,
    uses: Vec<Use>,
}

impl Member {
    fn from_package(package: &Package) -> Self {
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest is in a folder");
        let folder = folder
            .as_std_path()
            .strip_prefix(root())
            .expect("members are in the root");
        Self {
            name: package.name.to_string(),
            folder: format!("{}/", folder.display()),
            publishable: package.publish.is_none(),
            described: package
                .description
                .as_ref()
                .is_some_and(|text| !text.is_empty()),
            licensed: package.license.as_deref() == Some("MIT OR Apache-2.0"),
            uses: package
                .dependencies
                .iter()
                .map(|dependency| Use {
                    crate_name: dependency.name.clone(),
                    internal: dependency.path.is_some(),
                    development: dependency.kind == DependencyKind::Development,
                    unversioned: dependency.req.to_string() == "*",
                })
                .collect(),
        }
    }

    fn is_library(&self) -> bool {
        self.folder.starts_with("crates/")
    }

    /// Tests and examples may use anything in `crates/` and any external crate.
    fn is_exempt(&self) -> bool {
        self.folder.starts_with("tests/") || self.folder.starts_with("examples/")
    }

    fn may_use(&self, other: &str) -> bool {
        match ARROWS.iter().find(|(name, _)| *name == self.name) {
            Some((_, allowed)) => allowed.contains(&other),
            None => !self.is_library() && (other != TESTKIT || self.is_exempt()),
        }
    }

    fn owns(&self, external: &str) -> bool {
        OWNERS
            .iter()
            .find(|(name, _)| *name == external)
            .is_none_or(|(_, owners)| {
                owners.contains(&self.name.as_str())
                    || (owners.contains(&BINS) && self.folder.starts_with(BINS))
            })
    }
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests package is in the root's folder")
        .to_owned()
}

fn members() -> Vec<Member> {
    let manifest = root().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo, which runs this, reads the workspace");
    metadata.packages.iter().map(Member::from_package).collect()
}

fn arrow_breaches(member: &Member) -> Vec<String> {
    let forbidden = |used: &&Use| {
        let testing = used.development && used.crate_name == TESTKIT;
        used.internal && !testing && !member.may_use(&used.crate_name)
    };
    let breach = |used: &Use| format!("{} may not use {}", member.name, used.crate_name);
    member.uses.iter().filter(forbidden).map(breach).collect()
}

fn owner_breaches(member: &Member) -> Vec<String> {
    let foreign = |used: &&Use| !used.development && !member.owns(&used.crate_name);
    let breach = |used: &Use| format!("{} does not own {}", member.name, used.crate_name);
    if member.is_exempt() {
        return Vec::new();
    }
    member.uses.iter().filter(foreign).map(breach).collect()
}

fn publishing_breaches(member: &Member) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut hold = |true_of_it: bool, rule: String| {
        if !true_of_it {
            breaches.push(format!("{}: {rule}", member.name));
        }
    };
    hold(member.described, "a description is wanted".to_owned());
    hold(
        member.licensed,
        "the license is MIT OR Apache-2.0".to_owned(),
    );
    for used in member.uses.iter().filter(|used| used.internal) {
        let by_path_alone = used.crate_name == TESTKIT;
        hold(
            used.unversioned == by_path_alone,
            format!(
                "{} wants a path{}",
                used.crate_name,
                if by_path_alone {
                    " alone"
                } else {
                    " and a version"
                }
            ),
        );
    }
    breaches
}

/// Every file of the repository, committed or about to be, relative to the root.
fn repository_files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(root())
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
        ])
        .arg("--exclude-standard")
        .output()
        .expect("git is needed to list the repository's files");
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    names
        .split_terminator('\0')
        .filter(|name| root().join(name).is_file())
        .map(str::to_owned)
        .collect()
}

/// The text of every file that is text.
fn repository_texts() -> Vec<(String, String)> {
    let read = |name: String| Some((fs::read_to_string(root().join(&name)).ok()?, name));
    repository_files()
        .into_iter()
        .filter_map(read)
        .map(|(text, name)| (name, text))
        .collect()
}

fn rust_sources() -> Vec<(String, String)> {
    let mut sources = repository_texts();
    sources.retain(|(name, _)| Path::new(name).extension().is_some_and(|kind| kind == "rs"));
    assert!(!sources.is_empty(), "no Rust sources found");
    sources
}

/// The lines of `text` without comments that satisfy `wanted`, as `name:line: text`.
fn lines_where(name: &str, text: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let code = |line: &str| {
        line.split("//")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let numbered = text.lines().map(code).enumerate();
    let found = numbered.filter(|(_, line)| wanted(line));
    found
        .map(|(index, line)| format!("{name}:{}: {line}", index + 1))
        .collect()
}

/// True where `text` holds `path` at the beginning of a path, not inside a longer one.
fn holds_path(text: &str, path: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "._-/}*".contains(c);
    text.match_indices(path)
        .any(|(at, _)| !text[..at].ends_with(inside))
}

#[track_caller]
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn crates_use_only_what_the_design_allows() {
    let breaches: Vec<_> = members().iter().flat_map(arrow_breaches).collect();
    assert_none(&breaches);
}

#[test]
fn external_crates_are_used_by_their_owners_alone() {
    let breaches: Vec<_> = members().iter().flat_map(owner_breaches).collect();
    assert_none(&breaches);
}

#[test]
fn every_folder_in_crates_is_a_member_that_the_design_names() {
    let members = members();
    let libraries = members.iter().filter(|member| member.is_library());
    let unnamed = libraries
        .clone()
        .filter(|it| ARROWS.iter().all(|(name, _)| *name != it.name));
    let mut breaches: Vec<_> = unnamed
        .map(|member| format!("{} is not in the table of arrows", member.name))
        .collect();

    let known: BTreeSet<_> = libraries.map(|member| member.folder.clone()).collect();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = format!("crates/{}/", entry.unwrap().file_name().to_string_lossy());
        if !known.contains(&folder) {
            breaches.push(format!("{folder} is not a member of the workspace"));
        }
    }
    assert_none(&breaches);
}

#[test]
fn the_rules_name_a_breach() {
    let used = |crate_name: &str, internal, development| Use {
        crate_name: crate_name.to_owned(),
        internal,
        development,
        unversioned: true,
    };
    let member = Member {
        name: "etcd-monitor-alerting".to_owned(),
        folder: "crates/alerting/".to_owned(),
        publishable: true,
        described: false,
        licensed: true,
        uses: vec![
            used("etcd-monitor-client", true, true),
            used(TESTKIT, true, true),
            used("tonic", false, false),
            used("axum", false, true),
        ],
    };
    assert_eq!(
        arrow_breaches(&member),
        ["etcd-monitor-alerting may not use etcd-monitor-client"]
    );
    assert_eq!(
        owner_breaches(&member),
        ["etcd-monitor-alerting does not own tonic"]
    );
    assert_eq!(
        publishing_breaches(&member),
        [
            "etcd-monitor-alerting: a description is wanted",
            "etcd-monitor-alerting: etcd-monitor-client wants a path and a version",
        ]
    );
    assert!(holds_path(
        concat!("in ", "/ro", "ot/x"),
        concat!("/ro", "ot/")
    ));
    assert!(!holds_path("frame/root/x", concat!("/ro", "ot/")));
}

#[test]
fn publishable_crates_have_what_a_registry_asks_for() {
    let members = members();
    let publishable = members.iter().filter(|member| member.publishable);
    let breaches: Vec<_> = publishable.flat_map(publishing_breaches).collect();
    assert_none(&breaches);
}

#[test]
fn no_banned_crate_is_locked() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names: BTreeSet<_> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    assert!(
        names.contains("rustls"),
        "Cargo.lock is not read as it is written"
    );
    let banned: Vec<_> = BANNED.iter().filter(|name| names.contains(*name)).collect();
    assert!(banned.is_empty(), "banned, see deny.toml: {banned:?}");
}

#[test]
fn public_apis_carry_no_foreign_type() {
    const HIDDEN: [&str; 4] = [
        "etcd_client::",
        "tonic::",
        "reqwest::",
        "prometheus_client::",
    ];
    let foreign = |line: &str, names: &[&str]| names.iter().any(|name| line.contains(name));
    let mut breaches = Vec::new();
    for (name, text) in rust_sources() {
        let library = name.starts_with("crates/") && name.contains("/src/");
        if !library || name.starts_with("crates/testkit/") {
            continue;
        }
        breaches.extend(lines_where(&name, &text, |line| {
            // The fields of a one-line struct are private.
            line.starts_with("pub ") && !line.starts_with("pub struct ") && foreign(line, &HIDDEN)
        }));
        if !name.starts_with("crates/client/") {
            breaches.extend(lines_where(&name, &text, |line| {
                foreign(line, &HIDDEN[..2])
            }));
        }
    }
    assert_none(&breaches);
}

#[test]
fn files_stay_readable() {
    let mut breaches = Vec::new();
    for (name, text) in rust_sources() {
        let main = name.starts_with(BINS) && name.ends_with("/main.rs");
        let limit = if main { MAIN_LINES } else { FILE_LINES };
        let lines = text.lines().count();
        if lines > limit {
            breaches.push(format!("{name} has {lines} lines, more than {limit}"));
        }
    }
    assert_none(&breaches);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    // In two parts each, or this file would be found.
    let machine = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let mut breaches = Vec::new();
    for (name, text) in repository_texts() {
        for (index, line) in text.lines().enumerate() {
            if machine.iter().any(|path| holds_path(line, path)) {
                breaches.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert_none(&breaches);
}
