//! Points of the past: what the store of samples keeps.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_model::{
    ClusterName, HistoryError, HistoryQuery, HistoryStore, MemberId, MetricUnit, Point, SeriesKey,
    SeriesPoints, SeriesSelector, Snapshot,
};
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::openapi::HistoryOfOneCluster;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// Points of a series where the query does not say.
const POINTS_DEFAULT: u32 = 1_000;

/// The most points of a series that are answered.
const POINTS_MAX: u32 = 10_000;

/// Where the query does not say: the last hour.
const SPAN_DEFAULT: SignedDuration = SignedDuration::from_hours(1);

/// The most series of one answer: one metric of a cluster has a series for each member, or for each link.
const SERIES_MAX: usize = 1_000;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The name of a cluster. Left out: the only one.
    cluster: Option<String>,
    /// The name of a metric, as the series have it. Left out: all.
    #[param(example = "wal_fsync_p99_seconds")]
    metric: Option<String>,
    /// The id of a member. Left out: all.
    #[param(pattern = "^[0-9a-fA-F]{1,16}$")]
    member: Option<String>,
    /// The first moment, as RFC 3339 or Unix seconds. Left out: an hour before the end.
    start: Option<String>,
    /// The last moment, likewise. Left out: now.
    end: Option<String>,
    /// The most points of a series; beyond them a point is a bucket.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    max_points: Option<u32>,
}

/// Series of one cluster.
#[derive(Serialize, ToSchema)]
struct HistoryDocument {
    cluster: ClusterName,
    series: Vec<Series>,
}

/// One series.
#[derive(Serialize, ToSchema)]
struct Series {
    /// The metric.
    name: String,
    labels: Labels,
    /// What a value is: `seconds`, `bytes`, …
    unit: &'static str,
    /// Oldest first. A point is `[unix seconds, value]`, or of a bucket `[unix seconds, mean, min, max]`.
    points: Vec<Vec<f64>>,
}

/// Whose series it is; names as they are now, where the ids are known.
#[derive(Serialize, ToSchema)]
pub(super) struct Labels {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    member_id: Option<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    peer_id: Option<MemberId>,
}

/// Points of the past.
///
/// What was not measured is not there.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/history",
    tag = "Metrics",
    params(Wanted),
    responses(
        (status = 200, description = "The series that have points in that time, at most 1,000", body = HistoryDocument),
        HistoryOfOneCluster,
    )
)]
pub(crate) async fn history(
    State(source): State<Source>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let (cluster, snapshots) = source.select(wanted.cluster.as_deref())?;
    let query = query(&wanted, cluster.clone(), Timestamp::now())?;
    let store = source.history().ok_or_else(Problem::no_history)?;
    let answered = answer(store, &query).await.map_err(problem)?;
    let latest = snapshots.borrow().clone();
    let series = answered
        .into_iter()
        .map(|(key, points)| Series::of(&key, &points, latest.as_deref()));
    let document = HistoryDocument {
        cluster,
        series: series.collect(),
    };
    Ok(Json(document).into_response())
}

fn query(wanted: &Wanted, cluster: ClusterName, now: Timestamp) -> Result<HistoryQuery, Problem> {
    let mut selector = SeriesSelector::cluster(cluster);
    selector.metric.clone_from(&wanted.metric);
    let member = wanted.member.as_deref().map(MemberId::from_str);
    selector.member = member
        .transpose()
        .map_err(|error| Problem::bad_query(&format!("member: {error}")))?;
    let end = time("end", wanted.end.as_deref())?.unwrap_or(now);
    let start = match time("start", wanted.start.as_deref())? {
        Some(start) => start,
        None => end
            .checked_sub(SPAN_DEFAULT)
            .map_err(|_| Problem::bad_query("end: before any time"))?,
    };
    let max_points = wanted.max_points.unwrap_or(POINTS_DEFAULT);
    if !(1..=POINTS_MAX).contains(&max_points) {
        let reason = format!("max_points: {max_points} is not between 1 and {POINTS_MAX}");
        return Err(Problem::bad_query(&reason));
    }
    Ok(HistoryQuery {
        selector,
        start,
        end,
        max_points: Some(max_points),
    })
}

/// RFC 3339, or Unix seconds.
pub(super) fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let seconds = text.parse::<f64>().ok();
    let duration = seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
    let from_seconds = duration.and_then(|it| Timestamp::from_duration(it).ok());
    let read = from_seconds.or_else(|| text.parse().ok());
    let wrong =
        || format!("{name}: {text:?} is neither RFC 3339 (2026-01-31T12:00:00Z) nor Unix seconds");
    read.map(Some).ok_or_else(|| Problem::bad_query(&wrong()))
}

/// The points of every series, read whole: each has at most as many as were asked for.
pub(super) async fn answer(
    store: &Arc<dyn HistoryStore>,
    query: &HistoryQuery,
) -> Result<Vec<(SeriesKey, Vec<Point>)>, HistoryError> {
    let mut answered = Vec::new();
    for SeriesPoints { key, points } in store.query(query).await?.into_iter().take(SERIES_MAX) {
        let points: Vec<Vec<Point>> = points.try_collect().await?;
        let points = points.concat();
        if !points.is_empty() {
            answered.push((key, points));
        }
    }
    Ok(answered)
}

pub(super) fn problem(error: HistoryError) -> Problem {
    match error {
        HistoryError::BadQuery(reason) => Problem::bad_query(&reason),
        error => Problem::history_unavailable(&error.to_string()),
    }
}

impl Labels {
    pub(super) fn of(key: &SeriesKey, latest: Option<&Snapshot>) -> Self {
        let name_of = |id: MemberId| {
            let mut members = latest?.members.iter();
            let known = members.find(|member| member.id == Some(id))?;
            Some(known.name.clone())
        };
        Self {
            member: key.member.and_then(name_of),
            member_id: key.member,
            peer: key.peer.and_then(name_of),
            peer_id: key.peer,
        }
    }
}

impl Series {
    fn of(key: &SeriesKey, points: &[Point], latest: Option<&Snapshot>) -> Self {
        Self {
            name: key.metric.to_string(),
            labels: Labels::of(key, latest),
            unit: MetricUnit::of(&key.metric).as_str(),
            points: points.iter().map(numbers).collect(),
        }
    }
}

fn numbers(point: &Point) -> Vec<f64> {
    let at = point.at.as_millisecond() as f64 / 1e3;
    if point.count == 1 {
        vec![at, point.mean]
    } else {
        vec![at, point.mean, point.min, point.max]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_or_unix_seconds() {
        let at = |text| time("start", Some(text)).unwrap().unwrap();
        assert_eq!(at("1700000000.5").as_millisecond(), 1_700_000_000_500);
        assert_eq!(at("2023-11-14T22:13:20Z").as_second(), 1_700_000_000);
        for wrong in ["yesterday", "NaN", "1e300", ""] {
            assert!(time("start", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bucket_has_mean_min_and_max() {
        let at = Timestamp::from_second(10).unwrap();
        assert_eq!(numbers(&Point::sample(at, 2.0)), [10.0, 2.0]);
        let bucket = Point {
            count: 3,
            min: 1.0,
            max: 4.0,
            ..Point::sample(at, 2.0)
        };
        assert_eq!(numbers(&bucket), [10.0, 2.0, 1.0, 4.0]);
    }
}
