//! Trends of the past: a window against the one before it, and when the quota will be reached.

pub(super) mod overview;

use std::ops::Range;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_core::trend::{
    Comparison, Forecast, ForecastLimits, compare_windows, forecast_quota,
};
use etcd_monitor_model::{
    ClusterName, HistoryQuery, MemberSnapshot, Point, SeriesSelector, Snapshot,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::history::{Labels, answer, problem, time};
use crate::openapi::{HistoryAfterTheFirstCycle, HistoryOfOneCluster};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// Compared where the query does not say: the last hour with the hour before it.
const WINDOW_DEFAULT_SECONDS: f64 = 3_600.0;

/// Shorter has too few samples; longer than a month is beyond what is kept as measured.
const WINDOW_SECONDS: std::ops::RangeInclusive<f64> = 60.0..=2_678_400.0;

/// Points of each window: beyond them a point is a mean.
const WINDOW_POINTS: u32 = 1_000;

/// A quantile is over the last five minutes, so that nearer ones share what they are made of; the test wants values that do
/// not.
const QUANTILE_SECONDS: f64 = 300.0;

/// A later window is slower where its median is half as large again, which people notice...
const ROSE_RATIO: f64 = 1.5;

/// ...and chance explains it less often than once in a thousand.
const ROSE_P: f64 = 0.001;

/// The forecast looks back so far: a week has every day of one.
const FORECAST_SPAN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Points of a forecast: the robust slope looks at every pair of them.
const FORECAST_POINTS: u32 = 300;

/// A fall of the allocated file by more than this share is a defragmentation, as in `assess`.
const DEFRAG_SHARE: f64 = 0.1;

/// What is compared.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The name of a cluster. Left out: the only one.
    cluster: Option<String>,
    /// The name of a metric, as the series of the history have it.
    #[param(example = "wal_fsync_p99_seconds")]
    metric: String,
    /// How long each of the two windows is, in seconds.
    #[param(minimum = 60, maximum = 2_678_400, default = 3_600)]
    window_seconds: Option<f64>,
    /// When the later window ends, as RFC 3339 or Unix seconds. Left out: now.
    end: Option<String>,
}

/// Series of one metric, compared.
#[derive(Serialize, ToSchema)]
struct ComparisonDocument {
    cluster: ClusterName,
    metric: String,
    /// How long each of the two windows is, in seconds.
    window_seconds: f64,
    /// When the later window ends.
    end: Timestamp,
    /// What is computed, in words.
    statistic: &'static str,
    series: Vec<ComparedSeries>,
}

/// One series.
#[derive(Serialize, ToSchema)]
struct ComparedSeries {
    labels: Labels,
    /// Null where a window has too few points.
    comparison: Option<ComparisonLine>,
}

/// What the two windows say.
#[derive(Serialize, ToSchema)]
struct ComparisonLine {
    /// Points of the earlier window.
    samples_before: usize,
    /// Points of the later window.
    samples_after: usize,
    /// Median of the earlier window.
    median_before: f64,
    /// Median of the later window.
    median_after: f64,
    /// The later median by the earlier one; null where that is zero.
    ratio: Option<f64>,
    /// The probability that chance explains the difference.
    #[schema(minimum = 0, maximum = 1)]
    p_value: f64,
    /// Whether the later window is higher than chance explains.
    rose: bool,
}

impl From<Comparison> for ComparisonLine {
    fn from(comparison: Comparison) -> Self {
        Self {
            samples_before: comparison.before.n,
            samples_after: comparison.after.n,
            median_before: comparison.before.median,
            median_after: comparison.after.median,
            ratio: comparison.ratio,
            p_value: comparison.p_value,
            rose: comparison.rose(ROSE_RATIO, ROSE_P),
        }
    }
}

const STATISTIC: &str = "medians; p_value of a two-sided Mann-Whitney U test (normal approximation, corrected for ties); rose: ratio >= 1.5 and p_value < 0.001";

