//! How far the values of one side lie from those of the other (Hodges and Lehmann), how sure that is, and how small a shift
//! could have been seen.

use super::mann_whitney::critical_u;
use super::{RESAMPLES, SplitMix, middle, quantile};

/// The share of resamples in which a shift must be seen to count as detectable: the usual power.
const POWER: f64 = 0.8;

/// An interval that holds the true value with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The median of all differences of a value of `b` and one of `a`: how far `b` lies above `a`. `None` where a side is empty.
pub fn hodges_lehmann(a: &[f64], b: &[f64]) -> Option<f64> {
    middle(&differences(a, b))
}

/// All differences, sorted.
fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    let of_all = b.iter().flat_map(|b| a.iter().map(move |a| b - a));
    let mut differences: Vec<f64> = of_all.collect();
    differences.sort_by(f64::total_cmp);
    differences
}

/// A 95 % interval of [`hodges_lehmann`]: a bootstrap over the runs (each side drawn anew from its own values), widened to the
/// interval that belongs to the rank test where that is wider, since a bootstrap of few values is too narrow.
///
/// `None` where there are too few values for any interval of 95 % (less than four a side).
pub fn shift_interval(a: &[f64], b: &[f64], seed: u64) -> Option<Interval> {
    let u = critical_u(a.len(), b.len(), 0.05)?;
    let sorted = differences(a, b);
    let of_test = (
        sorted.get(u)?,
        sorted.get(sorted.len().checked_sub(u + 1)?)?,
    );
    let mut random = SplitMix::new(seed);
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    let mut shifts: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            random.resample(a, &mut of_a);
            random.resample(b, &mut of_b);
            hodges_lehmann(&of_a, &of_b)
        })
        .collect();
    shifts.sort_by(f64::total_cmp);
    Some(Interval {
        low: quantile(&shifts, 0.025)?.min(*of_test.0),
        high: quantile(&shifts, 0.975)?.max(*of_test.1),
    })
}

/// The smallest shift that the rank test at this two-sided level would have shown in 8 of 10 cases, given how the values of each
/// side scatter. `None` where so few values can show none, however large.
pub fn detectable_shift(a: &[f64], b: &[f64], level: f64, seed: u64) -> Option<f64> {
    let u = critical_u(a.len(), b.len(), level)?;
    let (centred_a, centred_b) = (centred(a)?, centred(b)?);
    let mut random = SplitMix::new(seed);
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    let mut needed: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            random.resample(&centred_a, &mut of_a);
            random.resample(&centred_b, &mut of_b);
            // All but `u` of the pairs must have the value of b above.
            let sorted = differences(&of_b, &of_a);
            sorted.get(sorted.len().checked_sub(u + 1)?).copied()
        })
        .collect();
    needed.sort_by(f64::total_cmp);
    Some(quantile(&needed, POWER)?.max(0.0))
}

/// The values without their median, stretched by what few values fall short of the scatter they come from.
fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let middle = super::median(values)?;
    let count = values.len() as f64;
    let stretch = (count / (count - 1.0).max(1.0)).sqrt();
    let centred = values.iter().map(|value| (value - middle) * stretch);
    Some(centred.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shift_is_the_median_of_differences() {
        // Differences: 3-1, 3-2, 3-6, 8-1, 8-2, 8-6 = 2, 1, -3, 7, 6, 2.
        let shift = hodges_lehmann(&[1.0, 2.0, 6.0], &[3.0, 8.0]).unwrap();
        assert!((shift - 2.0).abs() < 1e-12);
        assert_eq!(hodges_lehmann(&[], &[1.0]), None);
    }

    #[test]
    fn an_interval_is_at_least_that_of_the_test() {
        let a = [10.0, 11.0, 12.0, 13.0, 14.0];
        let b = [20.0, 21.5, 22.0, 23.0, 24.5];
        let interval = shift_interval(&a, &b, 1).unwrap();
        // The third of the 25 differences from either end, as the tables of the test have it for 5 and 5.
        let sorted = differences(&a, &b);
        assert!(interval.low <= sorted[2] && interval.high >= sorted[22]);
        assert!(interval.low > 6.0 && interval.high < 15.0, "{interval:?}");
        assert_eq!(interval, shift_interval(&a, &b, 1).unwrap());
        assert_eq!(shift_interval(&a[..3], &b[..3], 1), None);
    }

    #[test]
    fn quiet_sides_show_small_shifts_and_few_values_show_none() {
        let quiet = [100.0, 100.1, 99.9, 100.05, 99.95, 100.02];
        let loud = [100.0, 120.0, 85.0, 105.0, 92.0, 111.0];
        let of_quiet = detectable_shift(&quiet, &quiet, 0.05, 1).unwrap();
        let of_loud = detectable_shift(&loud, &loud, 0.05, 1).unwrap();
        assert!((0.01..0.5).contains(&of_quiet), "{of_quiet}");
        assert!((10.0..60.0).contains(&of_loud), "{of_loud}");
        // A stricter level needs more.
        assert!(detectable_shift(&loud, &loud, 0.01, 1).unwrap() >= of_loud);
        assert_eq!(detectable_shift(&quiet[..3], &quiet[..3], 0.05, 1), None);
        let flat = [5.0; 6];
        assert_eq!(detectable_shift(&flat, &flat, 0.05, 1), Some(0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_is_moved_is_found_moved_and_swapped_sides_swap_the_sign(
            a in prop::collection::vec(-100.0..100.0_f64, 4..8),
            b in prop::collection::vec(-100.0..100.0_f64, 4..8),
            by in -50.0..50.0_f64,
        ) {
            let shift = hodges_lehmann(&a, &b).unwrap();
            prop_assert!((shift + hodges_lehmann(&b, &a).unwrap()).abs() < 1e-9);
            let moved: Vec<f64> = b.iter().map(|value| value + by).collect();
            prop_assert!((hodges_lehmann(&a, &moved).unwrap() - shift - by).abs() < 1e-9);
            if let Some(interval) = shift_interval(&a, &b, 7) {
                prop_assert!(interval.low <= shift && shift <= interval.high);
                let moved = shift_interval(&a, &moved, 7).unwrap();
                prop_assert!((moved.low - interval.low - by).abs() < 1e-9);
                prop_assert!((moved.high - interval.high - by).abs() < 1e-9);
            }
        }
    }
}
