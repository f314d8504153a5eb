use etcd_monitor_model::ClusterName;

use super::super::tests::scene::{cycles, observation};
use super::*;
use crate::assess::Parameters;

fn head() -> RecordingHead {
    let parameters = Parameters {
        elections_per_hour: 7,
        ..Parameters::default()
    };
    RecordingHead::new(ClusterName::new("test"), parameters)
}

fn saved(recording: &Recording) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.recording");
    recording.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (folder, path, bytes)
}

#[test]
fn what_is_saved_is_loaded() {
    let recording = Recording::of(head(), cycles(40));
    let (_folder, path, bytes) = saved(&recording);
    assert_eq!(Recording::load(&path).unwrap(), recording);
    let json = serde_json::to_vec(&cycles(40)).unwrap();
    assert!(
        bytes.len() * 4 < json.len(),
        "{} of {}",
        bytes.len(),
        json.len()
    );
}

#[test]
fn a_replay_judges_by_the_recorded_thresholds() {
    let recording = Recording::of(head(), cycles(2));
    let mut parameters = head().parameters;
    let mut state = crate::AssessState::default();
    let expected: Vec<_> = cycles(2)
        .iter()
        .map(|seen| crate::assess(&mut state, seen, &parameters))
        .collect();
    assert_eq!(recording.replay().collect::<Vec<_>>(), expected);
    parameters.quota_warning_share = 0.000_001;
    parameters.quota_critical_share = 0.000_002;
    let strict = RecordingHead::new(ClusterName::new("test"), parameters);
    let timeline = Recording::of(strict, cycles(2)).timeline();
    assert!(
        timeline
            .iter()
            .any(|episode| episode.rule.contains("Quota")),
        "{timeline:?}"
    );
}

#[test]
fn numbers_that_json_has_not_come_back() {
    let mut odd = observation(1);
    odd.monitor.timer_lag_seconds = f64::NAN;
    let page = odd.members[0].metrics.as_mut().unwrap();
    let page = page.result.as_mut().unwrap();
    page.process.open_fds = Some(f64::NEG_INFINITY);
    page.disk.wal_fsync = Some(etcd_monitor_model::HistogramReading {
        buckets: vec![
            (f64::NEG_INFINITY, -0.0),
            (0.1, f64::NAN),
            (f64::INFINITY, f64::INFINITY),
        ],
        sum: Some(f64::MIN_POSITIVE),
    });
    let (_folder, path, _) = saved(&Recording::of(head(), [odd.clone()]));
    let loaded = Recording::load(&path).unwrap();
    let read_back = loaded.observations().next().unwrap();
    // Not a number does not equal itself.
    assert_eq!(format!("{read_back:?}"), format!("{odd:?}"));
}

#[test]
fn an_older_release_and_a_field_of_a_newer_one_are_read() {
    let mut seen = observation(1);
    seen.canary = None;
    // A page is written another way in JSON.
    seen.members[0].metrics = None;
    let mut document = serde_json::to_value(&seen).unwrap();
    document
        .as_object_mut()
        .unwrap()
        .insert("later".into(), 1.into());
    document.as_object_mut().unwrap().remove("canary");
    let bytes = rmp_serde::to_vec_named(&serde_json::json!({"Observation": document})).unwrap();
    let record: Record<'static> = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(record, Record::Observation(Cow::Owned(seen)));
}

#[test]
fn a_cut_file_gives_the_cycles_before_the_cut() {
    let recording = Recording::of(head(), cycles(40));
    let (_folder, path, bytes) = saved(&recording);
    for cut in (format_line::line().len()..bytes.len()).step_by(37) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let loaded = Recording::load(&path).unwrap();
        let count = loaded.observations().count();
        assert!(
            loaded
                .observations()
                .eq(recording.observations().take(count))
        );
        assert_eq!(loaded.damage().blocks, 0);
    }
}

#[test]
fn a_flipped_byte_is_never_another_cycle() {
    let recording = Recording::of(head(), cycles(40));
    let (_folder, path, bytes) = saved(&recording);
    for position in (0..bytes.len()).step_by(11) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        let Ok(loaded) = Recording::load(&path) else {
            assert!(position < format_line::line().len(), "byte {position}");
            continue;
        };
        let known: Vec<_> = recording.observations().collect();
        assert!(loaded.observations().all(|seen| known.contains(&seen)));
        let damage = loaded.damage();
        assert_eq!(
            damage.blocks + u64::from(damage.torn),
            1,
            "byte {position}: {damage:?}"
        );
    }
}

#[test]
fn a_newer_file_and_another_file_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.recording");
    for (content, wanted) in [
        (
            "etcd-monitor-recording 2\nx",
            "newer etcd-monitor (format version 2",
        ),
        ("etcd-monitor-recording 0\nx", "is no recording"),
        ("PK\u{3}\u{4}", "is no recording"),
        ("", "is no recording"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = Recording::load(&path).unwrap_err().to_string();
        assert!(
            error.contains(wanted) && error.contains("odd.recording"),
            "{error}"
        );
    }
    let missing = Recording::load(&folder.path().join("none")).unwrap_err();
    assert!(matches!(
        missing,
        RecordingError::Io {
            operation: "read",
            ..
        }
    ));
}
