//! Benchmarks: started, followed, cancelled, and kept.

pub(super) mod events;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::configuration::Nothing;
use super::{Named, Selection};
use crate::access::Caller;
use crate::benchmarks::{
    AskedBenchmark, BenchmarkJob, BenchmarkLimits, Benchmarks, JobReason, JobState, NewBenchmark,
};
use crate::body::Body;
use crate::problem::Problem;
use crate::source::Source;

/// How long an answer waits until what was cancelled is over.
const ENDED_WITHIN: Duration = Duration::from_secs(5);

/// A benchmark with its key figures; the whole is at its URL.
#[derive(Debug, Serialize, ToSchema)]
struct BenchmarkLine {
    id: String,
    /// Where to ask for it.
    url: String,
    /// The cluster's name.
    cluster: String,
    state: JobState,
    asked: AskedBenchmark,
    requested_by: Option<String>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// Why it ended as it did; null where it ran as asked.
    reason: Option<JobReason>,
    /// Answers per second.
    per_second: Option<f64>,
    /// The median response, of the kind of request of which it is the longest.
    p50_seconds: Option<f64>,
    /// The 99th percentile, likewise.
    p99_seconds: Option<f64>,
    /// Requests that failed.
    failed: Option<u64>,
    /// False where the result says nothing about the cluster.
    valid: Option<bool>,
}

/// The benchmarks that are kept, the newest first, and what may be asked for.
#[derive(Debug, Serialize, ToSchema)]
struct BenchmarkList {
    benchmarks: Vec<BenchmarkLine>,
    limits: BenchmarkLimits,
}

impl BenchmarkLine {
    fn of(job: &BenchmarkJob) -> Self {
        let figures = job.report.as_ref().map(|report| report.figures.clone());
        let figures = figures.unwrap_or_default();
        Self {
            id: job.id.clone(),
            url: job.url.clone(),
            cluster: job.cluster.clone(),
            state: job.state,
            asked: job.asked.clone(),
            requested_by: job.requested_by.clone(),
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
            reason: job.reason.clone(),
            per_second: figures.per_second,
            p50_seconds: figures.p50_seconds,
            p99_seconds: figures.p99_seconds,
            failed: figures.failed,
            valid: figures.valid,
        }
    }
}

fn benchmarks(source: &Source) -> Result<&Benchmarks, Problem> {
    source.benchmarks().ok_or_else(Problem::no_benchmarks)
}

/// Starts a benchmark: a load on the cluster.
///
/// It writes keys of its own below a prefix of its own and deletes them in the end; reads and writes of others take longer
/// meanwhile. It begins at once, or after the one of another cluster. It is ended where something is found to be wrong with
/// the cluster.
#[utoipa::path(
    post,
    path = "/api/v1/performance/benchmark",
    tag = "Benchmarks",
    params(Selection),
    request_body = NewBenchmark,
    responses(
        (status = 202, description = "The benchmark, which waits or is under way", body = BenchmarkJob,
            headers(("Location" = String, description = "Where to ask for it"))),
        (status = 404, description = "`no_benchmarks`: this server runs none"),
        (status = 409, description = "`benchmark_under_way`: one of this cluster is, `benchmark` has its URL; \
            `cluster_critical`, `alarm_raised`, `quota_nearly_reached`: something is wrong with the cluster; \
            `alarms_unknown`, `quota_unknown`: it is not known whether something is"),
        (status = 422, description = "`benchmark_limit`: more is asked for than may be, the detail has the limit"),
        (status = 400, description = "`cluster_required`: several clusters are watched, and none is named"),
        (status = 503, description = "`not_ready`: the first cycle of the cluster has not ended yet; `stopping`: the daemon stops"),
    )
)]
pub(crate) async fn start(
    State(source): State<Source>,
    selection: Selection,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<NewBenchmark>,
) -> Result<Response, Problem> {
    let benchmarks = benchmarks(&source)?;
    let (cluster, snapshots) = source.select(selection.name())?;
    let asked = wanted.checked()?;
    let latest = snapshots.borrow().clone();
    let latest = latest.ok_or_else(|| Problem::not_ready(&cluster))?;
    if let Some(reason) = asked.trouble(&latest) {
        return Err(Problem::benchmark_refused(&reason));
    }
    let job = benchmarks
        .add(&cluster, snapshots, asked, caller.name)
        .await?;
    let location = [(header::LOCATION, job.url.clone())];
    Ok((StatusCode::ACCEPTED, location, Json(&*job)).into_response())
}

/// The benchmarks that are kept, the newest first, and what may be asked for.
///
/// Of all clusters, where none is named. The last 100 are kept, over a restart too.
#[utoipa::path(
    get,
    path = "/api/v1/performance/benchmark",
    tag = "Benchmarks",
    params(Selection),
    responses(
        (status = 200, description = "The benchmarks", body = BenchmarkList),
        (status = 404, description = "`no_benchmarks`: this server runs none"),
    )
)]
pub(crate) async fn list(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let mut kept = benchmarks(&source)?.all();
    if let Some(name) = selection.name() {
        source.select(Some(name))?;
        kept.retain(|job| job.cluster == name);
    }
    let list = BenchmarkList {
        benchmarks: kept.iter().map(|job| BenchmarkLine::of(job)).collect(),
        limits: BenchmarkLimits::of_all(),
    };
    Ok(Json(list).into_response())
}

/// A benchmark: how far it is, and what was measured.
#[utoipa::path(
    get,
    path = "/api/v1/performance/benchmark/{id}",
    tag = "Benchmarks",
    params(("id" = String, Path, description = "The id of a benchmark")),
    responses(
        (status = 200, description = "The benchmark", body = BenchmarkJob),
        (status = 404, description = "`benchmark_unknown`: none is kept that has this id; `no_benchmarks`: this server runs none"),
    )
)]
pub(crate) async fn one(
    State(source): State<Source>,
    Named(id): Named,
) -> Result<Response, Problem> {
    let job = benchmarks(&source)?.follow(&id)?.borrow().clone();
    Ok(Json(&*job).into_response())
}

/// Cancels a benchmark.
///
/// What ran until then is kept, and its keys are deleted. Answered when it is over, or after 5 s.
#[utoipa::path(
    delete,
    path = "/api/v1/performance/benchmark/{id}",
    tag = "Benchmarks",
    params(("id" = String, Path, description = "The id of a benchmark")),
    request_body = Nothing,
    responses(
        (status = 200, description = "The benchmark, which is over", body = BenchmarkJob),
        (status = 202, description = "The benchmark, which is about to end", body = BenchmarkJob),
        (status = 404, description = "`benchmark_unknown`: none is kept that has this id; `no_benchmarks`: this server runs none"),
        (status = 409, description = "`benchmark_over`: it is over already"),
    )
)]
pub(crate) async fn cancel(
    State(source): State<Source>,
    Extension(caller): Extension<Caller>,
    Named(id): Named,
) -> Result<Response, Problem> {
    let benchmarks = benchmarks(&source)?;
    let mut job = benchmarks.follow(&id)?;
    benchmarks.cancel(&id, caller.name)?;
    let over = job.wait_for(|job| job.state.is_over());
    let over = timeout(ENDED_WITHIN, over).await.is_ok();
    let status = if over {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let job: Arc<BenchmarkJob> = job.borrow().clone();
    Ok((status, Json(&*job)).into_response())
}
