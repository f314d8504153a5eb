//! Minimum, maximum, mean and count of the buckets of a range.

use std::collections::BTreeMap;

use etcd_monitor_model::{HistoryError, Point, SeriesKey, SeriesSelector};
use jiff::Timestamp;

use super::answer::{QueryData, Series};
use super::ask::time;
use super::{PrometheusQuery, promql};
use crate::remote::names::{self, NAME};
use crate::thin::{bucket_width, joined};

/// Points of one series that a store gives in one answer: Prometheus has a limit of 11,000.
const STEPS_MAX: i64 = 10_000;

/// In milliseconds.
const SECOND: i64 = 1000;

/// With steps below a minute `VictoriaMetrics` repeats earlier values for the last 30 s (`-search.latencyOffset`): the samples themselves are asked for there.
/// In milliseconds, with as much again for clocks that differ.
const UNSETTLED: i64 = 60 * SECOND;

/// A label that says which number of a bucket a value is.
const STAT: &str = "etcd_monitor_stat";

/// A constant whose samples are a second apart, over a second that begins at one of them: 2 where the beginning is in the range.
const EDGE_PROBE: &str = "count_over_time(vector(0)[1s:1s])";

/// Whether a range `[d]` at a time `t` has the sample at `t - d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// It has: Prometheus before 3.0.
    Closed,
    /// It has not: Prometheus since 3.0, `VictoriaMetrics`.
    Open,
}

impl Edges {
    /// The range that holds exactly the samples of so many whole seconds when it is asked for at their last millisecond.
    fn range(self, width: i64) -> String {
        match self {
            Self::Closed => format!("[{}ms]", width - 1),
            Self::Open => whole_seconds(width),
        }
    }
}

/// How a range is asked for, in Unix milliseconds: whole buckets; what there are whole seconds of in the last one, which may be shorter; and the
/// samples of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    width: i64,
    whole_until: i64,
    samples_from: i64,
}

impl Cut {
    fn new(start: i64, end: i64, most: u32, now: i64) -> Self {
        let width = seconds_up(bucket_width(start, end, most)) * SECOND;
        let rest = start + (end - start) / width * width;
        let settled = (now - UNSETTLED - start).max(0) / width * width + start;
        if width < UNSETTLED && settled < rest {
            return Self {
                width,
                whole_until: settled,
                samples_from: settled,
            };
        }
        Self {
            width,
            whole_until: rest,
            samples_from: rest + (end - rest) / SECOND * SECOND,
        }
    }

    /// Where the bucket begins that holds a time.
    fn begin(self, start: i64, at: i64) -> i64 {
        start + (at - start) / self.width * self.width
    }
}

/// What is known of one bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    min: Option<f64>,
    max: Option<f64>,
    mean: Option<f64>,
    count: Option<f64>,
}

/// The numbers of buckets, by the labels of the series as the store has it, and where the bucket begins.
type Found = BTreeMap<(SeriesKey, Vec<(String, String)>, i64), Numbers>;

impl PrometheusQuery {
    /// The most samples that one series has in `start..end`, and in the second before.
    pub(super) async fn most_samples(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
    ) -> Result<f64, HistoryError> {
        let series = promql::series(selector, &self.labels);
        let range = whole_seconds(end - start);
        let count = format!("count_over_time({series}{range})");
        let found = self.at(&count, end - 1).await?;
        let mut of_key: BTreeMap<Option<SeriesKey>, f64> = BTreeMap::new();
        for one in &found.result {
            let key = key(one.metric.clone(), selector);
            let count: f64 = one.numbers().map(|(_, count)| count).sum();
            *of_key.entry(key).or_default() += count;
        }
        Ok(of_key.into_values().fold(0.0, f64::max))
    }

    /// The range cut into at most `most` buckets of whole seconds.
    pub(super) async fn in_buckets(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
        most: u32,
    ) -> Result<BTreeMap<SeriesKey, Vec<Point>>, HistoryError> {
        let edges = self.edges().await?;
        let cut = Cut::new(start, end, most, Timestamp::now().as_millisecond());
        let mut found = Found::new();
        let question = self.question(selector, &edges.range(cut.width));
        let mut from = start;
        while from < cut.whole_until {
            let until = cut.whole_until.min(from + STEPS_MAX * cut.width);
            let (first, last) = (from + cut.width - 1, until - 1);
            let step_seconds = cut.width / SECOND;
            let data = self.over(&question, first, last, step_seconds).await?;
            gather(&mut found, &data, selector, |at| at - (cut.width - 1));
            from = until;
        }
        if cut.whole_until < cut.samples_from {
            let width = cut.samples_from - cut.whole_until;
            let question = self.question(selector, &edges.range(width));
            let data = self.at(&question, cut.samples_from - 1).await?;
            gather(&mut found, &data, selector, |_| cut.whole_until);
        }
        let mut buckets = buckets(found);
        if cut.samples_from < end {
            for (key, points) in self.samples(selector, cut.samples_from, end).await? {
                let of_key = buckets.entry(key).or_default();
                for point in points {
                    add(of_key, cut.begin(start, point.at.as_millisecond()), point);
                }
            }
        }
        Ok(in_order(buckets))
    }

