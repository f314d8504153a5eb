use futures_util::StreamExt;
use jiff::Timestamp;

use super::*;
use crate::fixture::batch;

async fn ask(ring: &MemoryRing, metric: &str, max_points: Option<u32>) -> Vec<Point> {
    let query = HistoryQuery {
        selector: SeriesSelector::metric(ClusterName::new("a"), metric),
        start: Timestamp::UNIX_EPOCH,
        end: Timestamp::from_second(1_000_000).unwrap(),
        max_points,
    };
    let mut points = Vec::new();
    for series in ring.query(&query).await.unwrap() {
        for chunk in series.points.collect::<Vec<_>>().await {
            points.extend(chunk.unwrap());
        }
    }
    points
}

fn count_of(ring: &MemoryRing, name: &str) -> f64 {
    let stats = ring.stats();
    stats.iter().find(|it| it.name == name).unwrap().value
}

#[tokio::test]
async fn a_thousand_samples_of_every_series_stay_and_little_more() {
    let ring = MemoryRing::new();
    for second in 0..5000 {
        ring.append(&batch(second, &[("term", 7.0), ("index", second as f64)]));
    }
    let points = ask(&ring, "index", None).await;
    assert!(
        (RING_SAMPLES..=RING_SAMPLES + CHUNK_ROWS).contains(&points.len()),
        "{}",
        points.len()
    );
    assert_eq!(points.last().unwrap().mean, 4999.0);
    assert!(
        points
            .windows(2)
            .all(|pair| pair[1].mean - pair[0].mean == 1.0)
    );
    assert!(ask(&ring, "index", Some(100)).await.len() <= 100);
}

#[tokio::test]
async fn what_was_not_measured_is_no_point() {
    let ring = MemoryRing::new();
    for second in 0..300 {
        let samples = [("term", 7.0), ("rate_per_second", 0.5)];
        ring.append(&batch(
            second,
            &samples[..if second % 3 == 0 { 2 } else { 1 }],
        ));
    }
    assert_eq!(ask(&ring, "rate_per_second", None).await.len(), 100);
    assert_eq!(ask(&ring, "term", None).await.len(), 300);
}

#[tokio::test]
async fn a_sample_from_the_past_or_without_a_number_is_dropped_and_counted() {
    let ring = MemoryRing::new();
    ring.append(&batch(
        10,
        &[("term", 7.0), ("rate_per_second", f64::INFINITY)],
    ));
    ring.append(&batch(9, &[("term", 6.0)]));
    assert_eq!(ask(&ring, "term", None).await.len(), 1);
    assert_eq!(ask(&ring, "rate_per_second", None).await.len(), 0);
    assert_eq!(
        count_of(&ring, "etcd_monitor_history_ring_dropped_samples_total"),
        2.0
    );
}

#[tokio::test]
async fn series_of_one_member_and_members_of_a_ring_are_limited() {
    let ring = MemoryRing::new();
    let mut many = batch(1, &[]);
    for peer in 0..SERIES_MAX as u64 + 5 {
        many.samples.push(Sample {
            metric: "round_trip_seconds".into(),
            peer: Some(MemberId(peer)),
            value: 1.0,
        });
    }
    ring.append(&many);
    assert_eq!(
        count_of(&ring, "etcd_monitor_history_ring_series"),
        SERIES_MAX as f64
    );
    assert_eq!(
        count_of(&ring, "etcd_monitor_history_ring_dropped_samples_total"),
        5.0
    );

    for member in 0..GROUPS_MAX as u64 + 3 {
        let mut one = batch(2, &[("term", 1.0)]);
        one.member.as_mut().unwrap().id = MemberId(member + 100);
        ring.append(&one);
    }
    assert_eq!(ring.lock().groups.len(), GROUPS_MAX);
}

#[tokio::test]
async fn a_member_that_is_long_gone_makes_room() {
    let ring = MemoryRing::new();
    ring.append(&batch(1, &[("term", 1.0)]));
    let mut other = batch(2 * 24 * 3600, &[("term", 2.0)]);
    other.member = None;
    ring.append(&other);
    assert_eq!(ring.lock().groups.len(), 1);
}

#[tokio::test]
async fn an_impossible_range_is_a_bad_query() {
    let query = HistoryQuery {
        selector: SeriesSelector::cluster(ClusterName::new("a")),
        start: Timestamp::from_second(2).unwrap(),
        end: Timestamp::from_second(1).unwrap(),
        max_points: None,
    };
    let error = MemoryRing::new().query(&query).await.unwrap_err();
    assert!(matches!(error, HistoryError::BadQuery(_)), "{error}");
}

#[tokio::test]
async fn after_a_clock_that_was_ahead_the_ring_goes_on_and_keeps_what_is_from_before() {
    for (from_before, ahead) in [(10, 1), (500, 1), (600, 300)] {
        let ring = MemoryRing::new();
        let append = |from: i64, until: i64| {
            for second in from..until {
                ring.append(&batch(second, &[("index", second as f64)]));
            }
        };
        append(0, from_before);
        append(1_000_000 - ahead, 1_000_000);
        let back = from_before + ahead;
        append(back, back + 300);
        let seconds: Vec<i64> = ask(&ring, "index", None)
            .await
            .iter()
            .map(|it| it.at.as_second())
            .collect();
        // Two batches said that the clock is back.
        let expected: Vec<i64> = (0..from_before).chain(back + 2..back + 300).collect();
        assert_eq!(seconds, expected);
        assert_eq!(
            count_of(&ring, "etcd_monitor_history_ring_dropped_samples_total"),
            2.0
        );
    }
}
