//! The rank test of Mann and Whitney (also of Wilcoxon): whether values of one side tend to be larger than those of the other.

use super::normal;

/// Values of both sides up to which the distribution is counted out: more cost time, and the normal one is close by then.
const EXACT_VALUES_MAX: usize = 40;

/// What the test found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MannWhitney {
    /// Pairs in which the value of the second side is the larger one; an equal pair counts as half.
    pub u: f64,
    /// The probability of a U at least as far from the middle, to either side, where the sides do not differ.
    pub p: f64,
    /// True where that was counted out; false where it is the normal approximation.
    pub is_exact: bool,
}

/// Tests whether values of `b` tend to be larger or smaller than those of `a`, two-sided. `None` where a side is empty.
///
/// Exact for up to 40 values of both sides together, equal values included (each arrangement of the values that occurred is
/// counted); beyond that the normal approximation with corrections for ties and continuity.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<MannWhitney> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let ranks = doubled_ranks(a, b);
    let of_b: usize = ranks.iter().skip(a.len()).sum();
    let least = b.len() * (b.len() + 1);
    let u = (of_b - least.min(of_b)) as f64 / 2.0;
    let is_exact = ranks.len() <= EXACT_VALUES_MAX;
    let p = if is_exact {
        let middle = b.len() * (ranks.len() + 1);
        let as_far = |sum: usize| sum.abs_diff(middle) >= of_b.abs_diff(middle);
        share_of_subsets(&ranks, b.len(), as_far)
    } else {
        approximate(&ranks, (a.len() * b.len()) as f64, u)
    };
    Some(MannWhitney { u, p, is_exact })
}

/// Twice the rank of each value among all, those of `a` first: equal ones share the mean of their ranks.
fn doubled_ranks(a: &[f64], b: &[f64]) -> Vec<usize> {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let rank = |value: &f64| {
        let below = all
            .iter()
            .filter(|other| other.total_cmp(value).is_lt())
            .count();
        let equal = all
            .iter()
            .filter(|other| other.total_cmp(value).is_eq())
            .count();
        2 * below + equal + 1
    };
    all.iter().map(rank).collect()
}

/// Which share of the ways to choose `size` of the ranks has a sum that fits.
fn share_of_subsets(ranks: &[usize], size: usize, fits: impl Fn(usize) -> bool) -> f64 {
    let sums = ways_by_sum(ranks, size);
    let fitting = sums.iter().enumerate().filter(|(sum, _)| fits(*sum));
    fitting.map(|(_, ways)| ways).sum::<f64>() / sums.iter().sum::<f64>()
}

/// In how many ways `size` of the ranks can be chosen, by their sum.
fn ways_by_sum(ranks: &[usize], size: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    // ways[k][sum]: counts up to 40 choose 20 are exact in 53 bits.
    let mut ways = vec![vec![0.0_f64; most + 1]; size + 1];
    if let Some(none) = ways.first_mut().and_then(|sums| sums.first_mut()) {
        *none = 1.0;
    }
    for rank in ranks {
        for chosen in (1..=size).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            let (Some(before), Some(after)) = (fewer.last(), more.first_mut()) else {
                continue;
            };
            for (to, from) in after.iter_mut().skip(*rank).zip(before) {
                *to += from;
            }
        }
    }
    ways.pop().unwrap_or_default()
}

fn approximate(ranks: &[usize], pairs: f64, u: f64) -> f64 {
    let all = ranks.len() as f64;
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    let ties = sorted.chunk_by(|one, other| one == other);
    let ties: f64 = ties
        .map(|equal| equal.len() as f64)
        .map(|count| count.powi(3) - count)
        .sum();
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let far = ((u - pairs / 2.0).abs() - 0.5).max(0.0);
    normal::beyond_both(far / variance.sqrt())
}

/// The largest U (the smaller one of both sides) at which the test rejects at this two-sided level, where no values are equal;
/// `None` where there are too few values for any to do.
pub fn critical_u(n: usize, m: usize, level: f64) -> Option<usize> {
    if n == 0 || m == 0 {
        return None;
    }
    if n + m > EXACT_VALUES_MAX {
        let pairs = (n * m) as f64;
        let deviation = (pairs / 12.0 * (n + m + 1) as f64).sqrt();
        let far = normal::deviations_beyond(level) * deviation;
        return at_most((pairs / 2.0 - far - 0.5).floor());
    }
    let ranks: Vec<usize> = (1..=n + m).collect();
    let ways = ways_by_sum(&ranks, m);
    let rare = level / 2.0 * ways.iter().sum::<f64>();
    let least = m * (m + 1) / 2;
    let so_far = ways.iter().skip(least).scan(0.0, |sum, ways| {
        *sum += ways;
        Some(*sum)
    });
    so_far
        .take_while(|ways| *ways <= rare)
        .count()
        .checked_sub(1)
}

