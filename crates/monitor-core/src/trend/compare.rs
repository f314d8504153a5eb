//! A window of values against the window before it.

use std::cmp::Ordering;

use super::slope::median_of_sorted;

/// Fewest values on each side: below it the normal approximation of the test does not hold.
const VALUES_MIN: usize = 8;

/// Two windows of values and how likely their difference is chance (Mann-Whitney U, two-sided, by the normal
/// approximation with corrections for ties and continuity). It compares ranks, so one wild value moves nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The window before.
    pub before: Side,
    /// The window to judge.
    pub after: Side,
    /// Median after / median before; `None` where the median before is not above zero.
    pub ratio: Option<f64>,
    /// Probability of a difference at least this large where both windows are alike: 0 to 1.
    pub p_value: f64,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Number of values.
    pub n: usize,
    /// Their median.
    pub median: f64,
}

impl Comparison {
    /// True when the later window is larger by at least the factor `ratio_min`, and chance explains that with a
    /// probability below `p_max` only.
    pub fn rose(&self, ratio_min: f64, p_max: f64) -> bool {
        self.p_value < p_max && self.ratio.is_some_and(|ratio| ratio >= ratio_min)
    }
}

/// Compares two windows. Values that are not finite are left out; `None` when fewer than 8 are left on a side.
pub fn compare(before: &[f64], after: &[f64]) -> Option<Comparison> {
    let (before, after) = (sorted(before), sorted(after));
    if before.len() < VALUES_MIN || after.len() < VALUES_MIN {
        return None;
    }
    let side = |values: &[f64]| {
        median_of_sorted(values).map(|median| Side {
            n: values.len(),
            median,
        })
    };
    let (left, right) = (side(&before)?, side(&after)?);
    let ratio = right.median / left.median;
    Some(Comparison {
        before: left,
        after: right,
        ratio: (left.median > 0.0 && ratio.is_finite()).then_some(ratio),
        p_value: p_value(&before, &after),
    })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    finite.sort_by(f64::total_cmp);
    finite
}

fn p_value(before: &[f64], after: &[f64]) -> f64 {
    let (m, n) = (before.len() as f64, after.len() as f64);
    let (rank_sum, ties) = ranks(before, after);
    let u = rank_sum - m * (m + 1.0) / 2.0;
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        // Every value is the same: nothing differs.
        return 1.0;
    }
    let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
    two_sided(distance / variance.sqrt())
}

/// Sum of the ranks of `before` among all values, ties at their mean rank, and Σ (t³ - t) over groups of t equal values.
fn ranks(before: &[f64], after: &[f64]) -> (f64, f64) {
    let mut all: Vec<(f64, bool)> = before.iter().map(|value| (*value, true)).collect();
    all.extend(after.iter().map(|value| (*value, false)));
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (mut rank_sum, mut ties, mut ranked) = (0.0, 0.0, 0.0);
    // Zeros of both signs are one value.
    let equal = |left: &(f64, bool), right: &(f64, bool)| {
        left.0.partial_cmp(&right.0) == Some(Ordering::Equal)
    };
    for group in all.chunk_by(equal) {
        let size = group.len() as f64;
        let mean_rank = ranked + f64::midpoint(size, 1.0);
        rank_sum += mean_rank * group.iter().filter(|(_, before)| *before).count() as f64;
        ties += size * size * size - size;
        ranked += size;
    }
    (rank_sum, ties)
}

/// 2 (1 - Φ(z)) = erfc(z / √2) for z ≥ 0, by Abramowitz and Stegun 7.1.26; off by less than 1.5e-7.
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (polynomial * (-x * x).exp()).clamp(0.0, 1.0)
}
