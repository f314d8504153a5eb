#[cfg(unix)]
mod crash;
mod damage;
mod setback;
#[cfg(unix)]
mod size;

use std::path::PathBuf;

use etcd_monitor_model::{HistoryStore, Point, SampleBatch};
use jiff::Timestamp;
use redb::{ReadableDatabase, ReadableTable};

use super::*;
use crate::fixture::{batch, batch_of, points, query};

/// Where the tests begin: a multiple of ten minutes, in seconds.
const BEGIN: i64 = 1_700_000_400;

struct Folder {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn folder() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.redb");
    Folder {
        _folder: folder,
        file,
    }
}

fn open(folder: &Folder) -> (FileStore, FileStoreWriter) {
    FileStore::open(FileStoreOptions::new(&folder.file).retention(forever())).unwrap()
}

/// The tests write the same times whenever they run.
fn forever() -> Retention {
    let age = std::time::Duration::from_secs(1 << 40);
    Retention {
        samples: age,
        minutes: age,
        ten_minutes: age,
        ..Retention::default()
    }
}

/// Writes as a flush at a time would.
fn write(store: &FileStore, batches: &[SampleBatch], second: i64) {
    let now = Timestamp::from_second(second).unwrap();
    store.file.write(batches, now).unwrap();
}

/// A sample every ten seconds, its value the count of those before it.
fn counting(from: i64, until: i64) -> Vec<SampleBatch> {
    let seconds = (from..until).step_by(10);
    seconds
        .map(|it| batch(it, &[("index", ((it - BEGIN) / 10) as f64), ("term", 7.0)]))
        .collect()
}

fn is_counting(points: &[Point], from: i64, until: i64) {
    let expected: Vec<_> = counting(from, until)
        .iter()
        .map(|it| Point::sample(it.at, it.samples[0].value))
        .collect();
    let wrong = points
        .iter()
        .zip(&expected)
        .find(|(one, other)| one != other);
    assert_eq!((wrong, points.len()), (None, expected.len()));
}

#[tokio::test]
async fn what_is_flushed_is_there_after_a_restart() {
    let folder = folder();
    let (store, writer) = open(&folder);
    let end = BEGIN + 10 * 3600;
    for batch in counting(BEGIN, end) {
        store.append(&batch);
    }
    writer.flush().await.unwrap();
    let all = query("index", (0, 2 * BEGIN), None);
    is_counting(&points(&store, &all).await.unwrap(), BEGIN, end);
    drop((store, writer));

    let (store, _writer) = open(&folder);
    is_counting(&points(&store, &all).await.unwrap(), BEGIN, end);
    let part = query("index", (BEGIN + 100, BEGIN + 7000), None);
    is_counting(
        &points(&store, &part).await.unwrap(),
        BEGIN + 100,
        BEGIN + 7000,
    );
    assert_eq!(store.series(&all.selector).await.unwrap().len(), 1);
    assert_eq!(store.status().failing, None);
}

#[tokio::test]
async fn many_flushes_give_what_one_gives() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    let end = BEGIN + 30 * 3600;
    for second in (BEGIN..end).step_by(600) {
        write(&store, &counting(second, second + 600), second + 600);
    }
    let all = query("index", (0, 2 * BEGIN), None);
    is_counting(&points(&store, &all).await.unwrap(), BEGIN, end);
}

#[tokio::test]
async fn the_writer_stops_when_told_and_writes_what_is_left() {
    let folder = folder();
    let (store, writer) = open(&folder);
    store.append(&batch(BEGIN, &[("index", 0.0)]));
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    writer.run(stop).await;
    let error = points(&store, &query("index", (0, 2 * BEGIN), None)).await;
    assert!(error.is_err(), "the file is closed");

    let (store, _writer) = open(&folder);
    let all = query("index", (0, 2 * BEGIN), None);
    is_counting(&points(&store, &all).await.unwrap(), BEGIN, BEGIN + 10);
}

/// What the file says it uses, and what it uses.
fn sizes(store: &FileStore) -> [[u64; index::SIZES]; 2] {
    let counted = store.file.with_database(|db, index| {
        let measured = index::measure(&db.begin_read()?)?;
        Ok([index.sizes, measured])
    });
    counted.unwrap()
}

#[tokio::test]
async fn the_bytes_in_use_are_counted_right() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    for second in (BEGIN..BEGIN + 5 * 24 * 3600).step_by(3600) {
        write(&store, &counting(second, second + 3600), second + 3600);
    }
    let [counted, measured] = sizes(&store);
    assert_eq!(counted, measured);
}

#[tokio::test]
async fn buckets_of_every_tier_are_exact() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    let value = |second: i64| ((second * 7919) % 1009) as f64 / 8.0;
    let days = 2;
    let end = BEGIN + days * 24 * 3600;
    let seconds: Vec<i64> = (BEGIN..end).step_by(10).collect();
    for hour in seconds.chunks(360) {
        let batches: Vec<_> = hour
            .iter()
            .map(|it| batch_of(1, it * 1000, &[("load", value(*it))]))
            .collect();
        write(&store, &batches, hour[hour.len() - 1]);
    }
    for (width, buckets) in [(60, 2880), (600, 288), (1800, 96)] {
        let query = query("load", (BEGIN, end), Some(buckets));
        let found = points(&store, &query).await.unwrap();
        assert_eq!(found.len(), buckets as usize);
        for point in found {
            let begin = point.at.as_second();
            let values: Vec<f64> = (begin..begin + width).step_by(10).map(value).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert_eq!(point.count as usize, values.len());
            assert_eq!(point.min, values.iter().copied().fold(f64::NAN, f64::min));
            assert_eq!(point.max, values.iter().copied().fold(f64::NAN, f64::max));
            assert!((point.mean - mean).abs() < 1e-9, "{point:?} {mean}");
        }
    }
}
