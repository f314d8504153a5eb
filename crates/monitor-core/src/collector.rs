//! What a member's numbers amount to: from its pages and our own reads to rates, shares and quantiles over a window.

mod counters;
mod derive;
mod histograms;
mod latencies;
mod parameters;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use counters::{Counter, amount};
pub(crate) use latencies::Latencies;
pub use parameters::MetricsParameters;

use etcd_monitor_model::{
    LatencySource, LatencySummary, MeasuredLatency, MemberMetrics, MetricsPage,
};
use jiff::Timestamp;

use window::Window;

/// Derives the numbers of one member, cycle by cycle: pages and reads go in, [`MemberMetrics`] come out.
///
/// It keeps the differences between the pages of a window (5 minutes unless the parameters say otherwise) in at most 31
/// slices, and of each only what changed: about 10 KB for a busy member. A counter that went back begins anew, and is
/// unknown until there are two pages to compare; a value that is none is unknown alone.
///
/// ```
/// use etcd_monitor_core::{MetricsCollector, MetricsParameters, read_metrics_page};
/// use jiff::{Timestamp, ToSpan};
///
/// let mut collector = MetricsCollector::default();
/// let parameters = MetricsParameters::default();
/// let start = Timestamp::UNIX_EPOCH;
/// let page = read_metrics_page(b"process_cpu_seconds_total 10\n");
/// collector.collect(start, Some(&page), None, &parameters);
/// let page = read_metrics_page(b"process_cpu_seconds_total 12\n");
/// let metrics = collector.collect(start + 10.seconds(), Some(&page), Some(0.002), &parameters);
/// assert_eq!(metrics.process.cpu_cores, Some(0.2));
/// assert_eq!(metrics.requests.per_second, None, "the page did not say");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsCollector {
    window: Window,
    reads: Latencies,
}

impl MetricsCollector {
    /// Takes in what one cycle saw of the member, and says what is known of the window that ends at `at`.
    ///
    /// `page` is its `/metrics` page, and `read_seconds` how long our own linearizable read through it took; each `None`
    /// where it was not read. Without a page, only what our own reads tell is known.
    pub fn collect(
        &mut self,
        at: Timestamp,
        page: Option<&MetricsPage>,
        read_seconds: Option<f64>,
        parameters: &MetricsParameters,
    ) -> MemberMetrics {
        self.reads.take(at, read_seconds, parameters.window_seconds);
        let mut metrics = MemberMetrics::default();
        if let Some(page) = page {
            self.window.take(at, page, parameters);
            metrics = derive::from_page(page, &self.window);
        }
        let own = self.reads.durations().filter(|_| read_seconds.is_some());
        let own = own.map(|durations| MeasuredLatency::new(LatencySource::OwnProbe, durations));
        metrics.latency.reads.extend(own);
        metrics
    }

    /// Our own reads within the window; `None` without any.
    pub fn read_latency(&self) -> Option<LatencySummary> {
        self.reads.summary()
    }

    /// By how much a counter grew in the last `parameters.recent_window_seconds`; `None` where that is not known.
    pub(crate) fn recent_growth(&self, counter: Counter) -> Option<Growth> {
        self.window.recent_growth(counter)
    }

    /// Seconds that all proposals together waited in that time.
    pub(crate) fn recent_waiting(&self) -> Option<Growth> {
        self.window.recent_waiting()
    }
}

/// How a counter grew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Growth {
    /// By how much.
    pub(crate) amount: f64,
    /// In how many slices of the window.
    pub(crate) times: usize,
    /// Slices that were looked at.
    pub(crate) slices: usize,
    /// Seconds that were looked at.
    pub(crate) seconds: f64,
}