fn at_most(value: f64) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of pairs that is not negative"
    )]
    (value >= 0.0).then_some(value as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn critical_values_are_those_of_the_published_table() {
        // Two-sided 0.05 and 0.01, as in Mann and Whitney's table and every textbook since.
        for (n, m, at_5, at_1) in [
            (3, 3, None, None),
            (4, 4, Some(0), None),
            (5, 5, Some(2), Some(0)),
            (6, 6, Some(5), Some(2)),
            (5, 8, Some(6), Some(2)),
            (7, 9, Some(12), Some(7)),
            (10, 10, Some(23), Some(16)),
            (15, 15, Some(64), Some(51)),
            (20, 20, Some(127), Some(105)),
        ] {
            assert_eq!(critical_u(n, m, 0.05), at_5, "{n} and {m} at 5 %");
            assert_eq!(critical_u(n, m, 0.01), at_1, "{n} and {m} at 1 %");
        }
        assert_eq!(critical_u(0, 5, 0.05), None);
    }

    #[test]
    fn probabilities_are_as_counted_by_hand() {
        // All of one side above: 2 of the 252 ways to choose 5 of 10.
        let apart = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
        assert!((apart.u - 25.0).abs() < 1e-12 && apart.is_exact);
        assert!((apart.p - 2.0 / 252.0).abs() < 1e-12);
        // 3 and 2 values with a tie in the middle: ranks 1, 2.5, 4 and 2.5, 5. Of the 10 pairs of ranks, the sum
        // 7.5 is 1.5 from the middle 6; so far or farther are 3.5 (twice), 7.5 (twice), 9 and no others.
        let tied = mann_whitney(&[1.0, 2.0, 3.0], &[2.0, 4.0]).unwrap();
        assert!((tied.u - 4.5).abs() < 1e-12);
        assert!((tied.p - 0.5).abs() < 1e-12, "{}", tied.p);
        let equal = mann_whitney(&[1.0; 5], &[1.0; 5]).unwrap();
        assert!((equal.p - 1.0).abs() < 1e-12);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }

    #[test]
    fn many_values_are_close_to_the_normal_distribution() {
        let a: Vec<f64> = (0..30).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|value| value + 5.5).collect();
        let many = mann_whitney(&a, &b).unwrap();
        assert!(!many.is_exact);
        // U = 900 - sum of (30 - d) over the differences that stay below: 900 / 2 + 150 = 600 by counting pairs.
        let counted = a
            .iter()
            .flat_map(|a| b.iter().map(move |b| f64::from(u8::from(b > a))))
            .sum::<f64>();
        assert!((many.u - counted).abs() < 1e-9);
        let z = (counted - 450.0 - 0.5) / (900.0_f64 / 12.0 * 61.0).sqrt();
        assert!((many.p - normal::beyond_both(z)).abs() < 1e-12);
        let flat = mann_whitney(&[1.0; 30], &[1.0; 30]).unwrap();
        assert!((flat.p - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn sides_may_be_swapped_and_scales_do_not_matter(
            a in prop::collection::vec(0_u8..20, 1..9),
            b in prop::collection::vec(0_u8..20, 1..9),
        ) {
            let a: Vec<f64> = a.into_iter().map(f64::from).collect();
            let b: Vec<f64> = b.into_iter().map(f64::from).collect();
            let one = mann_whitney(&a, &b).unwrap();
            let other = mann_whitney(&b, &a).unwrap();
            prop_assert!((one.p - other.p).abs() < 1e-9);
            prop_assert!((one.u + other.u - (a.len() * b.len()) as f64).abs() < 1e-9);
            prop_assert!((0.0..=1.0 + 1e-9).contains(&one.p));
            let scaled = |side: &[f64]| side.iter().map(|value| (value * 0.1).exp()).collect::<Vec<_>>();
            let again = mann_whitney(&scaled(&a), &scaled(&b)).unwrap();
            prop_assert!((one.p - again.p).abs() < 1e-9);
        }
    }
}
