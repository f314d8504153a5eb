//! Files that are cut, flipped, of another version, or no file of ours.

use std::fs;
use std::path::Path;

use etcd_monitor_model::{HistoryQuery, SeriesSelector};
use futures_util::StreamExt;
use proptest::prelude::*;

use super::*;
use crate::rows::as_kept;

/// Days that the file of these tests holds: blocks of every kind, and rows that are not yet a block.
const DAYS: i64 = 2;
const STEP: i64 = 30;
const MEMBERS: u64 = 2;
const END: i64 = BEGIN + DAYS * 24 * 3600;

/// What was written for a series at a time.
fn value(member: u64, metric: usize, second: i64) -> f64 {
    let count = (second - BEGIN) / STEP;
    let mixed = count.cast_unsigned().wrapping_mul(2_654_435_761) ^ member;
    match metric {
        0 => (count * 17) as f64,
        1 => as_kept((mixed % 10_007) as f64 / 977.0),
        _ => 7.0,
    }
}

/// So many buckets make them half an hour wide.
const DAYS_BUCKETS: u32 = 96;

const METRICS: [&str; 3] = ["index", "load", "term"];

/// A file with several blocks: the bytes of it, made once.
fn whole_file() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| {
        let folder = folder();
        let (store, _writer) = open_short(&folder.file);
        let seconds: Vec<i64> = (BEGIN..END).step_by(30).collect();
        for some in seconds.chunks(190) {
            let of = |second: &i64| {
                let second = *second;
                (1..=MEMBERS).map(move |member| {
                    let samples: Vec<_> = METRICS
                        .iter()
                        .enumerate()
                        .map(|(index, name)| (*name, value(member, index, second)))
                        .collect();
                    batch_of(member, second * 1000, &samples)
                })
            };
            let batches: Vec<_> = some.iter().flat_map(of).collect();
            write(&store, &batches, some[some.len() - 1]);
        }
        store.file.close();
        fs::read(&folder.file).unwrap()
    })
}

/// Samples for a day, then minutes.
fn open_short(file: &Path) -> (FileStore, FileStoreWriter) {
    let retention = Retention {
        samples: std::time::Duration::from_hours(24),
        ..forever()
    };
    FileStore::open(FileStoreOptions::new(file).retention(retention)).unwrap()
}

/// Reads everything in two resolutions, and holds every point to what was written. Gives the count of samples found.
fn check(store: &FileStore) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let fine = check_points(store, None).await;
        check_points(store, Some(DAYS_BUCKETS)).await;
        fine
    })
}

async fn check_points(store: &FileStore, max_points: Option<u32>) -> u64 {
    let query = HistoryQuery {
        selector: SeriesSelector::cluster(etcd_monitor_model::ClusterName::new("a")),
        start: Timestamp::from_second(BEGIN).unwrap(),
        end: Timestamp::from_second(END).unwrap(),
        max_points,
    };
    let Ok(series) = store.query(&query).await else {
        return 0;
    };
    let mut found = 0;
    for mut one in series {
        let member = one.key.member.unwrap().0;
        let metric = METRICS.iter().position(|it| *it == one.key.metric).unwrap();
        // A stream may end with an error; what came before it counts.
        while let Some(Ok(points)) = one.points.next().await {
            for point in points {
                check_point(&point, member, metric, max_points.is_some());
                found += u64::from(point.count);
            }
        }
    }
    found
}

/// A point is a sample, or a whole bucket of a tier; where buckets are joined, some of their samples may be missing.
fn check_point(point: &Point, member: u64, metric: usize, joined: bool) {
    let begin = point.at.as_second();
    assert_eq!((begin - BEGIN) % STEP, 0, "{point:?}");
    let within = |width: i64| -> Vec<f64> {
        let seconds = (begin..(begin + width).min(END)).step_by(30);
        seconds.map(|it| value(member, metric, it)).collect()
    };
    if [STEP, 60, 600, 1800]
        .map(within)
        .iter()
        .any(|it| is_of(point, it))
    {
        return;
    }
    let all = within(1800);
    let some = all.contains(&point.min) && all.contains(&point.max);
    let fits = point.min <= point.mean && point.mean <= point.max;
    let fewer = (point.count as usize) < all.len();
    assert!(joined && some && fits && fewer, "{point:?}");
}

