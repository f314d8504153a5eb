//! The statistics of runs: pure functions, without a clock and with fixed seeds, so that the same input gives the same output.
//!
//! Latencies and throughputs of runs are few, skewed, and of no known distribution: what stands here needs none. Sources: H. B.
//! Mann and D. R. Whitney 1947, J. L. Hodges and E. L. Lehmann 1963, S. Holm 1979, H. R. Künsch 1989 (blocks), V.
//! Satopää and others 2011 (knee).

mod blocks;
mod knee;
mod mann_whitney;
mod normal;
mod random;
mod shift;

pub use blocks::{block_length, block_resamples};
pub use knee::knee;
pub use mann_whitney::{MannWhitney, critical_u, mann_whitney};
pub(crate) use random::SplitMix;
pub use shift::{Interval, detectable_shift, hodges_lehmann, shift_interval};

/// Resamples of a bootstrap: at 2,000 the ends of a 95 % interval move by a few hundredths of its width from seed to seed.
pub const RESAMPLES: usize = 2_000;

/// The median; the mean of both in the middle where the number is even; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle(&sorted)
}

/// The median of sorted values.
fn middle(sorted: &[f64]) -> Option<f64> {
    let high = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(high);
    }
    let low = *sorted.get(sorted.len() / 2 - 1)?;
    Some(f64::midpoint(low, high))
}

/// The value that a share (0 to 1) of sorted values does not exceed.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    // Both are small, and the product is not negative.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of an index is an index"
    )]
    let index = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
    sorted.get(index.min(last)).copied()
}

/// Corrects probabilities of error for being several (Holm): each is what it takes to reject its hypothesis while all
/// wrong rejections together stay below that level. In the order of the input.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let p = |index: usize| p_values.get(index).copied().unwrap_or(1.0);
    order.sort_by(|one, other| p(*one).total_cmp(&p(*other)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut most = 0.0_f64;
    for (before, index) in order.into_iter().enumerate() {
        let remaining = p_values.len() - before;
        most = most.max(remaining as f64 * p(index)).min(1.0);
        if let Some(place) = adjusted.get_mut(index) {
            *place = most;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        for (one, other) in found.iter().zip(wanted) {
            assert!((one - other).abs() < 1e-12, "{found:?} is not {wanted:?}");
        }
    }

    #[test]
    fn holm_is_as_worked_by_hand() {
        // 0.01 × 4; 0.02 × 3; 0.03 × 2 = 0.06, not below the one before; 0.04 × 1, likewise.
        close(&holm(&[0.04, 0.01, 0.03, 0.02]), &[0.06, 0.04, 0.06, 0.06]);
        close(&holm(&[0.5, 0.9]), &[1.0, 1.0]);
        close(&holm(&[0.03]), &[0.03]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
    }
}
