use std::path::PathBuf;
use std::time::Duration;

use crate::remote::door::HttpOptions;
use crate::remote::queue::Limits;

/// What remote write sends, where to, and how much it keeps.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteWriteOptions {
    /// The URL that takes remote write, such as `http://127.0.0.1:8428/api/v1/write`, and how it is called.
    pub http: HttpOptions,
    /// The folder of the queue, for nothing else.
    pub folder: PathBuf,
    /// Labels that every series gets, such as `replica` of two daemons that watch the same clusters. Default none.
    pub external_labels: Vec<(String, String)>,
    /// Bytes of the queue's files at most; the oldest sixteenth is dropped where more is needed. Default 128 MiB: an hour of 50 clusters of 3
    /// members at 10 s takes 35 MB with 100 samples of a member, so nearly four hours of outage.
    pub queue_bytes_max: u64,
    /// Bytes at most of what is not on disk yet, and of what a full disk does not take. Default 16 MiB: half an hour of the same fleet.
    pub memory_bytes_max: usize,
    /// How long a sample may wait; then it is dropped. Default 24 h: stores refuse or hardly look at what is older.
    pub age_max: Duration,
    /// How often what was taken is written to disk, and sent. Default 5 s: what a `kill -9` may lose.
    pub flush_interval: Duration,
    /// Samples of one request at most; a single batch that has more is not cut. Default 10,000, as much as other writers send.
    pub samples_per_request_max: u32,
    /// Bytes of one request at most, before compression; a single batch that has more is not cut. Default 4 MiB: receivers take 32 MiB and more.
    pub request_bytes_max: usize,
    /// Requests per second at most. Default 10: an hour of outage of the fleet above is caught up with in a minute, and a receiver that has
    /// just come back is not flooded.
    pub requests_per_second_max: u32,
    /// Wait after a first failure; it doubles with each further one, with up to as much again at random. Default 1 s.
    pub backoff_min: Duration,
    /// Longest wait after a failure, apart from the random part. Default 30 s: as late may catching up begin.
    pub backoff_max: Duration,
    /// Longest `Retry-After` that is honoured. Default 5 min: a receiver that asks for a day would make the queue overflow.
    pub retry_after_max: Duration,
    /// How long the end of the process may wait for the store. Default 5 s.
    pub stop_timeout: Duration,
}

impl RemoteWriteOptions {
    /// Defaults for a receiver's URL and a folder for the queue.
    pub fn new(url: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self {
            http: HttpOptions::new(url),
            folder: folder.into(),
            external_labels: Vec::new(),
            queue_bytes_max: 128 << 20,
            memory_bytes_max: 16 << 20,
            age_max: Duration::from_hours(24),
            flush_interval: Duration::from_secs(5),
            samples_per_request_max: 10_000,
            request_bytes_max: 4 << 20,
            requests_per_second_max: 10,
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            retry_after_max: Duration::from_mins(5),
            stop_timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            disk_bytes: self.queue_bytes_max,
            memory_bytes: self.memory_bytes_max,
            age: super::milliseconds(self.age_max),
        }
    }
}