/// True where a point is exactly of these samples.
fn is_of(point: &Point, values: &[f64]) -> bool {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    point.count as usize == values.len()
        && point.min == values.iter().copied().fold(f64::NAN, f64::min)
        && point.max == values.iter().copied().fold(f64::NAN, f64::max)
        && (point.mean - mean).abs() <= mean.abs() * 1e-12
}

#[test]
fn the_whole_file_is_read_whole() {
    let folder = folder();
    fs::write(&folder.file, whole_file()).unwrap();
    let (store, _writer) = open_short(&folder.file);
    let samples = DAYS.cast_unsigned() * 24 * 120 * MEMBERS * METRICS.len() as u64;
    assert_eq!(check(&store), samples);
    assert_eq!(store.status().damaged_blocks, 0);
    let minutes = store
        .stats()
        .into_iter()
        .find(|it| it.labels.contains(&("by", "minutes".to_owned())));
    assert!(minutes.unwrap().value > 0.0, "every tier is in the file");
}

#[derive(Debug, Clone)]
enum Harm {
    Cut(usize),
    Flip(Vec<(usize, u8)>),
    /// A page is that of another place, as after a lost write.
    Copy(usize, usize),
    Zero(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = || 0..whole_file().len();
    prop_oneof![
        1 => at().prop_map(Harm::Cut),
        5 => prop::collection::vec((at(), 1_u8..=255), 1..20).prop_map(Harm::Flip),
        2 => (at(), at()).prop_map(|(from, to)| Harm::Copy(from, to)),
        1 => at().prop_map(Harm::Zero),
        2 => (0_usize..8192, 1_u8..=255).prop_map(|(at, flip)| Harm::Flip(vec![(at, flip)])),
    ]
}

fn harmed(harm: &Harm) -> Vec<u8> {
    const PAGE: usize = 4096;
    let mut bytes = whole_file().to_vec();
    let page = |at: usize| at / PAGE * PAGE..(at / PAGE * PAGE + PAGE).min(whole_file().len());
    match harm {
        Harm::Cut(at) => bytes.truncate(*at),
        Harm::Flip(flips) => {
            for (at, flip) in flips {
                bytes[*at] ^= flip;
            }
        }
        Harm::Copy(from, to) => {
            let copied = bytes[page(*from)].to_vec();
            let to = page(*to);
            let count = copied.len().min(to.len());
            bytes[to][..count].copy_from_slice(&copied[..count]);
        }
        Harm::Zero(at) => bytes[page(*at)].fill(0),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened to the file: no panic, no wrong number, and what is written afterwards is there.
    #[test]
    fn a_harmed_file_gives_what_was_written_or_nothing(harm in harm()) {
        quiet_panics();
        let folder = folder();
        fs::write(&folder.file, harmed(&harm)).unwrap();
        let (store, _writer) = open_short(&folder.file);
        check(&store);
        let later = END + 600;
        let new = batch_of(9, later * 1000, &[("index", 5.0)]);
        write(&store, std::slice::from_ref(&new), later);
        check_others(&store, later);
        prop_assert!(store.status().failing.is_none());
    }
}

/// What was written after the harm is there, and the rest is still no wrong number.
fn check_others(store: &FileStore, later: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let selector = SeriesSelector {
        member: Some(etcd_monitor_model::MemberId(9)),
        ..query("index", (0, 1), None).selector
    };
    let query = HistoryQuery {
        selector,
        ..query("index", (later, later + 1), None)
    };
    let found = runtime.unwrap().block_on(points(store, &query)).unwrap();
    assert_eq!(found.len(), 1);
}

/// redb may panic on a harmed file; that is caught, and its message would only hide those of the test.
fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let of_redb = panic
                .location()
                .is_some_and(|it| it.file().contains("redb"));
            if !of_redb {
                hook(panic);
            }
        }));
    });
}

