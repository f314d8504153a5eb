//! What the file keeps when it may not grow, measured on the disk, and readers beside a writer.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::file::sample_file::allocated_bytes;

const LIMIT: u64 = 4 << 20;
const DAY: i64 = 24 * 3600;
const DAYS: i64 = 30;
const STEP: i64 = 120;

/// Noise that does not compress, and is kept exactly.
fn noise(series: u64, second: i64) -> f64 {
    let mixed = (second.cast_unsigned() * 64 + series).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 31)) >> 12) as f64
}

fn noisy(member: u64, second: i64) -> SampleBatch {
    const NAMES: [&str; 12] = [
        "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11",
    ];
    let mut series = 0;
    let samples = NAMES.map(|it| {
        series += 1;
        (it, noise(series, second))
    });
    batch_of(member, second * 1000, &samples)
}

fn open_small(folder: &Folder) -> (FileStore, FileStoreWriter) {
    let retention = Retention {
        bytes: LIMIT,
        ..Retention::default()
    };
    FileStore::open(FileStoreOptions::new(&folder.file).retention(retention)).unwrap()
}

async fn of_one(store: &FileStore, range: (i64, i64)) -> Vec<Point> {
    let mut query = query("n0", range, None);
    query.selector.member = Some(etcd_monitor_model::MemberId(1));
    points(store, &query).await.unwrap()
}

#[tokio::test]
async fn what_is_allocated_stays_under_its_limit_and_the_newest_stays() {
    let folder = folder();
    let (store, _writer) = open_small(&folder);
    let end = BEGIN + DAYS * DAY;
    let seconds: Vec<i64> = (BEGIN..end).step_by(120).collect();
    let mut most = 0;
    for some in seconds.chunks(60) {
        let batches: Vec<_> = some
            .iter()
            .flat_map(|second| [1, 2, 3].map(|member| noisy(member, *second)))
            .collect();
        write(&store, &batches, some[some.len() - 1]);
        let allocated = allocated_bytes(&folder.file);
        most = most.max(allocated);
    }
    assert!(most <= LIMIT, "{most}");
    assert!(most > LIMIT / 2, "the limit was never near: {most}");

    let day = of_one(&store, (end - DAY / 2, end)).await;
    let exact = |it: &&Point| it.count == 1 && it.mean == noise(1, it.at.as_second());
    let day_samples = usize::try_from(DAY / 2 / STEP).unwrap();
    assert_eq!(day.iter().filter(exact).count(), day_samples);
    let all = of_one(&store, (BEGIN, end)).await;
    let samples: i64 = all.iter().map(|it| i64::from(it.count)).sum();
    assert!(
        samples > DAYS * DAY / STEP / 2,
        "coarser buckets keep what is older: {samples}"
    );
    assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at));
}

#[tokio::test]
async fn a_file_above_a_lower_limit_is_made_smaller() {
    let folder = folder();
    let (store, writer) = open(&folder);
    let end = BEGIN + 12 * DAY;
    let seconds: Vec<i64> = (BEGIN..end).step_by(120).collect();
    for some in seconds.chunks(500) {
        let batches: Vec<_> = some
            .iter()
            .flat_map(|second| [1, 2, 3, 4, 5, 6, 7, 8, 9].map(|member| noisy(member, *second)))
            .collect();
        write(&store, &batches, some[some.len() - 1]);
    }
    drop((store, writer));
    let before = allocated_bytes(&folder.file);
    assert!(before > LIMIT + LIMIT / 4, "{before}");

    let (store, _writer) = open_small(&folder);
    for flush in 0..20 {
        write(&store, &[noisy(1, end + flush * 30)], end + flush * 30);
    }
    let after = allocated_bytes(&folder.file);
    assert!(after <= LIMIT, "{before} before, {after} after");
    let newest = of_one(&store, (end - 3600, end)).await;
    assert_eq!(newest.len(), 30);
}

#[test]
fn readers_see_whole_prefixes_while_a_writer_writes() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    let end = BEGIN + 40 * 3600;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    let all = query("index", (0, 2 * BEGIN), None);
                    let (mut reads, mut longest) = (0, 0);
                    while !done.load(Ordering::Relaxed) {
                        let found = runtime.block_on(points(&store, &all)).unwrap();
                        let count = i64::try_from(found.len()).unwrap();
                        is_counting(&found, BEGIN, BEGIN + count * 10);
                        assert!(found.len() >= longest, "what was there is gone");
                        longest = found.len();
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for second in (BEGIN..end).step_by(300) {
            write(&store, &counting(second, second + 300), second + 300);
        }
        done.store(true, Ordering::Relaxed);
        let reads: u32 = readers.into_iter().map(|it| it.join().unwrap()).sum();
        assert!(reads > 10, "{reads}");
    });
}