    /// What the store does at the beginning of a range; asked once.
    async fn edges(&self) -> Result<Edges, HistoryError> {
        let ask = async {
            let found = self.at(EDGE_PROBE, 1_000_000).await?;
            let count = found.result.iter().flat_map(Series::numbers).next();
            let closed = count.is_some_and(|(_, count)| count > 1.5);
            Ok(if closed { Edges::Closed } else { Edges::Open })
        };
        self.edges.get_or_try_init(|| ask).await.copied()
    }

    /// All four numbers in one question, told apart by a label.
    fn question(&self, selector: &SeriesSelector, range: &str) -> String {
        let series = promql::series(selector, &self.labels);
        let stats = ["min", "max", "avg", "count"].map(|stat| {
            format!(r#"label_replace({stat}_over_time({series}{range}),"{STAT}","{stat}","","")"#)
        });
        stats.join(" or ")
    }
}

/// Adds the numbers of an answer; `begin` tells where the bucket begins that ends at a time.
fn gather(
    found: &mut Found,
    data: &QueryData,
    selector: &SeriesSelector,
    begin: impl Fn(i64) -> i64,
) {
    for one in &data.result {
        let mut labels = one.metric.clone();
        let stat = labels.remove(STAT).unwrap_or_default();
        // VictoriaMetrics keeps the name with some functions.
        labels.remove(NAME);
        let mut known: Vec<_> = labels.clone().into_iter().collect();
        known.sort();
        let Some(key) = key(labels, selector) else {
            continue;
        };
        for (at, value) in one.numbers() {
            let place = (key.clone(), known.clone(), begin(at));
            let numbers = found.entry(place).or_default();
            match stat.as_str() {
                "min" => numbers.min = Some(value),
                "max" => numbers.max = Some(value),
                "avg" => numbers.mean = Some(value),
                "count" => numbers.count = Some(value),
                _ => {}
            }
        }
    }
}

/// The series of ours; its name is known.
fn key(mut labels: super::answer::Labels, selector: &SeriesSelector) -> Option<SeriesKey> {
    let metric = selector.metric.as_ref()?;
    labels.insert(NAME.to_owned(), names::series_name(metric));
    super::answer::key(&labels, &selector.cluster)
}

/// Buckets by where they begin; those of several series that are one of ours are joined.
type Buckets = BTreeMap<SeriesKey, BTreeMap<i64, Point>>;

fn buckets(found: Found) -> Buckets {
    let mut buckets = Buckets::new();
    for ((key, _, begin), numbers) in found {
        if let Some(point) = point(begin, numbers) {
            add(buckets.entry(key).or_default(), begin, point);
        }
    }
    buckets
}

fn add(buckets: &mut BTreeMap<i64, Point>, begin: i64, point: Point) {
    let point = Point {
        at: time(begin).unwrap_or(point.at),
        ..point
    };
    let bucket = buckets.entry(begin);
    bucket
        .and_modify(|it| *it = joined(it, &point))
        .or_insert(point);
}

fn in_order(buckets: Buckets) -> BTreeMap<SeriesKey, Vec<Point>> {
    let series = buckets.into_iter();
    series
        .map(|(key, buckets)| (key, buckets.into_values().collect()))
        .collect()
}

/// A range of at least so many milliseconds. Whole seconds: `VictoriaMetrics` makes 8,000 ms of 8,001, by way of a float.
pub(super) fn whole_seconds(milliseconds: i64) -> String {
    format!("[{}s]", seconds_up(milliseconds))
}

fn seconds_up(milliseconds: i64) -> i64 {
    (milliseconds + SECOND - 1) / SECOND
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates"
)]
fn point(begin: i64, numbers: Numbers) -> Option<Point> {
    Some(Point {
        at: time(begin)?,
        min: numbers.min?,
        max: numbers.max?,
        mean: numbers.mean?,
        count: numbers.count.filter(|it| *it >= 1.0)? as u32,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_is_whole_buckets_and_seconds_and_no_more_than_were_asked_for(
            start in 0..10_000_000_i64,
            length in 1..10_000_000_i64,
            most in 1..2000_u32,
            now in 0..30_000_000_i64,
        ) {
            let end = start + length;
            let cut = Cut::new(start, end, most, now);
            prop_assert_eq!(cut.width % SECOND, 0);
            prop_assert_eq!((cut.whole_until - start) % cut.width, 0);
            prop_assert_eq!((cut.samples_from - cut.whole_until) % SECOND, 0);
            prop_assert!(start <= cut.whole_until && cut.whole_until <= cut.samples_from);
            prop_assert!(cut.samples_from <= end);
            prop_assert!(cut.begin(start, end - 1) < start + i64::from(most) * cut.width);
            let settled = cut.width >= UNSETTLED || cut.whole_until <= (now - UNSETTLED).max(start);
            prop_assert!(settled);
        }
    }
}
