//! What is frozen, when, and for how long it is kept.

use super::scene::{at, of};
use super::*;

/// Cycles in the minutes that a recording goes on.
const AFTER: u64 = 60;

fn frozen(bench: &Bench) -> Vec<Vec<u64>> {
    bench
        .files("frozen")
        .iter()
        .map(|path| cycles_in(path))
        .collect()
}

#[test]
fn the_minutes_before_and_after_a_critical_finding_are_kept() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=400, &[]);
    bench.write();
    record(&mut recorder, 401..=402, &["QuorumLost"]);
    let info = &bench.write().recordings[0];
    assert!(!info.complete, "the minutes after are still to come");
    assert_eq!(info.name, "20260101T003325Z-test-QuorumLost.recording");
    record(&mut recorder, 403..=600, &[]);
    let status = bench.write();
    let info = &status.recordings[0];
    assert!(info.complete);
    let cycles = &frozen(&bench)[0];
    assert_eq!(
        cycles.len() as u64,
        cycles.last().unwrap() - cycles[0] + 1,
        "none is missing"
    );
    assert!(cycles[0] <= 401 - 180, "{}", cycles[0]);
    let last = *cycles.last().unwrap();
    assert!((401 + AFTER..401 + AFTER + 7).contains(&last), "{last}");
    let incident = info.incident.as_ref().unwrap();
    assert_eq!(
        (incident.finding.rule.as_str(), incident.at),
        ("QuorumLost", at(401))
    );
    assert_eq!(incident.cause, "QuorumLost holds");
    let path = &bench.files("frozen")[0];
    assert_eq!(info.bytes, path.metadata().unwrap().len());
    assert_eq!(info.bytes, status.frozen_bytes);
}

#[test]
fn a_second_finding_stretches_the_recording_to_half_an_hour_at_most() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=10, &["A"]);
    for begin in (11..500).step_by(50) {
        record(&mut recorder, begin..=begin + 24, &["A"]);
        record(&mut recorder, begin + 25..=begin + 49, &["A", "B"]);
        bench.write();
    }
    let files = bench.files("frozen");
    assert_eq!(
        files.len(),
        2,
        "half an hour in the first, the rest in a second"
    );
    let first = Recording::load(&files[0]).unwrap();
    let rules: Vec<&str> = first
        .incidents()
        .map(|incident| incident.finding.rule.as_str())
        .collect();
    assert_eq!(rules[..3], ["A", "B", "B"]);
    let last = first.observations().last().unwrap().cycle;
    assert!((361..=368).contains(&last), "{last}");
}

#[test]
fn a_finding_from_before_the_start_is_not_frozen_again() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    let seen = of("test", 1);
    let old = at(0) - jiff::SignedDuration::from_secs(1);
    recorder.record(&seen, &[], &snapshot(&seen, &["A"], old));
    assert!(bench.write().recordings.is_empty());
    record(&mut recorder, 2..=2, &[]);
    record(&mut recorder, 3..=3, &["A"]);
    assert_eq!(bench.write().recordings.len(), 1, "it came back");
}

#[test]
fn a_finding_that_another_explains_and_a_warning_freeze_nothing() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    let seen = of("test", 1);
    let mut said = snapshot(&seen, &["A", "B", "C"], at(1));
    said.findings[0].caused_by = Some(said.findings[1].key());
    said.findings[1].severity = etcd_monitor_model::Severity::Warning;
    said.findings[2].status = etcd_monitor_model::FindingStatus::False;
    recorder.record(&seen, &[], &said);
    assert!(bench.write().recordings.is_empty());
}

#[test]
fn one_cluster_keeps_16_and_pushes_out_only_its_own() {
    let mut bench = Bench::new(|_| {});
    let mut calm = bench.recorder("calm");
    record(&mut calm, 1..=1, &["A"]);
    record(&mut calm, 2..=80, &[]);
    let mut restless = bench.recorder("restless");
    for begin in (2..2000).step_by(100) {
        record(&mut restless, begin..=begin + 1, &["A"]);
        record(&mut restless, begin + 2..=begin + 99, &[]);
        bench.write();
    }
    let status = bench.write();
    let of = |name: &str| {
        let of = |info: &&RecordingInfo| info.cluster.as_ref().unwrap().as_str() == name;
        status.recordings.iter().filter(of).count()
    };
    assert_eq!((of("calm"), of("restless")), (1, 16));
    assert_eq!(status.deleted_recordings, 4);
    assert_eq!(bench.files("frozen").len(), 17);
}

#[test]
fn what_is_frozen_stays_within_its_bytes() {
    let mut bench = Bench::new(|options| options.bytes = 200_000);
    let mut recorders: Vec<Recorder> = (0..10)
        .map(|number| bench.recorder(&format!("c{number}")))
        .collect();
    for recorder in &mut recorders {
        record(recorder, 1..=180, &[]);
        record(recorder, 181..=181, &["A"]);
        record(recorder, 182..=260, &[]);
        let status = bench.write();
        assert!(status.frozen_bytes <= 120_000, "{}", status.frozen_bytes);
        assert!(
            status.ring_bytes + status.frozen_bytes <= 206_000,
            "{status:?}"
        );
    }
    assert!(bench.write().deleted_recordings > 0);
    assert!(!bench.write().recordings.is_empty());
}

#[test]
fn a_cluster_that_fills_its_ring_still_gets_a_recording_that_stays() {
    let mut bench = Bench::new(|options| options.bytes = 60_000);
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=180, &[]);
    record(&mut recorder, 181..=181, &["A"]);
    let begun = bench.write();
    assert!(begun.ring_bytes > 18_000, "the ring is full: {begun:?}");
    for begin in (182..400).step_by(7) {
        record(&mut recorder, begin..=begin + 6, &["A"]);
        let status = bench.write();
        assert!(status.frozen_bytes <= 36_000, "{}", status.frozen_bytes);
    }
    let [kept] = &bench.write().recordings[..] else {
        panic!("the recording is there")
    };
    assert!(kept.complete);
    assert!(frozen(&bench)[0].contains(&181));
}

#[test]
fn recordings_outlive_a_restart_and_half_a_copy_does_not() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=20, &["A"]);
    let before = bench.write();
    let half = bench
        .options
        .folder
        .join("frozen")
        .join("20260101T000000Z-x-A.unfinished");
    std::fs::write(&half, "half").unwrap();
    std::fs::write(bench.options.folder.join("frozen/notes.txt"), "not ours").unwrap();
    let mut bench = bench.again();
    let after = bench.write();
    let [was] = &before.recordings[..] else {
        panic!("{before:?}")
    };
    let [is] = &after.recordings[..] else {
        panic!("{after:?}")
    };
    assert_eq!(
        (&was.name, &was.cluster, &was.incident, was.bytes),
        (&is.name, &is.cluster, &is.incident, is.bytes)
    );
    assert!(is.complete);
    assert!(!half.exists());
}
