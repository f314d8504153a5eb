//! What is read back is what was written.

use std::sync::Arc;

use etcd_monitor_history::{PrometheusQuery, PrometheusQueryOptions, RemoteHistory};
use etcd_monitor_model::{
    HistoryError, HistoryQuery, HistoryStore, MemberId, Point, Sample, SampleBatch, SeriesKey,
    SeriesSelector,
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::fake::Fake;
use crate::samples::{LIMIT, Running, all_of, batch, batches, cluster, points, quick, ring};
use crate::server::{Kind, Server, until};

/// A store that has the batches, to be asked.
async fn stored(server: &Server, batches: &[SampleBatch]) -> RemoteHistory {
    let folder = TempDir::new().unwrap();
    let running = Running::start(quick(server.write_url(), folder.path()));
    let write = Arc::clone(&running.write);
    let read = PrometheusQuery::new(PrometheusQueryOptions::new(server.url())).unwrap();
    let history = RemoteHistory::new(write, Some(read));
    for batch in batches {
        history.append(batch);
    }
    let samples: usize = batches.iter().map(|it| it.samples.len()).sum();
    until(LIMIT, "all is sent", async || {
        (running.stat("sent_samples_total") == samples as u64).then_some(())
    })
    .await;
    running.stop().await;
    server.settle().await;
    history
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs().max(other.abs()) * 1e-12
}

/// The same points; the means as near as sums in another order are.
fn assert_same(found: &[(SeriesKey, Vec<Point>)], expected: &[(SeriesKey, Vec<Point>)]) {
    let keys =
        |all: &[(SeriesKey, Vec<Point>)]| all.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(keys(found), keys(expected));
    for ((key, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{key:?}");
        for (one, other) in found.iter().zip(expected) {
            let exact = |point: &Point| {
                (
                    point.at,
                    point.min.to_bits(),
                    point.max.to_bits(),
                    point.count,
                )
            };
            assert_eq!(exact(one), exact(other), "{key:?}");
            assert!(close(one.mean, other.mean), "{key:?}: {one:?} {other:?}");
        }
    }
}

async fn answers_as_the_ring(kind: Kind) {
    let Some(server) = Server::start(kind).await else {
        return;
    };
    let mut batches = batches(600);
    for batch in &mut batches[901..] {
        // A member that is renamed is the same, wherever in a bucket that was.
        "renamed".clone_into(&mut batch.member.as_mut().unwrap().name);
    }
    let ring = ring(&batches);
    let remote = stored(&server, &batches).await;
    let everything = SeriesSelector::cluster(cluster());
    let series = ring.series(&everything).await.unwrap();
    assert_eq!(remote.series(&everything).await.unwrap(), series);
    assert_eq!(series.len(), 9);
    let raw = points(ring.query(&all_of(&batches, None)).await).await;
    for max_points in [0, 1000, 600, 599, 150, 7, 1] {
        let query = all_of(&batches, (max_points > 0).then_some(max_points));
        let found = points(remote.query(&query).await).await;
        assert_same(&found, &in_buckets(&raw, &query));
    }
    // Samples at the first and at the last millisecond of buckets.
    for shift in [0, 1, 999] {
        let start = batches[0].at + SignedDuration::from_millis(shift);
        let query = HistoryQuery {
            selector: SeriesSelector {
                member: Some(MemberId(2)),
                peer: Some(MemberId(0xff)),
                ..SeriesSelector::metric(cluster(), "round_trip_seconds")
            },
            start,
            end: start + SignedDuration::from_secs(300),
            max_points: Some(100),
        };
        let expected = points(ring.query(&query).await).await;
        assert_eq!(expected.len(), 1);
        assert_same(&points(remote.query(&query).await).await, &expected);
    }
}

/// The samples cut into buckets of whole seconds where they are too many.
fn in_buckets(
    raw: &[(SeriesKey, Vec<Point>)],
    query: &HistoryQuery,
) -> Vec<(SeriesKey, Vec<Point>)> {
    let (start, end) = (query.start.as_millisecond(), query.end.as_millisecond());
    let cut = |points: &Vec<Point>| {
        let most = i64::from(query.max_points.unwrap_or(u32::MAX));
        if points.len() <= usize::try_from(most).unwrap() {
            return points.clone();
        }
        let width = (end - start + most * 1000 - 1) / (most * 1000) * 1000;
        let number = |point: &Point| (point.at.as_millisecond() - start) / width;
        let buckets = points.chunk_by(|one, other| number(one) == number(other));
        let bucket = |samples: &[Point]| Point {
            at: query.start + SignedDuration::from_millis(number(&samples[0]) * width),
            min: samples.iter().map(|it| it.min).fold(f64::MAX, f64::min),
            max: samples.iter().map(|it| it.max).fold(f64::MIN, f64::max),
            mean: samples.iter().map(|it| it.mean).sum::<f64>() / samples.len() as f64,
            count: u32::try_from(samples.len()).unwrap(),
        };
        buckets.map(bucket).collect()
    };
    let all = raw.iter();
    all.map(|(key, points)| (key.clone(), cut(points)))
        .collect()
}

#[tokio::test]
async fn victoria_metrics_answers_as_the_ring() {
    answers_as_the_ring(Kind::VictoriaMetrics).await;
}

#[tokio::test]
async fn prometheus_answers_as_the_ring() {
    answers_as_the_ring(Kind::Prometheus).await;
}

/// Values that are hard to keep.
const HARD: [f64; 7] = [
    -0.5,
    0.1,
    1e-9,
    9_007_199_254_740_993.0,
    1.0 / 3.0,
    f64::MIN_POSITIVE,
    f64::MAX,
];

/// Values as one series of ours has them: fractions of a second.
const FRACTIONS: [f64; 6] = [0.0, 0.000_125, 0.1, 1.0 / 3.0, 12.345_678_9, 1e-6];

/// Whole numbers as one series of ours has them: bytes, indexes.
const WHOLE: [f64; 5] = [0.0, 1.0, 4096.0, 2_147_483_648.0, 999_999_999_999.0];

/// The values, a second apart, as they are read back.
async fn read_back(server: &Server, metric: &'static str, values: &[f64]) -> Vec<f64> {
    let begin = Timestamp::now().as_millisecond() - 9_999;
    let times = (0..).map(|number| Timestamp::from_millisecond(begin + number * 1000).unwrap());
    let batches = times.zip(values).map(|(at, value)| SampleBatch {
        member: None,
        samples: vec![Sample {
            metric: metric.into(),
            peer: None,
            value: *value,
        }],
        ..batch(1, at, 0.0)
    });
    let batches: Vec<_> = batches.collect();
    let remote = stored(server, &batches).await;
    let query = HistoryQuery {
        selector: SeriesSelector::metric(cluster(), metric),
        ..all_of(&batches, None)
    };
    let found = points(remote.query(&query).await).await;
    assert_eq!(found.len(), 1);
    let times: Vec<_> = found[0].1.iter().map(|it| it.at).collect();
    assert_eq!(times, batches.iter().map(|it| it.at).collect::<Vec<_>>());
    found[0].1.iter().map(|it| it.mean).collect()
}

#[tokio::test]
async fn prometheus_keeps_values_to_the_bit() {
    if let Some(server) = Server::start(Kind::Prometheus).await {
        let found = read_back(&server, "hard", &HARD).await;
        assert_eq!(bits(&found), bits(&HARD));
    }
}

/// It keeps decimal numbers, of one exponent for a block.
#[tokio::test]
async fn victoria_metrics_keeps_whole_numbers_and_twelve_digits_of_fractions() {
    if let Some(server) = Server::start(Kind::VictoriaMetrics).await {
        let whole = read_back(&server, "whole", &WHOLE).await;
        assert_eq!(bits(&whole), bits(&WHOLE));
        let fractions = read_back(&server, "fractions", &FRACTIONS).await;
        for (found, written) in fractions.iter().zip(FRACTIONS) {
            assert!(close(*found, written), "{found:e} {written:e}");
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|it| it.to_bits()).collect()
}

async fn failure(answer: (u16, &'static str)) -> HistoryError {
    let fake = Fake::start(move |_| answer.into()).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = PrometheusQueryOptions::new(fake.url());
    options.answer_bytes_max = 1000;
    let read = PrometheusQuery::new(options).unwrap();
    let query = all_of(&batches(2), None);
    read.query(&query).await.unwrap_err()
}

#[tokio::test]
async fn failures_are_told_apart() {
    let refused = failure((
        422,
        r#"{"status":"error","error":"too many\u001b[2J samples"}"#,
    ))
    .await;
    let HistoryError::BadQuery(reason) = refused else {
        panic!("{refused}");
    };
    assert!(reason.contains("too many [2J samples"), "{reason}");
    for answer in [(503, ""), (401, ""), (200, "no JSON"), (302, "")] {
        let unavailable = failure(answer).await;
        assert!(
            matches!(unavailable, HistoryError::Unavailable(_)),
            "{unavailable}"
        );
    }
    let large = Box::leak(" ".repeat(1001).into_boxed_str());
    let too_large = failure((200, large)).await;
    assert!(
        matches!(too_large, HistoryError::BadQuery(_)),
        "{too_large}"
    );
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up() {
    let fake = Fake::silent().await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = PrometheusQueryOptions::new(fake.url());
    options.timeout = std::time::Duration::from_millis(100);
    let read = PrometheusQuery::new(options).unwrap();
    let unavailable = read.query(&all_of(&batches(2), None)).await.unwrap_err();
    assert!(
        matches!(unavailable, HistoryError::Unavailable(_)),
        "{unavailable}"
    );
}
