use std::path::Path;
use std::time::Duration;

use etcd_monitor_model::Point;

use super::*;
use crate::file::{FileStoreOptions, FileStoreWriter, Retention};
use crate::fixture::{batch, points, query};

const BEGIN: i64 = 1_700_000_400;

/// A file that keeps what is written, however old.
fn open(folder: &Path) -> (FileStore, FileStoreWriter) {
    let age = Duration::from_secs(1 << 40);
    let retention = Retention {
        samples: age,
        minutes: age,
        ten_minutes: age,
        ..Retention::default()
    };
    let options = FileStoreOptions::new(folder.join("history.redb")).retention(retention);
    FileStore::open(options).unwrap()
}

/// With a fraction that the file keeps.
fn value(second: i64) -> f64 {
    (second % 1000) as f64 * 0.5
}

fn counting(until: i64) -> Vec<Point> {
    (BEGIN..until)
        .map(|it| Point::sample(Timestamp::from_second(it).unwrap(), value(it)))
        .collect()
}

fn append(store: &dyn HistoryStore, from: i64, until: i64) {
    for second in from..until {
        store.append(&batch(second, &[("index", value(second))]));
    }
}

#[tokio::test]
async fn the_file_gives_what_is_old_and_the_ring_what_is_not_flushed_and_no_point_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (file, writer) = open(folder.path());
    let history = History::in_memory().with_file(file);
    let (flushed, end) = (BEGIN + 6000, BEGIN + 6040);
    append(&history, BEGIN, flushed);
    writer.flush().await.unwrap();
    append(&history, flushed, end);

    let all = query("index", (BEGIN, end), None);
    assert!(points(&history, &all).await.unwrap() == counting(end));
    let newest = query("index", (end - 900, end), None);
    assert_eq!(points(&history, &newest).await.unwrap().len(), 900);
    let few = query("index", (BEGIN, end), Some(7));
    let found = points(&history, &few).await.unwrap();
    assert!(found.len() <= 7);
    assert_eq!(found.iter().map(|it| it.count).sum::<u32>(), 6040);
}

#[tokio::test]
async fn the_ring_answers_alone_where_the_file_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _writer) = open(folder.path());
    let history = History::in_memory().with_file(file.clone());
    append(&history, BEGIN, BEGIN + 100);
    file.file().close();
    let all = query("index", (0, BEGIN + 100), None);
    assert_eq!(points(&history, &all).await.unwrap(), counting(BEGIN + 100));
    assert_eq!(history.series(&all.selector).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_file_a_remote_store_gives_what_is_older_than_the_ring() {
    let remote = Arc::new(MemoryRing::new());
    append(remote.as_ref(), BEGIN, BEGIN + 500);
    let history = History::in_memory().with_remote(remote.clone());
    append(&history, BEGIN + 500, BEGIN + 600);
    let all = query("index", (0, BEGIN + 600), None);
    assert_eq!(points(&history, &all).await.unwrap(), counting(BEGIN + 600));
    assert_eq!(remote.series(&all.selector).await.unwrap().len(), 1);
}
