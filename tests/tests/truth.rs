//! What the truth suite observed of real clusters, through `assess` and the alert engine as they are now: in seconds, and
//! without etcd.
//!
//! `./scripts/truth --record tests/fixtures/truth` records anew what is read here.

#![expect(
    clippy::unwrap_used,
    reason = "the configuration allows it in test functions; the helpers of tests are tests too"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use etcd_monitor_tests::truth::{Fixture, all};

/// All fixtures together: they are part of every checkout.
const BYTES_MAX: u64 = 2 << 20;

/// The folders of the fixtures, one for each version of etcd.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/truth");
    let entries = std::fs::read_dir(root).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// With what the scenario tolerates today, which may be less than when it was recorded.
fn fixtures() -> Vec<(PathBuf, Fixture)> {
    let scenarios = all();
    let tolerated = |name: &str| {
        let scenario = scenarios.iter().find(|one| one.name == name);
        scenario.map(|one| one.tolerated.iter().map(ToString::to_string).collect())
    };
    let mut fixtures = Vec::new();
    for folder in folders() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "json") {
                let mut fixture = Fixture::load(&path).unwrap();
                fixture.tolerated = tolerated(&fixture.scenario).unwrap_or_default();
                fixtures.push((folder.clone(), fixture));
            }
        }
    }
    fixtures
}

#[test]
fn every_recorded_scenario_is_still_told_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for (folder, fixture) in fixtures() {
        let complaints = fixture.complaints(&folder).unwrap();
        let complaints = complaints.into_iter();
        wrong.extend(complaints.map(|one| format!("{}: {one}", fixture.scenario)));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_scenario_is_recorded_and_all_of_them_are_small() {
    let recorded: BTreeSet<String> = fixtures()
        .into_iter()
        .map(|(_, fixture)| fixture.scenario)
        .collect();
    let scenarios: BTreeSet<String> = all().iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(recorded, scenarios);
    let files = folders().into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len())
    });
    let bytes: u64 = files.sum();
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}

#[test]
fn a_replay_complains_of_what_is_not_told_and_of_what_has_no_reason() {
    let mut fixtures = fixtures().into_iter();
    let (folder, mut fixture) = fixtures
        .find(|(_, fixture)| fixture.scenario == "follower killed")
        .unwrap();
    let told = std::mem::replace(&mut fixture.expected, vec!["QuorumLost default".to_owned()]);
    let complaints = fixture.complaints(&folder).unwrap();
    let unasked = format!("{} fires without a reason", told[0]);
    assert_eq!(
        complaints,
        ["QuorumLost default does not fire", unasked.as_str()]
    );
    fixture.only_found = vec!["SplitBrain default".to_owned()];
    fixture.tolerated = vec!["MemberDown".to_owned()];
    let complaints = fixture.complaints(&folder).unwrap();
    assert_eq!(
        complaints,
        [
            "QuorumLost default does not fire",
            "SplitBrain default is not found"
        ]
    );
}
