//! Versions with known defects, versions that differ, and corruption checks.

use etcd_monitor_model::{FailureKind, Severity, rule};

use super::scene::{Scene, Watch, after_healthy, finding, roots, status_of};
use crate::assess::{KnownVersions, Parameters, assess};

fn running(scene: Scene, member: usize, version: &str) -> Scene {
    scene.status(member, |status| status.version = version.to_owned())
}

fn all_running(version: &str) -> Scene {
    (1..=3).fold(Scene::of(3), |scene, member| {
        running(scene, member, version)
    })
}

fn with_checks(initial: u8, compact: u8) -> Scene {
    let page = format!(
        "etcd_server_feature_enabled{{name=\"InitialCorruptCheck\",stage=\"ALPHA\"}} {initial}\n\
         etcd_server_feature_enabled{{name=\"CompactHashCheck\",stage=\"ALPHA\"}} {compact}\n"
    );
    (1..=3).fold(Scene::of(3), |scene, member| scene.page(member, &page))
}

#[test]
fn the_newest_versions_are_well() {
    for version in ["3.5.35", "3.6.16", "3.7.3"] {
        let mut watch = Watch::default();
        let snapshot = watch.see(all_running(version));
        assert_eq!(status_of(&snapshot, rule::KNOWN_BAD_VERSION), "false");
        assert_eq!(status_of(&snapshot, rule::MIXED_VERSIONS), "false");
        assert_eq!(roots(&snapshot), "");
    }
}

#[test]
fn a_version_that_may_lose_data_is_a_warning_with_the_smallest_upgrade() {
    let snapshot = Watch::default().see(all_running("3.5.2"));
    let bad = finding(&snapshot, rule::KNOWN_BAD_VERSION, "n1");
    assert_eq!(bad.severity, Severity::Warning);
    assert!(
        bad.cause.contains("3.5.2") && bad.cause.contains("etcd#13766"),
        "{}",
        bad.cause
    );
    assert!(bad.action.contains("3.5.33"), "{}", bad.action);
}

#[test]
fn a_version_with_other_defects_is_info_and_does_not_take_the_verdict() {
    let snapshot = Watch::default().see(all_running("3.6.13"));
    let bad = finding(&snapshot, rule::KNOWN_BAD_VERSION, "n2");
    assert_eq!((bad.status.is_true(), bad.severity), (true, Severity::Info));
    assert_eq!(snapshot.health.healthy, Some(true));
    assert!(
        snapshot.health.sentence.starts_with("Healthy"),
        "{}",
        snapshot.health.sentence
    );
}

#[test]
fn what_is_no_version_is_unknown() {
    for hostile in [
        "",
        "3.5",
        "3.5.2; rm -rf",
        "٣.٥.٢",
        "99999999999999999999.0.0",
    ] {
        let snapshot = Watch::default().see(all_running(hostile));
        assert_eq!(
            status_of(&snapshot, rule::KNOWN_BAD_VERSION),
            "unknown",
            "{hostile}"
        );
    }
    let down = Watch::default().see(Scene::of(3).all_fail(FailureKind::Refused));
    assert_eq!(status_of(&down, rule::MIXED_VERSIONS), "unknown");
}

#[test]
fn another_list_takes_the_place_of_the_one_that_is_built_in() {
    let list = r#"{"format":1,"entries":[{"id":"x","kind":"data_loss","problem":"loses keys","affected":[{"fixed":"3.7.4"}]}]}"#;
    let parameters = Parameters {
        known_versions: KnownVersions::parse(list).unwrap(),
        ..Parameters::default()
    };
    let mut watch = Watch::default();
    let observation = watch.observation(Scene::of(3));
    let snapshot = assess(&mut watch.state, &observation, &parameters);
    let bad = finding(&snapshot, rule::KNOWN_BAD_VERSION, "n1");
    assert!(bad.cause.contains("loses keys") && bad.action.contains("3.7.4"));
}

#[test]
fn an_upgrade_is_info_and_one_that_is_never_finished_a_warning() {
    let mixed = || running(Scene::of(3), 2, "3.6.16");
    let mut watch = Watch::after_healthy(3);
    let during = watch.see(mixed());
    let finding_of = |snapshot: &etcd_monitor_model::Snapshot| {
        let found = finding(snapshot, rule::MIXED_VERSIONS, "test");
        (found.status.is_true(), found.severity)
    };
    assert_eq!(finding_of(&during), (true, Severity::Info));
    let saved = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str(&saved).unwrap();
    watch.second += 90_000;
    assert_eq!(finding_of(&watch.see(mixed())), (true, Severity::Warning));
    let silent = watch.see(mixed().fails(2, FailureKind::Refused));
    assert_eq!(
        finding_of(&silent),
        (true, Severity::Warning),
        "it may come back as it was"
    );
    assert_eq!(
        finding_of(&watch.see(Scene::of(3))),
        (false, Severity::Info)
    );
    assert_eq!(
        finding_of(&watch.see(mixed())),
        (true, Severity::Info),
        "counted anew"
    );
}

