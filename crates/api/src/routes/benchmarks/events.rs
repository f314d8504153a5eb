//! A benchmark as it goes (SSE).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream::{Stream, unfold};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::benchmarks;
use crate::access::Standing;
use crate::admission::Seat;
use crate::benchmarks::BenchmarkJob;
use crate::connection::Connection;
use crate::frames::{Frame, comment, frame};
use crate::problem::Problem;
use crate::routes::Named;
use crate::routes::events::{seat, stream};
use crate::source::Source;

/// Often enough that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A benchmark as it goes (SSE).
///
/// Each event is named `benchmark` and has the benchmark, schema `BenchmarkJob`, in one `data` line: at once, and on a change. The
/// stream ends with the one in which the benchmark is over.
#[utoipa::path(
    get,
    path = "/api/v1/performance/benchmark/{id}/events",
    tag = "Benchmarks",
    params(("id" = String, Path, description = "The id of a benchmark")),
    responses(
        (status = 200, description = "The stream, until the benchmark is over, or the caller leaves or may ask no more", content_type = "text/event-stream", body = String),
        (status = 404, description = "`benchmark_unknown`: none is kept that has this id; `no_benchmarks`: this server runs none"),
        (status = 429, description = "`too_many_event_clients_of_address`: too many of this address follow already"),
        (status = 503, description = "`too_many_event_clients`: 1,000 follow already"),
    )
)]
pub(crate) async fn follow(
    State(source): State<Source>,
    Named(id): Named,
    Extension(standing): Extension<Standing>,
    connection: Option<Extension<Connection>>,
) -> Result<Response, Problem> {
    let job = benchmarks(&source)?.follow(&id)?;
    let follower = Follower {
        job,
        is_first: true,
        is_over: false,
        keep_alive: every(KEEP_ALIVE),
        stop: source.stop().clone(),
        _seat: seat(&source, connection)?,
    };
    // Who may no longer ask is told no more.
    let frames = follower.frames().take_until(standing.ended());
    Ok(stream(Body::from_stream(frames)))
}

struct Follower {
    job: watch::Receiver<Arc<BenchmarkJob>>,
    is_first: bool,
    is_over: bool,
    keep_alive: Interval,
    stop: CancellationToken,
    /// Given back when the stream is dropped.
    _seat: Seat,
}

impl Follower {
    fn frames(self) -> impl Stream<Item = Result<Frame, Infallible>> {
        unfold(self, |mut follower| async move {
            let frame = follower.next().await?;
            Some((Ok(frame), follower))
        })
    }

    async fn next(&mut self) -> Option<Frame> {
        if self.is_over {
            return None;
        }
        if !std::mem::take(&mut self.is_first) {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                // It is not kept any more.
                changed = self.job.changed() => changed.ok()?,
                _ = self.keep_alive.tick() => return Some(comment("keep-alive")),
            }
        }
        let job = Arc::clone(&self.job.borrow_and_update());
        self.is_over = job.state.is_over();
        Some(frame("benchmark", None, &*job))
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(tokio::time::Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
