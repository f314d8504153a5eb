//! Quantiles of what happened between two readings of a histogram.

/// The cumulative buckets of one Prometheus histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// (upper bound, observations at or below it), ascending; the last bound is infinite.
    buckets: Vec<(f64, f64)>,
}

impl Buckets {
    /// Takes the (upper bound, cumulative count) pairs of one series in any order.
    ///
    /// `None` when they are no histogram: no infinite bucket, a bound twice, or counts that are negative, not numbers, or
    /// fall.
    pub fn new(mut buckets: Vec<(f64, f64)>) -> Option<Self> {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let bounds_rise = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let counts_grow = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        let counts_fit = buckets
            .iter()
            .all(|(_, count)| count.is_finite() && *count >= 0.0);
        let ends_infinite = buckets
            .last()
            .is_some_and(|(bound, _)| *bound == f64::INFINITY);
        let valid = bounds_rise && counts_grow && counts_fit && ends_infinite;
        valid.then_some(Self { buckets })
    }

    /// The (upper bound, cumulative count) pairs, ascending; the last bound is infinite.
    pub fn as_slice(&self) -> &[(f64, f64)] {
        &self.buckets
    }

    /// What was observed between an older reading and this one.
    ///
    /// `None` when the counter was reset in between (a count fell: the member restarted) or the bounds are others.
    pub fn difference(&self, older: &Self) -> Option<Self> {
        if self.buckets.len() != older.buckets.len() {
            return None;
        }
        let pairs = self.buckets.iter().zip(&older.buckets);
        let difference: Option<Vec<_>> = pairs
            .map(|(new, old)| {
                let same_bound = new.0.total_cmp(&old.0).is_eq();
                (same_bound && new.1 >= old.1).then_some((new.0, new.1 - old.1))
            })
            .collect();
        Self::new(difference?)
    }

    /// All observations.
    pub fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    /// The value that the share `q` (0 to 1) of the observations does not exceed, as Prometheus' `histogram_quantile`
    /// has it: linear between the bounds of the bucket, from 0 in the first one; the last finite bound when it lies in
    /// the infinite bucket. `None` without observations, without a finite bound, or with `q` outside its range.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.count();
        if !(0.0..=1.0).contains(&q) || total <= 0.0 || self.buckets.len() < 2 {
            return None;
        }
        let rank = q * total;
        let at = self.buckets.partition_point(|(_, count)| *count < rank);
        let last_finite = self.buckets.len() - 2;
        if at > last_finite {
            return Some(self.buckets[last_finite].0);
        }
        let (upper, count) = self.buckets[at];
        let (lower, below) = match at.checked_sub(1) {
            Some(before) => self.buckets[before],
            None if upper <= 0.0 => return Some(upper),
            None => (0.0, 0.0),
        };
        let inside = count - below;
        // An empty bucket is met only at rank 0.
        if inside <= 0.0 {
            Some(lower)
        } else {
            Some(lower + (upper - lower) * (rank - below) / inside)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INF: f64 = f64::INFINITY;

    fn buckets(pairs: &[(f64, f64)]) -> Buckets {
        Buckets::new(pairs.to_vec()).unwrap()
    }

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        // From prometheus promql/promqltest/testdata/histograms.test, testhistogram positive:
        // {le .1} 5, .2 7, 1e0 9, +Inf 12.
        let h = buckets(&[(0.1, 5.0), (0.2, 7.0), (1.0, 9.0), (INF, 12.0)]);
        assert!(close(h.quantile(0.0), 0.0));
        assert!(close(h.quantile(0.2), 0.048));
        assert!(close(h.quantile(0.5), 0.15));
        assert!(close(h.quantile(0.8), 1.0));
        assert!(close(h.quantile(1.0), 1.0));
        assert_eq!(
            (h.quantile(-0.1), h.quantile(1.1), h.quantile(f64::NAN)),
            (None, None, None)
        );
    }

    #[test]
    fn negative_bounds_are_not_interpolated_from_zero() {
        let h = buckets(&[(-0.2, 1.0), (-0.1, 2.0), (0.3, 2.0), (INF, 3.0)]);
        assert!(close(h.quantile(0.2), -0.2));
        assert!(close(h.quantile(0.5), -0.15));
    }

    #[test]
    fn without_observations_there_is_no_quantile() {
        assert_eq!(buckets(&[(1.0, 0.0), (INF, 0.0)]).quantile(0.5), None);
        assert_eq!(buckets(&[(INF, 3.0)]).quantile(0.5), None);
    }

    #[test]
    fn a_difference_is_what_came_in_between() {
        let old = buckets(&[(1.0, 10.0), (2.0, 10.0), (INF, 10.0)]);
        let new = buckets(&[(1.0, 10.0), (2.0, 14.0), (INF, 14.0)]);
        let difference = new.difference(&old).unwrap();
        assert!(close(Some(difference.count()), 4.0));
        assert!(close(difference.quantile(0.5), 1.5));
    }

    #[test]
    fn a_reset_or_another_layout_has_no_difference() {
        let old = buckets(&[(1.0, 10.0), (INF, 10.0)]);
        assert_eq!(buckets(&[(1.0, 3.0), (INF, 12.0)]).difference(&old), None);
        assert_eq!(buckets(&[(2.0, 20.0), (INF, 20.0)]).difference(&old), None);
        assert_eq!(buckets(&[(INF, 20.0)]).difference(&old), None);
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        for pairs in [
            vec![],
            vec![(1.0, 1.0)],
            vec![(1.0, 2.0), (INF, 1.0)],
            vec![(1.0, 1.0), (1.0, 1.0), (INF, 1.0)],
            vec![(1.0, f64::NAN), (INF, 1.0)],
            vec![(1.0, -1.0), (INF, 1.0)],
            vec![(f64::NAN, 1.0), (INF, 1.0)],
        ] {
            assert_eq!(Buckets::new(pairs.clone()), None, "{pairs:?}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_lie_between_the_bounds_and_rise(
            mut counts in prop::collection::vec(0u32..1000, 4),
            a in 0.0f64..=1.0,
            b in 0.0f64..=1.0,
        ) {
            counts.sort_unstable();
            let bounds = [0.001, 0.002, 0.004, INF];
            let h = buckets(&bounds.into_iter().zip(counts.iter().map(|c| f64::from(*c))).collect::<Vec<_>>());
            if let (Some(low), Some(high)) = (h.quantile(a.min(b)), h.quantile(a.max(b))) {
                prop_assert!((0.0..=0.004).contains(&low) && low <= high + 1e-12);
            } else {
                prop_assert!(h.count() == 0.0);
            }
        }
    }
}
