//! What is left after the process is killed in the middle of its writes, and what happens on a full disk.
//!
//! The process that is killed is this test itself, run once more with a folder in its environment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use etcd_monitor_model::{HistoryQuery, MemberId, SeriesSelector};

use super::*;

/// Where the child writes.
const FOLDER: &str = "ETCD_MONITOR_TEST_HISTORY_FOLDER";
const CHILD: &str = "file::tests::crash::child_that_writes_until_it_is_killed";
const MEMBERS: u64 = 20;

/// What a member gives in a cycle: the number of the cycle, in every series.
fn cycle_of(member: u64, begin: i64, cycle: i64) -> SampleBatch {
    const NAMES: [&str; 12] = [
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
    ];
    let at = (begin + cycle * 10) * 1000;
    batch_of(member, at, &NAMES.map(|it| (it, cycle as f64)))
}

fn open_in(folder: &Path) -> (FileStore, FileStoreWriter) {
    FileStore::open(FileStoreOptions::new(folder.join("history.redb"))).unwrap()
}

/// The points of one series.
async fn read(store: &FileStore, member: u64) -> Vec<Point> {
    let all = query("s7", (0, 2 * BEGIN), None);
    let query = HistoryQuery {
        selector: SeriesSelector {
            member: Some(MemberId(member)),
            ..all.selector
        },
        ..all
    };
    points(store, &query).await.unwrap()
}

/// Not a test of its own: what the child does. It says on stdout which cycles are flushed, and ends when it is killed.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let (store, writer) = open_in(Path::new(&folder));
    let begin = begin_of(Path::new(&folder));
    let next = read(&store, 1).await.len();
    for cycle in i64::try_from(next).unwrap().. {
        for member in 1..=MEMBERS {
            store.append(&cycle_of(member, begin, cycle));
        }
        if cycle % 3 == 2 {
            writer.flush().await.unwrap();
            println!("flushed {cycle}");
        }
    }
}

/// When the first cycle was: kept beside the file, so that every child goes on with the same.
fn begin_of(folder: &Path) -> i64 {
    std::fs::read_to_string(folder.join("begin"))
        .unwrap()
        .parse()
        .unwrap()
}

/// Runs the child, kills it some lines after its first flush, and gives the last cycle that it said was flushed.
fn write_until_killed(folder: &Path, lines: usize, pause: Duration) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let flushed = |line: &String| line.strip_prefix("flushed ").and_then(|it| it.parse().ok());
    let mut last = -1;
    for _ in 0..lines {
        let line = output.find_map(|it| it.ok().as_ref().and_then(flushed));
        last = line.expect("the child ended by itself");
    }
    // Somewhere within the next flushes: each time elsewhere.
    let said = Instant::now();
    while said.elapsed() < pause {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = output.map_while(Result::ok).filter_map(|it| flushed(&it));
    rest.last().unwrap_or(last)
}

#[tokio::test]
async fn what_was_flushed_is_there_after_kill_9_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let begin = Timestamp::now().as_second() - 3600;
    std::fs::write(folder.path().join("begin"), begin.to_string()).unwrap();
    for round in 0..12 {
        let pause = Duration::from_micros(700 * round);
        let flushed = write_until_killed(folder.path(), 20, pause);
        let (store, _writer) = open_in(folder.path());
        let status = store.status();
        assert_eq!((status.set_aside_count, status.damaged_blocks), (0, 0));
        for member in 1..=MEMBERS {
            let points = read(&store, member).await;
            assert!(
                i64::try_from(points.len()).unwrap() > flushed,
                "{} {flushed}",
                points.len()
            );
            for (cycle, point) in (0..).zip(points) {
                let at = Timestamp::from_second(begin + cycle * 10).unwrap();
                assert_eq!(point, Point::sample(at, cycle as f64));
            }
        }
    }
}

/// A small file system in memory, where the test may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|it| it.status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_waited_is_written_when_there_is_room_again() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a file system cannot be mounted here, which takes root");
        return;
    };
    let folder = disk.0.path();
    let (store, writer) = open_in(folder);
    let begin = Timestamp::now().as_second() - 3600;
    let append = |cycle| store.append(&cycle_of(1, begin, cycle));
    append(0);
    writer.flush().await.unwrap();
    let failure = store.watch_failure();
    assert_eq!(*failure.borrow(), None);

    let filler = folder.join("filler");
    let _ = std::fs::write(&filler, vec![1_u8; 8 << 20]);
    let mut cycle = 1;
    while store.status().failing.is_none() {
        for _ in 0..500 {
            append(cycle);
            cycle += 1;
        }
        let _ = writer.flush().await;
        assert!(cycle < 100_000, "a file system of 4 MiB is not full");
    }
    let since = failure.borrow().as_ref().unwrap().since;
    writer.flush().await.unwrap_err();
    let failing = store.status().failing.unwrap();
    assert_eq!(failing.since, since, "it counts from the first failure");
    assert!(
        failing.reason.contains("history.redb"),
        "{}",
        failing.reason
    );
    assert_eq!(
        store.status().set_aside_count,
        0,
        "a full disk is no damage"
    );
    assert!(!read(&store, 1).await.is_empty(), "it can still be read");

    std::fs::remove_file(filler).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(*failure.borrow(), None);
    assert_eq!(i64::try_from(read(&store, 1).await.len()).unwrap(), cycle);
}
