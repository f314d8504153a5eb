//! The trends that an operator asks about, in one answer.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_model::{ClusterName, MetricUnit};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ComparedSeries, MemberForecast, STATISTIC, Windows, compared, forecasts};
use crate::openapi::HistoryAfterTheFirstCycle;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// How fast etcd answers, how fast its disks are, how full it is, and what is asked of it.
const METRICS: [&str; 7] = [
    "read_p99_seconds",
    "write_p99_seconds",
    "wal_fsync_p99_seconds",
    "backend_commit_p99_seconds",
    "database_in_use_bytes",
    "watchers",
    "requests_per_second",
];

/// Of which cluster, and how long the windows are.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The name of a cluster. Left out: the only one.
    cluster: Option<String>,
    /// How long each of the two windows is, in seconds.
    #[param(minimum = 60, maximum = 2_678_400, default = 3_600)]
    window_seconds: Option<f64>,
}

/// The trends of one cluster.
#[derive(Serialize, ToSchema)]
struct Overview {
    cluster: ClusterName,
    /// How long each of the two windows is, in seconds.
    window_seconds: f64,
    /// When the later window ends: now.
    end: Timestamp,
    /// What is computed, in words.
    statistic: &'static str,
    trends: Vec<Trend>,
    forecasts: Vec<MemberForecast>,
}

/// One metric; no series where none was measured in the windows.
#[derive(Serialize, ToSchema)]
struct Trend {
    metric: &'static str,
    /// What a value is: `seconds`, `bytes`, …
    unit: &'static str,
    series: Vec<ComparedSeries>,
}

/// What an operator asks first: how fast etcd answers, how fast its disks are, how full it is, and what is asked of it.
///
/// Each metric in a window of time against the window before it, and when the quota is reached.
#[utoipa::path(
    get,
    path = "/api/v1/trends",
    tag = "Metrics",
    params(Wanted),
    responses(
        (status = 200, description = "The trends", body = Overview),
        HistoryAfterTheFirstCycle,
    )
)]
pub(crate) async fn trends(
    State(source): State<Source>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(wanted.cluster.as_deref())?;
    let windows = Windows::before(Timestamp::now(), wanted.window_seconds)?;
    let mut trends = Vec::new();
    for metric in METRICS {
        let unit = MetricUnit::of(metric).as_str();
        let cluster = &snapshot.cluster;
        let series = compared(&source, cluster, metric, &windows, Some(&snapshot)).await?;
        trends.push(Trend {
            metric,
            unit,
            series,
        });
    }
    let document = Overview {
        cluster: snapshot.cluster.clone(),
        window_seconds: windows.seconds,
        end: windows.after.end,
        statistic: STATISTIC,
        trends,
        forecasts: forecasts(&source, &snapshot).await?,
    };
    Ok(Json(document).into_response())
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{MetricScope, metric_catalogue};

    use super::METRICS;

    #[test]
    fn each_is_sampled_of_members() {
        for metric in METRICS {
            let mut sampled = metric_catalogue().iter();
            let is_it = sampled.any(|it| it.name == metric && it.scope == MetricScope::Member);
            assert!(is_it, "{metric}");
        }
    }
}
