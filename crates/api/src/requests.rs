//! Counts the requests that the server answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

/// Upper bounds of the histogram's buckets: what a poll, a page and a day of history may take.
pub(crate) const DURATION_BOUNDS_SECONDS: [f64; 6] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0];

/// Stands for a request without a route.
const NO_ROUTE: &str = "none";

/// What was answered to what kind of request. Routes are patterns, so that there are as many as the server has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) route: Arc<str>,
    pub(crate) method: &'static str,
    pub(crate) status: String,
}

/// How long requests took: a count for each bound and one beyond them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    pub(crate) buckets: [u64; 7],
    pub(crate) sum_seconds: f64,
}

impl Taken {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bounds = DURATION_BOUNDS_SECONDS;
        let place = bounds.partition_point(|bound| *bound < seconds);
        self.buckets[place] += 1;
        self.sum_seconds += seconds;
    }
}

#[derive(Debug, Default)]
struct Counts {
    answered: BTreeMap<Answer, u64>,
    durations: BTreeMap<Arc<str>, Taken>,
}

/// The counts since the start. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Counts>>);

impl Requests {
    pub(crate) fn answered(&self) -> BTreeMap<Answer, u64> {
        self.counts().answered.clone()
    }

    pub(crate) fn durations(&self) -> BTreeMap<Arc<str>, Taken> {
        self.counts().durations.clone()
    }

    fn add(&self, answer: Answer, took: Duration) {
        let mut counts = self.counts();
        let route = Arc::clone(&answer.route);
        counts.durations.entry(route).or_default().add(took);
        *counts.answered.entry(answer).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole between any two operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request once the head of its answer is there.
pub(crate) async fn count(
    State(requests): State<Requests>,
    request: Request,
    next: Next,
) -> Response {
    let began_at = Instant::now();
    let matched = request.extensions().get::<MatchedPath>();
    let route = Arc::from(matched.map_or(NO_ROUTE, MatchedPath::as_str));
    let method = name_of(request.method());
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    let answer = Answer {
        route,
        method,
        status,
    };
    requests.add(answer, began_at.elapsed());
    response
}

/// A client may make up methods; they share a name.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
