//! Samples of a histogram, put together.

use etcd_monitor_client::exposition::Sample;
use etcd_monitor_model::HistogramReading;

/// Buckets kept per histogram: etcd's have 14 to 24.
const BUCKETS_MAX: usize = 64;

/// Takes one sample of a histogram. Series that differ in other labels than the bound are added up.
pub(super) fn take(reading: &mut Option<HistogramReading>, sample: &Sample<'_>) {
    take_scaled(reading, sample, sample.value);
}

/// The same with another value than the sample's: 0 where the series shows only that the family is there.
pub(super) fn take_scaled(reading: &mut Option<HistogramReading>, sample: &Sample<'_>, value: f64) {
    if sample.name.ends_with("_sum") {
        let sum = &mut reading.get_or_insert_default().sum;
        *sum = Some(sum.unwrap_or(0.0) + value);
    } else if sample.name.ends_with("_bucket") {
        let buckets = &mut reading.get_or_insert_default().buckets;
        add(buckets, upper_bound(sample), value);
    }
}

fn add(buckets: &mut Vec<(f64, f64)>, bound: Option<f64>, count: f64) {
    let Some(bound) = bound else { return };
    let same = |(known, _): &&mut (f64, f64)| known.total_cmp(&bound).is_eq();
    if let Some((_, total)) = buckets.iter_mut().find(same) {
        *total += count;
    } else if buckets.len() < BUCKETS_MAX {
        buckets.push((bound, count));
    }
}

fn upper_bound(sample: &Sample<'_>) -> Option<f64> {
    let bound: f64 = sample.labels.get("le")?.parse().ok()?;
    (!bound.is_nan()).then_some(bound)
}

/// Puts the buckets in order.
pub(super) fn finish(reading: &mut Option<HistogramReading>) {
    if let Some(reading) = reading {
        reading
            .buckets
            .sort_by(|left, right| left.0.total_cmp(&right.0));
    }
}