/// Each series of a metric in a window of time against the window before it.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/compare",
    tag = "Metrics",
    params(Wanted),
    responses(
        (status = 200, description = "The comparison", body = ComparisonDocument),
        HistoryOfOneCluster,
    )
)]
pub(crate) async fn compare(
    State(source): State<Source>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let (cluster, snapshots) = source.select(wanted.cluster.as_deref())?;
    let end = time("end", wanted.end.as_deref())?.unwrap_or_else(Timestamp::now);
    let windows = Windows::before(end, wanted.window_seconds)?;
    let latest = snapshots.borrow().clone();
    let latest = latest.as_deref();
    let series = compared(&source, &cluster, &wanted.metric, &windows, latest).await?;
    let document = ComparisonDocument {
        cluster,
        metric: wanted.metric,
        window_seconds: windows.seconds,
        end,
        statistic: STATISTIC,
        series,
    };
    Ok(Json(document).into_response())
}

/// Each series of a metric, the later window against the one before it.
async fn compared(
    source: &Source,
    cluster: &ClusterName,
    metric: &str,
    windows: &Windows,
    latest: Option<&Snapshot>,
) -> Result<Vec<ComparedSeries>, Problem> {
    let store = source.history().ok_or_else(Problem::no_history)?;
    let Windows {
        seconds,
        before,
        after,
    } = windows;
    let query = HistoryQuery {
        selector: SeriesSelector::metric(cluster.clone(), metric),
        start: before.start,
        end: after.end,
        max_points: Some(2 * points_of_window(metric, *seconds)),
    };
    let answered = answer(store, &query).await.map_err(problem)?;
    let series = answered.into_iter().map(|(key, points)| ComparedSeries {
        labels: Labels::of(&key, latest),
        comparison: compare_windows(&points, before, after).map(Into::into),
    });
    Ok(series.collect())
}

/// How many values of a metric a window may have.
fn points_of_window(metric: &str, seconds: f64) -> u32 {
    let is_quantile = ["_p50_", "_p95_", "_p99_"]
        .iter()
        .any(|part| metric.contains(part));
    if !is_quantile {
        return WINDOW_POINTS;
    }
    let apart =
        (2..WINDOW_POINTS).take_while(|count| f64::from(*count) * QUANTILE_SECONDS <= seconds);
    apart.last().unwrap_or(1)
}

/// Two windows of the same length, one right after the other.
struct Windows {
    seconds: f64,
    before: Range<Timestamp>,
    after: Range<Timestamp>,
}

impl Windows {
    /// The window of so many seconds that ends at `end`, and the one before it.
    fn before(end: Timestamp, seconds: Option<f64>) -> Result<Self, Problem> {
        let seconds = seconds.unwrap_or(WINDOW_DEFAULT_SECONDS);
        if !WINDOW_SECONDS.contains(&seconds) {
            let (least, most) = (WINDOW_SECONDS.start(), WINDOW_SECONDS.end());
            let reason = format!("window_seconds: not between {least} and {most}");
            return Err(Problem::bad_query(&reason));
        }
        let window = SignedDuration::from_secs_f64(seconds);
        let too_early = |_| Problem::bad_query("end: before any time");
        let middle = end.checked_sub(window).map_err(too_early)?;
        let start = middle.checked_sub(window).map_err(too_early)?;
        Ok(Self {
            seconds,
            before: start..middle,
            after: middle..end,
        })
    }
}

/// `?cluster=NAME`
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForecastWanted {
    /// The name of a cluster. Left out: the only one.
    cluster: Option<String>,
}

/// Forecasts of one cluster.
#[derive(Serialize, ToSchema)]
struct ForecastDocument {
    cluster: ClusterName,
    members: Vec<MemberForecast>,
}

/// When the bytes in use of one member reach its quota.
#[derive(Serialize, ToSchema)]
struct MemberForecast {
    /// Its name. Untrusted text.
    member: String,
    #[serde(flatten)]
    outlook: Outlook,
}

