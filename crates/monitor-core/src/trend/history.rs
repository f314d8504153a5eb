//! Trends of points as a history keeps them: samples as they were taken, or buckets of them.

use std::ops::Range;

use etcd_monitor_model::Point as Kept;
use jiff::Timestamp;

use super::{Comparison, Forecast, ForecastLimits, Point, compare, forecast, slope};

/// Compares the points of one series within two windows, such as this hour and the hour before it. A bucket counts as
/// one value: its mean. `None` when a window has fewer than 8 points.
pub fn compare_windows(
    points: &[Kept],
    before: &Range<Timestamp>,
    after: &Range<Timestamp>,
) -> Option<Comparison> {
    let within = |window: &Range<Timestamp>| -> Vec<f64> {
        let inside = points.iter().filter(|point| window.contains(&point.at));
        inside.map(|point| point.mean).collect()
    };
    compare(&within(before), &within(after))
}

/// When the bytes in use reach `quota_bytes`, from the histories of a member's bytes in use and allocated, each in the order
/// of their time.
///
/// What was before the latest defragmentation says nothing of the growth since. One shows as a fall of the allocated bytes
/// by more than `drop_share` (0 to 1).
pub fn forecast_quota(
    in_use: &[Kept],
    allocated: &[Kept],
    quota_bytes: f64,
    drop_share: f64,
    limits: &ForecastLimits,
) -> Forecast {
    let since = latest_drop(allocated, drop_share);
    let counts = |point: &&Kept| since.is_none_or(|since| point.at > since);
    let counted: Vec<&Kept> = in_use.iter().filter(counts).collect();
    let origin = counted
        .first()
        .map_or(Timestamp::UNIX_EPOCH, |point| point.at);
    let points: Vec<Point> = counted
        .iter()
        .map(|point| Point {
            seconds: point.at.duration_since(origin).as_secs_f64(),
            value: point.mean,
        })
        .collect();
    let mut latest = in_use.iter().rev().map(|point| point.mean);
    match latest.find(|value| value.is_finite()) {
        Some(value) => forecast(value, quota_bytes, slope(&points).as_ref(), limits),
        None => forecast(f64::NEG_INFINITY, quota_bytes, None, limits),
    }
}

/// The last point before the latest fall by more than `drop_share`, or the bucket in which it lies.
fn latest_drop(points: &[Kept], drop_share: f64) -> Option<Timestamp> {
    let kept_share = 1.0 - drop_share;
    let mut pairs = points.windows(2).rev();
    pairs.find_map(|pair| {
        let [before, after] = pair else { return None };
        let floor = before.min * kept_share;
        match (after.min < floor, after.max < floor) {
            (_, true) => Some(before.at),
            (true, false) => Some(after.at),
            (false, false) => None,
        }
    })
}
