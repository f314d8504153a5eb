use std::path::Path;

use etcd_monitor_model::{ClusterName, Sample};
use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::remote::record::Packer;

const LIMITS: Limits = Limits {
    disk_bytes: 1 << 20,
    memory_bytes: 1 << 20,
    age: i64::MAX,
};

fn batch(at: i64) -> SampleBatch {
    SampleBatch {
        cluster: ClusterName::new("a"),
        member: None,
        at: Timestamp::from_millisecond(at).unwrap(),
        samples: vec![Sample {
            metric: "term".into(),
            peer: None,
            value: at as f64 / 3.0,
        }],
    }
}

fn record(at: i64) -> Record {
    let mut packer = Packer::default();
    packer.push(&batch(at), |_| true);
    packer.finish().unwrap()
}

fn open(folder: &Path, limits: Limits) -> Queue {
    Queue::open(folder, limits).unwrap()
}

/// A queue on disk with the records of these times.
fn filled(folder: &Path, times: std::ops::Range<i64>, limits: Limits) -> Queue {
    let mut queue = open(folder, limits);
    for at in times {
        queue.push(record(at));
        queue.flush().unwrap();
    }
    queue
}

fn take(queue: &mut Queue) -> Option<i64> {
    let taken = queue.take(0, u32::MAX).unwrap()?;
    assert_eq!(taken, [batch(taken[0].at.as_millisecond())]);
    Some(taken[0].at.as_millisecond())
}

fn rest(queue: &mut Queue) -> Vec<i64> {
    std::iter::from_fn(|| take(queue)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|it| it.extension().is_some_and(|it| it == "segment"))
        .collect();
    files.sort();
    files
}

#[test]
fn records_come_in_order_and_again_until_they_are_settled() {
    let folder = TempDir::new().unwrap();
    let mut queue = filled(folder.path(), 0..5, LIMITS);
    assert_eq!((take(&mut queue), take(&mut queue)), (Some(0), Some(1)));
    queue.put_back();
    assert_eq!(queue.samples(), 5);
    assert_eq!((take(&mut queue), take(&mut queue)), (Some(0), Some(1)));
    queue.settle();
    assert_eq!(queue.samples(), 3);
    assert_eq!(rest(&mut queue), [2, 3, 4]);
    queue.settle();
    assert_eq!((queue.samples(), queue.losses()), (0, Losses::default()));
}

#[test]
fn a_restart_goes_on_where_the_last_delivery_ended() {
    let folder = TempDir::new().unwrap();
    let mut queue = filled(folder.path(), 0..5, LIMITS);
    take(&mut queue);
    queue.settle();
    take(&mut queue);
    // Not settled, and nothing closed in any order: as after a kill.
    drop(queue);
    let mut queue = open(folder.path(), LIMITS);
    assert_eq!(queue.samples(), 4);
    queue.push(record(9));
    queue.flush().unwrap();
    assert_eq!(rest(&mut queue), [1, 2, 3, 4, 9]);
    queue.settle();
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn a_record_that_is_too_large_for_the_room_stays() {
    let folder = TempDir::new().unwrap();
    let mut queue = filled(folder.path(), 0..1, LIMITS);
    queue.push(record(1));
    assert_eq!(queue.take(0, 0).unwrap(), None);
    assert_eq!(take(&mut queue), Some(0));
    assert_eq!(queue.take(0, 0).unwrap(), None);
    assert_eq!(take(&mut queue), Some(1));
}

#[test]
fn the_oldest_is_dropped_and_counted_where_the_disk_part_is_full() {
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        disk_bytes: 4096,
        ..LIMITS
    };
    let mut queue = filled(folder.path(), 0..500, limits);
    let on_disk: u64 = files(folder.path())
        .iter()
        .map(|it| fs::metadata(it).unwrap().len())
        .sum();
    assert!(on_disk <= 4096 && on_disk == queue.disk_bytes());
    let kept = rest(&mut queue);
    assert_eq!(kept, (kept[0]..500).collect::<Vec<_>>());
    assert_eq!(queue.losses().full, 500 - kept.len() as u64);
    assert!(kept.len() > 10);
}

#[test]
fn what_is_in_hand_while_its_segment_is_dropped_is_lost_only_when_it_comes_back() {
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        disk_bytes: 4096,
        ..LIMITS
    };
    for delivered in [true, false] {
        let folder = folder.path().join(delivered.to_string());
        let mut queue = filled(&folder, 0..5, limits);
        let in_hand = [take(&mut queue), take(&mut queue)];
        assert_eq!(in_hand, [Some(0), Some(1)]);
        for at in 5..500 {
            queue.push(record(at));
            queue.flush().unwrap();
        }
        if delivered {
            queue.settle();
        } else {
            queue.put_back();
        }
        let kept = queue.samples();
        let sent = if delivered { 2 } else { 0 };
        assert_eq!(queue.losses().full + kept + sent, 500);
        assert_eq!(rest(&mut queue).len() as u64, kept);
    }
}