/// What is to be expected.
#[derive(Serialize, ToSchema)]
#[serde(tag = "forecast", rename_all = "snake_case")]
enum Outlook {
    /// It is reached already.
    Reached,
    /// It will be, if this goes on.
    In {
        /// The likeliest time from now.
        seconds: f64,
        /// It is hardly sooner.
        soonest_seconds: f64,
        /// It is hardly later.
        latest_seconds: f64,
    },
    /// It is not to be expected as far as the data can tell.
    NotWithinHorizon {
        /// How far that is.
        horizon_seconds: f64,
    },
    /// The data carry no answer.
    Unknown {
        /// Why not.
        reason: String,
    },
}

/// What a forecast of the whole history needs: half a day of samples; a quarter is as far as a week can tell.
const LIMITS: ForecastLimits = ForecastLimits {
    samples_min: 50,
    span_min_seconds: 43_200.0,
    horizon_seconds: 7_776_000.0,
};

/// When each member's bytes in use reach its quota.
///
/// By a robust slope over the last week since its last defragmentation.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/forecast",
    tag = "Metrics",
    params(ForecastWanted),
    responses(
        (status = 200, description = "A forecast for each member", body = ForecastDocument),
        HistoryAfterTheFirstCycle,
    )
)]
pub(crate) async fn forecast(
    State(source): State<Source>,
    Parameters(wanted): Parameters<ForecastWanted>,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(wanted.cluster.as_deref())?;
    let members = forecasts(&source, &snapshot).await?;
    let cluster = snapshot.cluster.clone();
    Ok(Json(ForecastDocument { cluster, members }).into_response())
}

async fn forecasts(source: &Source, snapshot: &Snapshot) -> Result<Vec<MemberForecast>, Problem> {
    let mut members = Vec::new();
    for member in &snapshot.members {
        let outlook = outlook(source, &snapshot.cluster, member).await?;
        members.push(MemberForecast {
            member: member.name.clone(),
            outlook,
        });
    }
    Ok(members)
}

async fn outlook(
    source: &Source,
    cluster: &ClusterName,
    member: &MemberSnapshot,
) -> Result<Outlook, Problem> {
    let quota = member.database.and_then(|database| database.quota_bytes);
    let (Some(_), Some(quota)) = (member.id, quota) else {
        let reason = "the member's quota is not known, or it has none".to_owned();
        return Ok(Outlook::Unknown { reason });
    };
    let in_use = kept(source, cluster, member, "database_in_use_bytes").await?;
    let allocated = kept(source, cluster, member, "database_allocated_bytes").await?;
    let told = forecast_quota(&in_use, &allocated, quota as f64, DEFRAG_SHARE, &LIMITS);
    Ok(match told {
        Forecast::Reached => Outlook::Reached,
        Forecast::In {
            seconds,
            soonest_seconds,
            latest_seconds,
        } => Outlook::In {
            seconds,
            soonest_seconds,
            latest_seconds,
        },
        Forecast::NotWithinHorizon => Outlook::NotWithinHorizon {
            horizon_seconds: LIMITS.horizon_seconds,
        },
        Forecast::Unknown(reason) => Outlook::Unknown {
            reason: reason.to_string(),
        },
        other => Outlook::Unknown {
            reason: format!("no words for {other:?}"),
        },
    })
}

/// The points of one metric of a member over the last week.
async fn kept(
    source: &Source,
    cluster: &ClusterName,
    member: &MemberSnapshot,
    metric: &str,
) -> Result<Vec<Point>, Problem> {
    let store = source.history().ok_or_else(Problem::no_history)?;
    let end = Timestamp::now();
    let mut selector = SeriesSelector::metric(cluster.clone(), metric);
    selector.member = member.id;
    let query = HistoryQuery {
        selector,
        start: end.checked_sub(FORECAST_SPAN).unwrap_or(Timestamp::MIN),
        end,
        max_points: Some(FORECAST_POINTS),
    };
    let answered = answer(store, &query).await.map_err(problem)?;
    Ok(answered
        .into_iter()
        .flat_map(|(_, points)| points)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_window_do_not_share_what_they_are_made_of() {
        assert_eq!(points_of_window("wal_fsync_p99_seconds", 3_600.0), 12);
        assert_eq!(points_of_window("wal_fsync_p99_seconds", 60.0), 1);
        assert_eq!(points_of_window("read_seconds", 3_600.0), WINDOW_POINTS);
    }
}
