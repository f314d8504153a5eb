//! Reading back through the HTTP API of Prometheus, which `VictoriaMetrics`, Mimir and Thanos have, too.

mod answer;
mod ask;
mod buckets;
mod promql;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::{
    HistoryError, HistoryQuery, Point, SeriesKey, SeriesPoints, SeriesSelector,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

pub use store::RemoteHistory;

use super::RemoteError;
use super::door::{Door, HttpOptions};
use super::names;
use super::wire::Label;
use buckets::Edges;

/// Metrics of which points are asked for at the same time.
const METRICS_AT_ONCE: usize = 4;

/// Samples of the second before a range, and at its edge, that may be counted with it.
const COUNTED_TOO_MANY: f64 = 2.0;

/// Where samples are read back from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PrometheusQueryOptions {
    /// The URL before `/api/v1/query`, such as `http://127.0.0.1:8428`, or `http://mimir:8080/prometheus`, and how it is called.
    pub http: HttpOptions,
    /// Labels that the series must have: the external ones of the daemon whose samples are wanted, where several write the same clusters; their samples
    /// are otherwise taken together. Default none.
    pub labels: Vec<(String, String)>,
    /// How far back series are looked for when none but their names are asked. Default 30 days, as long as the daemon's own store.
    pub series_window: Duration,
    /// Time for the whole of an answer, several requests among it. Default 30 s: somebody waits for it.
    pub timeout: Duration,
    /// Bytes of one answer of the store at most. Default 32 MiB: a million points.
    pub answer_bytes_max: usize,
    /// Questions that are answered at the same time; further ones wait, within their time. Default 4: the store has others to serve.
    pub questions_at_once: usize,
}

impl PrometheusQueryOptions {
    /// Defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            http: HttpOptions::new(url),
            labels: Vec::new(),
            series_window: Duration::from_hours(30 * 24),
            timeout: Duration::from_secs(30),
            answer_bytes_max: 32 << 20,
            questions_at_once: 4,
        }
    }
}

/// Answers questions about samples that [`RemoteWrite`](super::RemoteWrite) sent, from the store that has them.
///
/// Series of one member under several names are taken together, as are those of several daemons unless
/// [`PrometheusQueryOptions::labels`] tells them apart. Stores keep times in milliseconds; `VictoriaMetrics` keeps values with up to 15 digits or so.
#[derive(Debug)]
pub struct PrometheusQuery {
    options: PrometheusQueryOptions,
    labels: Vec<Label>,
    door: Door,
    turns: Semaphore,
    /// What the store does with a sample at the beginning of a range.
    edges: OnceCell<Edges>,
}

impl PrometheusQuery {
    /// Prepares the client; does no I/O but reading the files of the options. The process must have installed a `rustls` provider before.
    pub fn new(options: PrometheusQueryOptions) -> Result<Self, RemoteError> {
        Ok(Self {
            labels: names::external(&options.labels)?,
            door: Door::new(&options.http)?,
            turns: Semaphore::new(options.questions_at_once.max(1)),
            edges: OnceCell::new(),
            options,
        })
    }

    /// Every series that the selector matches and that had a sample within [`PrometheusQueryOptions::series_window`], in order.
    pub async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        let end = Timestamp::now().as_millisecond().saturating_add(60_000);
        let window = i64::try_from(self.options.series_window.as_millis()).unwrap_or(i64::MAX);
        let start = end.saturating_sub(window).max(0);
        self.in_time(self.keys(selector, start, end)).await
    }

    /// The points of every series that the query matches. Where one series of a metric has more than `max_points`, all series of that metric come
    /// in buckets of whole seconds; series and buckets without a sample are left out.
    ///
    /// A question that the store refuses as too large, or whose answer is, is [`HistoryError::BadQuery`]; everything else that fails is
    /// [`HistoryError::Unavailable`].
    pub async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        let (start, end) = crate::answer::range(query)?;
        let found = self.in_time(self.points(query, start, end)).await?;
        let series = found.into_iter().map(|(key, points)| SeriesPoints {
            key,
            points: crate::answer::at_once(points),
        });
        Ok(series.collect())
    }

    async fn points(
        &self,
        query: &HistoryQuery,
        start: i64,
        end: i64,
    ) -> Result<BTreeMap<SeriesKey, Vec<Point>>, HistoryError> {
        let metrics = self.metrics(&query.selector, start, end).await?;
        let of_metric = metrics.into_iter().map(|metric| {
            let selector = SeriesSelector {
                metric: Some(metric),
                ..query.selector.clone()
            };
            async move {
                self.of_metric(&selector, start, end, query.max_points)
                    .await
            }
        });
        let found = stream::iter(of_metric).buffer_unordered(METRICS_AT_ONCE);
        let found: Vec<_> = found.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The metrics to ask for one by one: the functions over time lose the name.
    async fn metrics(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
    ) -> Result<BTreeSet<String>, HistoryError> {
        if let Some(metric) = &selector.metric {
            return Ok(BTreeSet::from([metric.clone()]));
        }
        let keys = self.keys(selector, start, end).await?;
        Ok(keys
            .into_iter()
            .map(|key| key.metric.into_owned())
            .collect())
    }

    async fn of_metric(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
        max_points: Option<u32>,
    ) -> Result<BTreeMap<SeriesKey, Vec<Point>>, HistoryError> {
        let Some(most) = max_points else {
            return self.samples(selector, start, end).await;
        };
        let counted = self.most_samples(selector, start, end).await?;
        if counted <= f64::from(most) + COUNTED_TOO_MANY {
            let samples = self.samples(selector, start, end).await?;
            if samples.values().all(|points| points.len() <= most as usize) {
                return Ok(samples);
            }
        }
        self.in_buckets(selector, start, end, most).await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, HistoryError>>,
    ) -> Result<T, HistoryError> {
        let target = self.door.target();
        let in_turn = async {
            let _turn = self.turns.acquire().await.ok();
            work.await
        };
        timeout(self.options.timeout, in_turn)
            .await
            .unwrap_or_else(|_| {
                let seconds = self.options.timeout.as_secs();
                let reason = format!("the remote store {target} did not answer within {seconds} s");
                Err(HistoryError::Unavailable(reason))
            })
    }
}