#[test]
fn what_waited_too_long_is_dropped_and_counted() {
    let folder = TempDir::new().unwrap();
    let limits = Limits { age: 100, ..LIMITS };
    let mut queue = filled(folder.path(), 0..5, limits);
    let taken = queue.take(103, u32::MAX).unwrap().unwrap();
    assert_eq!(taken, [batch(3)]);
    assert_eq!((queue.losses().too_old, queue.samples()), (3, 2));
}

#[test]
fn what_the_disk_does_not_take_waits_in_memory_and_keeps_its_place() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("queue");
    let mut queue = filled(&folder, 0..3, LIMITS);
    let aside = parent.path().join("aside");
    fs::rename(&folder, &aside).unwrap();
    fs::write(&folder, "in the way").unwrap();
    // The file that is written to would still go on; the next one cannot be begun.
    queue.open = None;
    for at in 100..110 {
        queue.push(record(at));
        assert!(queue.flush().is_err());
    }
    assert_eq!(queue.losses().disk_errors, 10);
    fs::remove_file(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    assert_eq!(rest(&mut queue).len(), 13);
    queue.push(record(200));
    queue.flush().unwrap();
    queue.put_back();
    queue.flush().unwrap();
    assert_eq!(queue.memory_bytes(), 0);
    let expected: Vec<_> = (0..3).chain(100..110).chain([200]).collect();
    assert_eq!(rest(&mut queue), expected);
}

#[test]
fn the_oldest_in_memory_is_dropped_and_counted_where_that_is_full() {
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        memory_bytes: 10 * frame::bytes(&record(100)),
        ..LIMITS
    };
    let mut queue = open(folder.path(), limits);
    (100..120).for_each(|at| queue.push(record(at)));
    assert_eq!(queue.losses().memory_full, 10);
    assert_eq!(rest(&mut queue), (110..120).collect::<Vec<_>>());
}

#[test]
fn a_deleted_segment_is_counted_and_the_rest_goes_on() {
    let folder = TempDir::new().unwrap();
    drop(filled(folder.path(), 0..3, LIMITS));
    let mut queue = filled(folder.path(), 3..5, LIMITS);
    fs::remove_file(&files(folder.path())[0]).unwrap();
    assert_eq!(rest(&mut queue), [3, 4]);
    assert_eq!(queue.losses().damaged, 1);
}

#[test]
fn one_process_at_a_time() {
    let folder = TempDir::new().unwrap();
    let _queue = open(folder.path(), LIMITS);
    let second = Queue::open(folder.path(), LIMITS).unwrap_err();
    assert!(matches!(second, RemoteError::QueueInUse { .. }), "{second}");
}

#[test]
fn a_newer_version_is_refused_by_name() {
    for kind in ["segment", "position"] {
        let folder = TempDir::new().unwrap();
        let mut queue = filled(folder.path(), 0..2, LIMITS);
        take(&mut queue);
        queue.settle();
        drop(queue);
        let path = match kind {
            "segment" => files(folder.path()).remove(0),
            _ => folder.path().join("position"),
        };
        let mut content = fs::read(&path).unwrap();
        let at = content.iter().position(|byte| *byte == b'1').unwrap();
        content[at] = b'7';
        fs::write(&path, content).unwrap();
        let refused = Queue::open(folder.path(), LIMITS).unwrap_err();
        let RemoteError::NewerQueue {
            path: named,
            found,
            known,
        } = refused
        else {
            panic!("{refused}");
        };
        assert_eq!((named, found, known), (path, 7, 1));
    }
}

#[test]
fn a_lost_position_sends_all_again() {
    let folder = TempDir::new().unwrap();
    let mut queue = filled(folder.path(), 0..3, LIMITS);
    take(&mut queue);
    queue.settle();
    drop(queue);
    fs::write(folder.path().join("position"), "nonsense").unwrap();
    assert_eq!(rest(&mut open(folder.path(), LIMITS)), [0, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_anywhere_costs_what_it_hits_and_nothing_else(
        at: prop::sample::Index,
        mask in 1_u8..,
        cut: bool,
    ) {
        let folder = TempDir::new().unwrap();
        drop(filled(folder.path(), 0..8, LIMITS));
        let path = files(folder.path()).remove(0);
        let mut content = fs::read(&path).unwrap();
        let at = at.index(content.len());
        if cut {
            content.truncate(at);
        } else {
            content[at] ^= mask;
        }
        fs::write(&path, content).unwrap();
        let mut queue = match Queue::open(folder.path(), LIMITS) {
            Ok(queue) => queue,
            // The digit of the version was hit.
            Err(error) => {
                prop_assert!(matches!(error, RemoteError::NewerQueue { .. }), "{}", error);
                return Ok(());
            }
        };
        queue.push(record(8));
        queue.flush().unwrap();
        let found = rest(&mut queue);
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(found.last(), Some(&8));
        if !cut {
            prop_assert!(found.len() >= 8, "{:?}", found);
            prop_assert_eq!(queue.losses().damaged, u64::from(found.len() == 8));
        }
    }
}