#[test]
fn a_file_that_is_none_of_ours_is_set_aside_and_named() {
    let folder = folder();
    fs::write(&folder.file, vec![b'x'; 100_000]).unwrap();
    let (store, _writer) = open(&folder);
    let status = store.status();
    let aside = status.set_aside.unwrap();
    assert_eq!(status.set_aside_count, 1);
    assert_eq!(fs::read(&aside.path).unwrap(), vec![b'x'; 100_000]);
    assert!(!aside.reason.is_empty());
    write(&store, &counting(BEGIN, BEGIN + 10), BEGIN);
}

#[test]
fn a_file_of_a_newer_version_is_refused_by_name_and_left_as_it_is() {
    let folder = folder();
    drop(open(&folder));
    let db = redb::Database::create(&folder.file).unwrap();
    let txn = db.begin_write().unwrap();
    let mut meta = txn.open_table(schema::META).unwrap();
    schema::write_numbers(&mut meta, schema::VERSION_RECORD, &[99]).unwrap();
    drop(meta);
    txn.commit().unwrap();
    drop(db);
    let error = FileStore::open(FileStoreOptions::new(&folder.file)).unwrap_err();
    assert!(matches!(error, FileStoreError::Newer { found: 99, .. }));
    assert!(error.to_string().contains("history.redb"), "{error}");
    assert_eq!(
        fs::read_dir(folder.file.parent().unwrap()).unwrap().count(),
        1
    );
}

#[test]
fn a_file_that_is_open_elsewhere_is_refused() {
    let folder = folder();
    let _first = open(&folder);
    let error = FileStore::open(FileStoreOptions::new(&folder.file)).unwrap_err();
    assert!(matches!(error, FileStoreError::Locked { .. }), "{error}");
}

/// A block whose bytes are flipped where redb does not look is dropped, counted once, and the rest stays.
#[test]
fn a_damaged_block_is_dropped_and_counted_once() {
    let folder = folder();
    let (store, _writer) = open_short(&folder.file);
    let end = BEGIN + 6 * 3600;
    write(&store, &counting(BEGIN, end), end);
    store.file.close();
    damage_the_oldest_part(&folder.file);
    let (store, _writer) = open_short(&folder.file);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let all = query("index", (0, 2 * BEGIN), None);
    for _ in 0..3 {
        let found = runtime.block_on(points(&store, &all)).unwrap();
        let samples: Vec<_> = found.iter().filter(|it| it.count == 1).collect();
        let right = |it: &&&Point| it.mean * 10.0 == (it.at.as_second() - BEGIN) as f64;
        assert_eq!(samples.iter().filter(right).count(), samples.len());
        assert!(samples.len() < counting(BEGIN, end).len());
        // Coarser buckets stand in for the oldest samples.
        let all: u32 = found.iter().map(|it| it.count).sum();
        assert_eq!(all as usize, counting(BEGIN, end).len());
        write(&store, &[], end);
    }
    assert_eq!(store.status().damaged_blocks, 1);
}

/// Damages the times of the oldest block of samples.
fn damage_the_oldest_part(file: &Path) {
    let db = redb::Database::create(file).unwrap();
    let txn = db.begin_write().unwrap();
    let mut parts = txn.open_table(schema::PARTS).unwrap();
    let (key, mut bytes) = {
        let (key, bytes) = parts.first().unwrap().unwrap();
        (key.value(), bytes.value().to_vec())
    };
    bytes[30] ^= 1;
    parts.insert(key, bytes.as_slice()).unwrap();
    drop(parts);
    txn.commit().unwrap();
}
