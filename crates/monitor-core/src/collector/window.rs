//! How the counters and histograms of one member grew, page by page, over a window.
//!
//! Pages hold totals since the member's start, nearly all of them the same as on the page before. Kept are the totals of
//! the latest page, and for each slice of the window by how much each series grew that grew at all.

mod series;
mod slices;

use etcd_monitor_client::histogram::Buckets;
use etcd_monitor_model::MetricsPage;
use jiff::Timestamp;

use super::Growth;
use super::counters::{self, COUNTERS, Counter};
use super::histograms::{self, BUCKETS_MAX, HISTOGRAMS, Histogram};
use super::parameters::MetricsParameters;
use series::{Series, Taken};
use slices::Slices;

/// Unix time, or a length of time, in milliseconds.
type Milliseconds = i64;

/// Place of the seconds that proposals waited, behind the counters.
const WAITED: usize = COUNTERS;

/// Places of everything that grows.
const PLACES: usize = first_bucket(HISTOGRAMS);

/// Place of a histogram's first bucket.
const fn first_bucket(histogram: usize) -> usize {
    WAITED + 1 + histogram * BUCKETS_MAX
}

/// The growth of one member's series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Window {
    /// When the latest page was taken.
    latest: Option<Milliseconds>,
    /// Length of the short window.
    recent: Milliseconds,
    counters: [Series<f64>; COUNTERS],
    /// Proposals that wait.
    waiting: Series<f64>,
    histograms: [Series<Buckets>; HISTOGRAMS],
    slices: Slices,
}

/// What the whole window comes to.
pub(super) struct Sums<'a> {
    window: &'a Window,
    grown: Vec<f64>,
}

impl Window {
    /// Takes in a page.
    pub(super) fn take(
        &mut self,
        at: Timestamp,
        page: &MetricsPage,
        parameters: &MetricsParameters,
    ) {
        let now = at.as_millisecond();
        if self.latest.is_some_and(|latest| now <= latest) {
            // The clock went back: when anything was counted is not known any more.
            *self = Self::default();
        }
        let keep = milliseconds(parameters.window_seconds);
        self.recent = milliseconds(parameters.recent_window_seconds);
        if let Some(before) = self.latest.replace(now) {
            self.slices.open(before, now, keep);
        }
        self.take_counters(now, keep, page);
        self.take_waiting(now, keep, page);
        self.take_histograms(now, keep, page);
        self.slices.drop_before(now.saturating_sub(keep));
    }

    fn take_counters(&mut self, now: Milliseconds, keep: Milliseconds, page: &MetricsPage) {
        for (place, total) in counters::read(page).into_iter().enumerate() {
            let series = &mut self.counters[place];
            let grown = series.take(now, keep, total, |before, total| believable(total - before));
            series.pace = None;
            match grown {
                Taken::Grown(grown, seconds) => {
                    series.pace = Some(grown / seconds);
                    self.slices.add(place, grown);
                }
                Taken::Anew => self.slices.forget(place, 1),
                Taken::Unread => {}
            }
        }
    }

    /// Proposals that wait, times how long: what the two readings amount to in between.
    fn take_waiting(&mut self, now: Milliseconds, keep: Milliseconds, page: &MetricsPage) {
        let waiting = counters::amount(page.raft.proposals_pending);
        let series = &mut self.waiting;
        let mean = series.take(now, keep, waiting, |before, now| {
            believable(f64::midpoint(*before, *now))
        });
        match mean {
            Taken::Grown(mean, seconds) => self.slices.add(WAITED, mean * seconds),
            Taken::Anew => self.slices.forget(WAITED, 1),
            Taken::Unread => {}
        }
    }

    fn take_histograms(&mut self, now: Milliseconds, keep: Milliseconds, page: &MetricsPage) {
        for (place, reading) in histograms::read(page).into_iter().enumerate() {
            let total = reading.and_then(histograms::buckets);
            let series = &mut self.histograms[place];
            let grown = series.take(now, keep, total, |before, total| {
                let grown = total.difference(before)?;
                believable(grown.count()).map(|_| grown)
            });
            match grown {
                Taken::Grown(grown, _) => self.slices.add_buckets(first_bucket(place), &grown),
                Taken::Anew => self.slices.forget(first_bucket(place), BUCKETS_MAX),
                Taken::Unread => {}
            }
        }
    }

    /// Growth per second of a counter since the page before.
    pub(super) fn pace(&self, counter: Counter) -> Option<f64> {
        let series = &self.counters[counter.place()];
        let known = series.known_since(self.latest);
        series.pace.filter(|_| known.is_some())
    }

    /// Growth of a counter within the short window.
    pub(super) fn recent_growth(&self, counter: Counter) -> Option<Growth> {
        let since = self.counters[counter.place()].known_since(self.latest)?;
        self.recent(counter.place(), since)
    }

    /// Seconds that proposals waited within the short window, all together.
    pub(super) fn recent_waiting(&self) -> Option<Growth> {
        let since = self.waiting.known_since(self.latest)?;
        self.recent(WAITED, since)
    }

    fn recent(&self, place: usize, since: Milliseconds) -> Option<Growth> {
        let now = self.latest?;
        self.slices
            .growth(place, now, since.max(now.saturating_sub(self.recent)))
    }

    /// The whole window.
    pub(super) fn sums(&self) -> Sums<'_> {
        Sums {
            window: self,
            grown: self.slices.sums(PLACES),
        }
    }
}

impl Sums<'_> {
    /// Seconds from the begin of the window to its end; `None` before there were two pages.
    pub(super) fn seconds(&self) -> Option<f64> {
        let begin = self.window.slices.begin()?;
        Some(seconds(self.window.latest? - begin))
    }

    /// Growth of a counter, and within how many seconds.
    pub(super) fn growth(&self, counter: Counter) -> Option<(f64, f64)> {
        let window = self.window;
        let since = window.counters[counter.place()].known_since(window.latest)?;
        let begin = since.max(window.slices.begin()?);
        let grown = *self.grown.get(counter.place())?;
        let seconds = seconds(window.latest? - begin);
        (seconds > 0.0).then_some((grown, seconds))
    }

    /// What a histogram observed.
    pub(super) fn observed(&self, histogram: Histogram) -> Option<Buckets> {
        let series = &self.window.histograms[histogram.place()];
        series.known_since(self.window.latest)?;
        let grown = self.grown.get(first_bucket(histogram.place())..)?;
        let mut total = 0.0;
        let bounds = series.latest()?.as_slice().iter().zip(grown);
        let buckets = bounds.map(|((bound, _), grown)| {
            total += grown;
            (*bound, total)
        });
        Buckets::new(buckets.collect())
    }
}

/// Growth that can be: not negative, and not beyond what is kept of it.
fn believable(grown: f64) -> Option<f64> {
    (0.0..=1e30).contains(&grown).then_some(grown)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and windows are of minutes"
)]
fn milliseconds(seconds: f64) -> Milliseconds {
    (seconds * 1e3) as i64
}

fn seconds(milliseconds: Milliseconds) -> f64 {
    milliseconds as f64 / 1e3
}

#[cfg(test)]
impl Window {
    /// Bytes that it takes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let latest = self.histograms.iter().filter_map(Series::latest);
        let buckets = latest.map(|buckets| size_of_val(buckets.as_slice()));
        self.slices.heap_bytes() + buckets.sum::<usize>()
    }
}
