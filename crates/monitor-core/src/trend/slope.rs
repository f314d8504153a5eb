//! How fast a value grows, whatever single samples say.

use serde::{Deserialize, Serialize};

use super::Point;

/// Points that slopes are taken between; more are reduced to the medians of as many stretches. 40 points have 780 pairs,
/// which bounds the work.
const POINTS_MAX: usize = 40;

/// Two-sided 95 % quantile of the normal distribution.
const Z_95: f64 = 1.96;

/// A robust slope (Theil-Sen: the median of the slopes between all pairs of points) with its 95 % confidence interval
/// (Sen 1968, by Kendall's variance). A quarter of the points may be wild without moving it far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Slope {
    /// Units per second.
    pub per_second: f64,
    /// Lower end of the interval, in units per second.
    pub low: f64,
    /// Upper end of the interval, in units per second.
    pub high: f64,
    /// Samples that it rests on.
    pub samples: usize,
    /// Seconds between the first and the last of them.
    pub span_seconds: f64,
}

impl Slope {
    /// True when the whole interval lies above zero.
    pub fn clearly_grows(&self) -> bool {
        self.low > 0.0
    }
}

/// The robust slope of points in the order of their time. `None` without two finite points at different times.
pub fn slope(points: &[Point]) -> Option<Slope> {
    let finite: Vec<Point> = points
        .iter()
        .copied()
        .filter(|point| point.seconds.is_finite() && point.value.is_finite())
        .collect();
    let (first, last) = (finite.first()?, finite.last()?);
    let condensed = condense(&finite);
    let mut slopes = pair_slopes(&condensed);
    slopes.sort_by(f64::total_cmp);
    let (low, high) = interval(&slopes, condensed.len())?;
    Some(Slope {
        per_second: median_of_sorted(&slopes)?,
        low,
        high,
        samples: finite.len(),
        span_seconds: (last.seconds - first.seconds).max(0.0),
    })
}

/// At most [`POINTS_MAX`] points: the median value of each stretch, at the mean of its times.
fn condense(points: &[Point]) -> Vec<Point> {
    let stretch = points.len().div_ceil(POINTS_MAX).max(1);
    points.chunks(stretch).filter_map(middle).collect()
}

fn middle(points: &[Point]) -> Option<Point> {
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_by(f64::total_cmp);
    let seconds = points.iter().map(|point| point.seconds).sum::<f64>() / points.len() as f64;
    Some(Point {
        seconds,
        value: median_of_sorted(&values)?,
    })
}

fn pair_slopes(points: &[Point]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (index, left) in points.iter().enumerate() {
        for right in points.iter().skip(index + 1) {
            let slope = (right.value - left.value) / (right.seconds - left.seconds);
            if slope.is_finite() && right.seconds > left.seconds {
                slopes.push(slope);
            }
        }
    }
    slopes
}

/// The slopes at the ranks (N ± z √var) / 2, where var is the variance of Kendall's S for `points` points.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both ranks are clamped to the length before they index"
)]
fn interval(sorted: &[f64], points: usize) -> Option<(f64, f64)> {
    let last = sorted.len().checked_sub(1)?;
    let count = points as f64;
    let spread = Z_95 * (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    let pairs = sorted.len() as f64;
    let low = (((pairs - spread) / 2.0).floor().max(0.0) as usize).min(last);
    let high = (f64::midpoint(pairs, spread).ceil().max(0.0) as usize).min(last);
    Some((*sorted.get(low)?, *sorted.get(high)?))
}

/// The median of sorted values; `None` without any.
pub(super) fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some(lower / 2.0 + upper / 2.0)
}
