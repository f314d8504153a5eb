//! What the tests of several stores share.

use etcd_monitor_model::{
    ClusterName, HistoryError, HistoryQuery, HistoryStore, MemberId, Point, Sample, SampleBatch,
    SampledMember, SeriesPoints, SeriesSelector,
};
use futures_util::StreamExt;
use jiff::Timestamp;

/// What one member of cluster `a` gave in a second.
pub(crate) fn batch(second: i64, samples: &[(&'static str, f64)]) -> SampleBatch {
    batch_of(1, second * 1000, samples)
}

/// What a member of cluster `a` gave, at a Unix time in milliseconds.
pub(crate) fn batch_of(member: u64, at: i64, samples: &[(&'static str, f64)]) -> SampleBatch {
    let sample = |(metric, value): &(&'static str, f64)| Sample {
        metric: (*metric).into(),
        peer: None,
        value: *value,
    };
    SampleBatch {
        cluster: ClusterName::new("a"),
        member: Some(SampledMember {
            id: MemberId(member),
            name: format!("m{member}"),
        }),
        at: Timestamp::from_millisecond(at).unwrap(),
        samples: samples.iter().map(sample).collect(),
    }
}

/// A query for a metric of cluster `a`, between two seconds.
pub(crate) fn query(
    metric: &str,
    (start, end): (i64, i64),
    max_points: Option<u32>,
) -> HistoryQuery {
    HistoryQuery {
        selector: SeriesSelector::metric(ClusterName::new("a"), metric),
        start: Timestamp::from_second(start).unwrap(),
        end: Timestamp::from_second(end).unwrap(),
        max_points,
    }
}

/// The points of the one series that a query finds; none where it finds no series.
pub(crate) async fn points(
    store: &dyn HistoryStore,
    query: &HistoryQuery,
) -> Result<Vec<Point>, HistoryError> {
    let mut series = store.query(query).await?;
    assert!(series.len() < 2, "{series:?}");
    match series.pop() {
        Some(one) => collect(one).await,
        None => Ok(Vec::new()),
    }
}

/// Every point of a series.
pub(crate) async fn collect(series: SeriesPoints) -> Result<Vec<Point>, HistoryError> {
    let chunks: Vec<_> = series.points.collect().await;
    let mut points = Vec::new();
    for chunk in chunks {
        points.extend(chunk?);
    }
    Ok(points)
}