#[test]
fn corruption_checks_are_off_on_or_not_said() {
    let status = |scene: Scene| {
        let snapshot = after_healthy(scene);
        status_of(&snapshot, rule::CORRUPTION_CHECKS_OFF)
    };
    assert_eq!(status(with_checks(0, 0)), "true");
    assert_eq!(status(with_checks(1, 0)), "true");
    assert_eq!(status(with_checks(1, 1)), "false");
    assert_eq!(status(Scene::of(3)), "unknown", "3.5 does not say");
    let snapshot = after_healthy(with_checks(0, 1));
    let off = finding(&snapshot, rule::CORRUPTION_CHECKS_OFF, "test");
    assert_eq!(off.severity, Severity::Info);
    assert!(off.evidence[0].value.contains("InitialCorruptCheck 0"));
}

#[test]
fn a_cluster_that_acts_as_an_older_version_and_a_downgrade_are_said() {
    let mut watch = Watch::default();
    let status = |watch: &mut Watch, scene| {
        let snapshot = watch.see(scene);
        status_of(&snapshot, rule::CLUSTER_VERSION_BEHIND).to_owned()
    };
    assert_eq!(status(&mut watch, all_running("3.7.3")), "false");
    let page = "etcd_cluster_version{cluster_version=\"3.6\"} 1\n";
    let behind = all_running("3.7.3").page(2, page);
    assert_eq!(status(&mut watch, behind), "true");
    let schema = |status: &mut etcd_monitor_model::MemberStatus| {
        status.storage_version = Some("3.6.0".to_owned());
    };
    assert_eq!(
        status(&mut watch, all_running("3.7.3").status(1, schema)),
        "true"
    );
    // During an upgrade the cluster acts as its oldest member.
    let upgrading = running(all_running("3.7.3"), 3, "3.6.16").status(1, schema);
    assert_eq!(status(&mut watch, upgrading), "false");
    let snapshot = watch.see(all_running("3.7.3").status(1, |status| {
        status.downgrade_target = Some("3.6.0".to_owned());
    }));
    let said = finding(&snapshot, rule::CLUSTER_VERSION_BEHIND, "test");
    assert!(
        said.status.is_true() && said.cause.contains("downgrade"),
        "{said:?}"
    );
}

#[test]
fn members_that_do_not_say_what_the_cluster_acts_as_are_unknown() {
    let none = (1..=3).fold(all_running("3.5.35"), |scene, member| {
        scene.status(member, |status| status.storage_version = None)
    });
    let snapshot = Watch::default().see(none);
    assert_eq!(
        status_of(&snapshot, rule::CLUSTER_VERSION_BEHIND),
        "unknown"
    );
}

#[test]
fn the_versions_of_cluster_and_members_are_told_with_their_defects() {
    let page = |version: &str| format!("etcd_cluster_version{{cluster_version=\"{version}\"}} 1\n");
    let scene = running(all_running("3.7.3"), 2, "3.5.2");
    let scene = scene.page(1, &page("3.7")).page(2, &page("3.5"));
    let mut watch = Watch::default();
    let report = watch.see(scene).versions;
    assert_eq!(
        report.cluster_version.as_deref(),
        Some("3.5.0"),
        "the oldest"
    );
    let [one, two, three] = &report.members[..] else {
        panic!("{report:?}");
    };
    assert_eq!(one.version.as_deref(), Some("3.7.3"));
    assert_eq!(one.storage_version.as_deref(), Some("3.7.0"));
    assert_eq!(one.known_defects, Some(Vec::new()));
    assert_eq!(three.member, "n3");
    let defects = two.known_defects.as_deref().unwrap();
    assert!(defects[0].endangers_data && defects.iter().any(|it| it.id == "etcd#13766"));

    let silent = watch.see(Scene::of(3).fails(1, FailureKind::Refused));
    let silent = &silent.versions.members[0];
    assert_eq!(
        (silent.version.as_deref(), silent.storage_version.as_deref()),
        (Some("3.7.3"), None)
    );
}

#[test]
fn what_is_no_version_has_no_known_defects_and_is_not_that_of_the_cluster() {
    let page = "etcd_cluster_version{cluster_version=\"<b>\"} 1\n";
    let report = Watch::default()
        .see(all_running("3.7.3; rm").page(1, page))
        .versions;
    assert_eq!(report.cluster_version, None);
    assert_eq!(report.members[0].known_defects, None);
}
