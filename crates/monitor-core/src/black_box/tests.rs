//! Recorder, writer and files together, in a folder of their own.

mod faults;
mod freezing;
pub(super) mod scene;

use std::path::{Path, PathBuf};

use super::*;
use scene::{at, of, snapshot};

/// A black box whose messages are handled when a test says so, in the test's thread.
struct Bench {
    folder: tempfile::TempDir,
    options: BlackBoxOptions,
    black_box: BlackBox,
    writer: BlackBoxWriter,
}

impl Bench {
    fn new(change: impl FnOnce(&mut BlackBoxOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = BlackBoxOptions::new(folder.path().join("black-box"));
        change(&mut options);
        let (black_box, writer) = BlackBox::open(options.clone());
        Self {
            folder,
            options,
            black_box,
            writer,
        }
    }

    /// Ends this one without a word, as a kill does, and opens the next on the same files.
    fn again(self) -> Self {
        let (black_box, writer) = BlackBox::open(self.options.clone());
        Self {
            black_box,
            writer,
            ..self
        }
    }

    fn recorder(&self, cluster: &str) -> Recorder {
        let mut recorder = self
            .black_box
            .recorder(ClusterName::new(cluster), Parameters::default());
        recorder.opened_at = at(0);
        recorder
    }

    fn write(&mut self) -> BlackBoxStatus {
        while let Ok(mut queued) = self.writer.messages.try_recv() {
            self.writer.disk.handle(queued.take().unwrap());
        }
        self.writer.disk.status()
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.options.folder.join(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn segments(&self) -> Vec<PathBuf> {
        self.files("ring")
    }
}

/// Records these cycles, with these critical findings true in all of them.
fn record(recorder: &mut Recorder, cycles: std::ops::RangeInclusive<u64>, rules: &[&str]) {
    let cluster = recorder.cluster().as_str().to_owned();
    for cycle in cycles {
        let seen = of(&cluster, cycle);
        recorder.record(&seen, &[], &snapshot(&seen, rules, at(cycle)));
    }
}

fn cycles_in(path: &Path) -> Vec<u64> {
    let recording = Recording::load(path).unwrap();
    assert_eq!(recording.damage(), RecordingDamage::default());
    recording.observations().map(|seen| seen.cycle).collect()
}

/// The cycles that all segments hold, in order.
fn cycles_on_disk(bench: &Bench) -> Vec<u64> {
    bench
        .segments()
        .iter()
        .flat_map(|path| cycles_in(path))
        .collect()
}

#[test]
fn every_cycle_is_on_disk_30_s_later_and_the_rest_at_the_end() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 1..=6, &[]);
    bench.write();
    assert!(bench.segments().is_empty(), "no block is due yet");
    record(&mut recorder, 7..=9, &[]);
    bench.write();
    assert_eq!(cycles_on_disk(&bench), (1..=7).collect::<Vec<_>>());
    recorder.flush();
    bench.write();
    assert_eq!(cycles_on_disk(&bench), (1..=9).collect::<Vec<_>>());
}

#[test]
fn a_ring_holds_its_window_and_at_most_a_fifth_more() {
    let mut bench = Bench::new(|_| {});
    let mut recorder = bench.recorder("test");
    // An hour of 5 s each.
    for begin in (1..720).step_by(10) {
        record(&mut recorder, begin..=begin + 9, &[]);
        bench.write();
    }
    let kept = cycles_on_disk(&bench);
    assert!((180..=216 + 7).contains(&kept.len()), "{}", kept.len());
    assert!(
        kept.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{kept:?}"
    );
    let files: u64 = bench
        .segments()
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert_eq!(bench.write().ring_bytes, files);
}

#[test]
fn clusters_share_the_bytes_equally() {
    let limit = 60_000;
    let mut bench = Bench::new(|options| options.bytes = limit / 2 * 5);
    let (mut chatty, mut calm) = (bench.recorder("chatty"), bench.recorder("calm"));
    for begin in (1..600).step_by(10) {
        record(&mut chatty, begin..=begin + 9, &[]);
        if begin > 450 {
            record(&mut calm, begin..=begin, &[]);
        }
        assert!(bench.write().ring_bytes <= limit + 6_000);
    }
    let of = |name: &str| {
        let of = |path: &&PathBuf| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(name)
        };
        let files = bench.segments();
        let of = files.iter().filter(of);
        of.flat_map(|path| cycles_in(path)).collect::<Vec<u64>>()
    };
    assert_eq!(
        of("calm").first(),
        Some(&451),
        "nothing of it was pushed out"
    );
    assert!(of("chatty").first() > Some(&100));
}

#[test]
fn what_a_cluster_that_is_not_watched_any_more_left_is_deleted_in_time() {
    let mut bench = Bench::new(|_| {});
    let mut gone = bench.recorder("gone");
    record(&mut gone, 1..=20, &[]);
    gone.flush();
    drop(gone);
    bench.write();
    let mut recorder = bench.recorder("test");
    record(&mut recorder, 300..=310, &[]);
    recorder.flush();
    bench.write();
    assert!(cycles_on_disk(&bench).iter().all(|cycle| *cycle >= 300));
}

#[tokio::test]
async fn the_writer_ends_with_its_recorders_and_tells_what_it_holds() {
    let Bench {
        folder: _folder,
        options,
        black_box,
        writer,
    } = Bench::new(|_| {});
    let mut recordings = black_box.recordings();
    let mut recorder = black_box.recorder(ClusterName::new("test"), Parameters::default());
    let running = tokio::spawn(writer.run());
    recorder.opened_at = at(0);
    record(&mut recorder, 1..=3, &[]);
    record(&mut recorder, 4..=4, &["QuorumLost"]);
    let frozen = recordings
        .wait_for(|status| !status.recordings.is_empty())
        .await
        .unwrap();
    let name = &frozen.recordings[0].name;
    let path = recordings.path(name).unwrap();
    assert!(path.starts_with(options.folder));
    assert_eq!(cycles_in(&path), [1, 2, 3, 4]);
    for unknown in ["", "../ring", "..", "other.recording"] {
        assert_eq!(recordings.path(unknown), None);
    }
    drop((recorder, black_box));
    running.await.unwrap();
}
