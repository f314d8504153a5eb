//! Files that are cut, damaged, newer, or cannot be written.

use super::*;

fn frozen_after(bench: &mut Bench, first: u64) -> Recording {
    let mut recorder = bench.recorder("test");
    record(&mut recorder, first..=first + 9, &[]);
    record(&mut recorder, first + 10..=first + 10, &["A"]);
    let status = bench.write();
    let path = bench.black_box.recordings().folder.join("frozen");
    Recording::load(&path.join(&status.recordings[0].name)).unwrap()
}

/// Two blocks on disk, and the process is gone.
fn killed() -> (Bench, PathBuf) {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=14, &[]);
    bench.write();
    let [segment] = &bench.segments()[..] else {
        panic!("one segment")
    };
    let segment = segment.clone();
    (bench.again(), segment)
}

#[test]
fn a_tail_torn_by_a_kill_is_cut_and_recording_goes_on() {
    let (bench, segment) = killed();
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() - 3]).unwrap();
    let mut bench = bench.again();
    assert_eq!(cycles_in(&segment), (1..=7).collect::<Vec<_>>());
    let recording = frozen_after(&mut bench, 20);
    assert_eq!(recording.damage(), RecordingDamage::default());
    let cycles: Vec<u64> = recording.observations().map(|seen| seen.cycle).collect();
    assert_eq!(cycles, (1..=7).chain(20..=30).collect::<Vec<_>>());
}

#[test]
fn a_flipped_byte_costs_its_block_in_what_is_frozen() {
    let (mut bench, segment) = killed();
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let recording = frozen_after(&mut bench, 20);
    assert_eq!(recording.damage().blocks, 1);
    let cycles: Vec<u64> = recording.observations().map(|seen| seen.cycle).collect();
    assert_eq!(cycles, (1..=7).chain(20..=30).collect::<Vec<_>>());
}

#[test]
fn a_segment_of_a_newer_release_is_left_out_and_a_newer_recording_listed_by_name() {
    let (bench, segment) = killed();
    let newer = "etcd-monitor-recording 2\nwho knows";
    std::fs::write(&segment, newer).unwrap();
    let name = "20250101T000000Z-test-A.recording";
    std::fs::write(bench.options.folder.join("frozen").join(name), newer).unwrap();
    let mut bench = bench.again();
    assert_eq!(std::fs::read_to_string(&segment).unwrap(), newer);
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 20..=20, &["A"]);
    let status = bench.write();
    assert_eq!(status.recordings[0].name, name);
    assert_eq!(status.recordings[0].cluster, None);
    let files = bench.files("frozen");
    assert_eq!(cycles_in(&files[1]), [20]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("black-box");
    std::fs::write(&path, "a file where a folder should be").unwrap();
    let mut bench = Bench::new(|options| options.folder.clone_from(&path));
    let stop = bench.write().stopped.expect("nothing can be written");
    assert!(
        stop.reason.contains(path.to_str().unwrap()),
        "{}",
        stop.reason
    );
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=7, &[]);
    record(&mut recorder, 8..=8, &["A"]);
    let status = bench.write();
    assert_eq!(status.stopped, Some(stop), "told once, with its beginning");
    assert_eq!(status.lost_blocks, 2);
    std::fs::remove_file(&path).unwrap();
    record(&mut recorder, 9..=15, &["A"]);
    let status = bench.write();
    assert_eq!(status.stopped, None);
    assert_eq!(
        status.recordings.len(),
        1,
        "what had to be frozen meanwhile is"
    );
    recorder.flush();
    bench.write();
    let files = bench.files("frozen");
    assert_eq!(cycles_in(&files[0]), (9..=15).collect::<Vec<_>>());
}

/// A file system of 64 KiB; `None`, with the reason printed, where it cannot be had.
#[cfg(target_os = "linux")]
fn small_disk(at: &Path) -> Option<impl Drop + use<>> {
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let unmounted = std::process::Command::new("umount").arg(&self.0).status();
            assert!(unmounted.is_ok_and(|status| status.success()));
        }
    }
    let mut mount = std::process::Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(at);
    match mount.output() {
        Ok(output) if output.status.success() => Some(Mounted(at.to_owned())),
        refused => {
            eprintln!("skipped: a small file system cannot be mounted: {refused:?}");
            None
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_recording_with_its_reason_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mounted) = small_disk(folder.path()) else {
        return;
    };
    let ballast = folder.path().join("ballast");
    let mut bench = Bench::new(|options| options.folder = folder.path().join("black-box"));
    std::fs::write(&ballast, vec![1; 44 << 10]).unwrap();
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=400, &[]);
    let status = bench.write();
    let stop = status.stopped.expect("the disk is full");
    assert!(
        stop.reason.to_lowercase().contains("no space"),
        "{}",
        stop.reason
    );
    assert!(status.lost_blocks > 0);
    assert!(
        !cycles_on_disk(&bench).is_empty(),
        "what was written is whole"
    );
    std::fs::remove_file(&ballast).unwrap();
    record(&mut recorder, 401..=407, &[]);
    assert_eq!(bench.write().stopped, None);
    recorder.flush();
    bench.write();
    assert_eq!(cycles_on_disk(&bench).last(), Some(&407));
    drop((recorder, bench));
}
