//! Sends what the queue holds, in order, one request at a time.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use etcd_monitor_model::SampleBatch;
use prost::Message;
use reqwest::{Response, StatusCode};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::counters::{Drop, Outcome};
use super::{Inner, RemoteWriteOptions};
use crate::remote::door::{reason_of, retry_after};
use crate::remote::queue::Queue;
use crate::remote::wire::{self, WriteRequest};

/// Where batches are refused one after the other, no part is cut any more that is smaller than these by this factor: a whole request that is refused
/// costs some dozen more, and each batch at fault at most a quarter of a neighbour.
const REFUSED_PER_CUT: usize = 4;

pub(super) struct Sender {
    inner: Arc<Inner>,
    /// One tick for each request.
    pace: Interval,
    backoff: ExponentialBackoff,
    /// Batches in hand of which others were dealt with already, before the receiver became unavailable.
    rest: Vec<SampleBatch>,
    /// True where batches of the same records were dealt with: these must not come again.
    is_begun: bool,
}

/// What a receiver made of a request.
enum Answer {
    Accepted,
    /// Sending it again would not help.
    Refused {
        status: StatusCode,
        reason: String,
    },
    Unavailable(Unavailable),
}

/// Sending it again later may help.
struct Unavailable {
    reason: String,
    retry_after: Option<Duration>,
}

impl Sender {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        let per_second = inner.options.requests_per_second_max.clamp(1, 1_000_000);
        let mut pace = interval(Duration::from_secs(1) / per_second);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pace,
            backoff: backoff(&inner.options),
            rest: Vec::new(),
            is_begun: false,
            inner,
        }
    }

    /// Sends until `stop`, waiting where nothing is to be sent or the receiver cannot take it.
    pub(super) async fn send_until(&mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let flushed = Arc::clone(&self.inner);
            let wait = match self.send_next().await {
                Ok(true) => continue,
                Ok(false) => None,
                Err(delay) => Some(delay),
            };
            let waiting = async {
                match wait {
                    Some(delay) => sleep(delay).await,
                    None => flushed.flushed.notified().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = waiting => {}
            }
        }
    }

    /// Sends all there is, up to the first failure.
    pub(super) async fn send_rest(&mut self) {
        while let Ok(true) = self.send_next().await {}
    }

    /// Sends the next request; false where there is none, and how long to wait after a failure.
    async fn send_next(&mut self) -> Result<bool, Duration> {
        let batches = match self.take().await {
            Ok(batches) if batches.is_empty() => return Ok(false),
            Ok(batches) => batches,
            Err(reason) => {
                self.inner.complain(&format!(
                    "The queue of remote write cannot be read: {reason}"
                ));
                self.put_back().await;
                return Err(self.delay(None));
            }
        };
        let (done, failure) = self.deliver(&batches).await;
        let Some(failure) = failure else {
            self.inner.with_queue(Queue::settle).await;
            self.backoff = backoff(&self.inner.options);
            return Ok(true);
        };
        if done == 0 && !self.is_begun {
            self.put_back().await;
        } else {
            self.is_begun = true;
            self.rest = batches[done..].to_vec();
        }
        let (target, reason) = (self.inner.door.target(), failure.reason);
        self.inner.complain(&format!(
            "The remote store {target} does not take samples: {reason}"
        ));
        Err(self.delay(failure.retry_after))
    }

    async fn put_back(&self) {
        self.inner.with_queue(Queue::put_back).await;
    }

    /// What is left of records that are dealt with in part, else records from the queue, as many as go into one request.
    async fn take(&mut self) -> Result<Vec<SampleBatch>, String> {
        if !self.rest.is_empty() {
            return Ok(std::mem::take(&mut self.rest));
        }
        self.is_begun = false;
        let most = self.inner.options.samples_per_request_max;
        let now = self.inner.steady.milliseconds();
        let taken = self.inner.with_queue(move |queue| {
            let mut batches = Vec::new();
            let mut room = u32::MAX;
            let mut samples = 0;
            while let Some(next) = queue.take(now, room)? {
                samples += count(&next);
                batches.extend(next);
                room = most.saturating_sub(u32::try_from(samples).unwrap_or(u32::MAX));
            }
            Ok(batches)
        });
        let taken: Option<std::io::Result<_>> = taken.await;
        taken
            .unwrap_or_else(|| Ok(Vec::new()))
            .map_err(|it| it.to_string())
    }

    /// Delivers batches in order, in one request or more. What is refused for its content is cut in two, until the batch is found that is at
    /// fault: one batch that a store does not like costs no other. Tells how many of the batches are dealt with, and what stopped it.
    async fn deliver(&mut self, batches: &[SampleBatch]) -> (usize, Option<Unavailable>) {
        let mut parts = vec![batches];
        let mut refused_in_row = 0;
        while let Some(part) = parts.pop() {
            let halves = part.split_at(part.len() / 2);
            let request = wire::request(part, &self.inner.external);
            if part.len() > 1 && !self.fits(part, &request) {
                parts.extend([halves.1, halves.0]);
                continue;
            }
            let Some(body) = wire::compress(&request) else {
                self.drop_refused(part, "it is too large to be compressed");
                continue;
            };
            match self.post(body).await {
                Answer::Accepted => {
                    refused_in_row = 0;
                    let newest = part.iter().map(|it| it.at.as_millisecond()).max();
                    self.inner
                        .counters
                        .delivered(count(part), newest.unwrap_or(i64::MIN));
                }
                Answer::Refused { status, .. }
                    if part.len() > 1
                        && is_of_content(status)
                        && part.len() > refused_in_row / REFUSED_PER_CUT =>
                {
                    parts.extend([halves.1, halves.0]);
                }
                Answer::Refused { reason, .. } => {
                    refused_in_row += part.len();
                    self.drop_refused(part, &reason);
                }
                Answer::Unavailable(failure) => {
                    let left = part.len() + parts.iter().map(|it| it.len()).sum::<usize>();
                    return (batches.len() - left, Some(failure));
                }
            }
        }
        (batches.len(), None)
    }

    fn drop_refused(&self, part: &[SampleBatch], reason: &str) {
        let samples = count(part);
        self.inner.counters.dropped(Drop::Refused, samples);
        let target = self.inner.door.target();
        self.inner.complain(&format!(
            "The remote store {target} refused {samples} samples, which are dropped: {reason}"
        ));
    }

    fn fits(&self, batches: &[SampleBatch], request: &WriteRequest) -> bool {
        let options = &self.inner.options;
        count(batches) <= u64::from(options.samples_per_request_max)
            && request.encoded_len() <= options.request_bytes_max
    }

    async fn post(&mut self, body: Vec<u8>) -> Answer {
        self.pace.tick().await;
        let answer = match self.request(body).await {
            Ok(response) => self.judge(response).await,
            Err(reason) => Answer::Unavailable(Unavailable {
                reason,
                retry_after: None,
            }),
        };
        self.inner.counters.requested(match answer {
            Answer::Accepted => Outcome::Accepted,
            Answer::Refused { .. } => Outcome::Refused,
            Answer::Unavailable(_) => Outcome::Unavailable,
        });
        answer
    }

    async fn request(&self, body: Vec<u8>) -> Result<Response, String> {
        let request = self.inner.door.post("").await?;
        let request = request
            .header("Content-Encoding", "snappy")
            .header("Content-Type", "application/x-protobuf")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0")
            .body(body);
        request.send().await.map_err(reason_of)
    }

    async fn judge(&self, response: Response) -> Answer {
        let status = response.status();
        if status.is_success() {
            return Answer::Accepted;
        }
        let retry_after = retry_after(response.headers());
        let said = self.inner.door.said(response).await;
        if is_temporary(status) {
            return Answer::Unavailable(Unavailable {
                reason: format!("it answered {status}{said}"),
                retry_after,
            });
        }
        let reason = if status.is_redirection() {
            format!("it answered {status}, and redirects are not followed")
        } else {
            format!("it answered {status}{said}")
        };
        Answer::Refused { status, reason }
    }

    /// How long to wait after a failure: ever longer, and as long as the receiver asks for, within a bound.
    fn delay(&mut self, asked: Option<Duration>) -> Duration {
        let options = &self.inner.options;
        let planned = self.backoff.next().unwrap_or(options.backoff_max);
        planned.max(asked.unwrap_or_default().min(options.retry_after_max))
    }
}

fn backoff(options: &RemoteWriteOptions) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(options.backoff_min)
        .with_max_delay(options.backoff_max)
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        .build()
}

/// True for an answer that may be about one batch among others.
fn is_of_content(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

fn count(batches: &[SampleBatch]) -> u64 {
    batches.iter().map(|it| it.samples.len() as u64).sum()
}
