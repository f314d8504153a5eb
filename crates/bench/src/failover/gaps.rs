//! Times without any answer, from one bit for each 10 ms.

use std::collections::BTreeMap;

use super::Gap;

/// Bins of a second.
pub(crate) const BINS: u32 = 100;

/// Gaps that are kept: the longest ones.
const GAPS_MAX: usize = 200;

/// The gaps of two bins or more up to the end of the window, in the order of time. `answered` has the bins of each second in
/// which something was answered, the first in the lowest bit; a second that is not there has none.
pub(crate) fn gaps(answered: &BTreeMap<u64, u128>, window_seconds: f64) -> Vec<Gap> {
    // Planned times are a year at most.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a year has far fewer bins"
    )]
    let end = (window_seconds * f64::from(BINS)).round() as u64;
    let mut gaps = Vec::new();
    let mut free_from = 0;
    for (second, bins) in answered {
        for bin in 0..BINS {
            let at = second * u64::from(BINS) + u64::from(bin);
            if bins >> bin & 1 == 0 || at >= end {
                continue;
            }
            add(&mut gaps, free_from, at, false);
            free_from = at + 1;
        }
    }
    add(&mut gaps, free_from, end, true);
    gaps
}

fn add(gaps: &mut Vec<Gap>, from: u64, to: u64, is_open: bool) {
    if to < from + 2 {
        return;
    }
    let seconds = |bin: u64| bin as f64 / f64::from(BINS);
    gaps.push(Gap {
        from_seconds: seconds(from),
        to_seconds: seconds(to),
        is_open,
    });
    if gaps.len() > GAPS_MAX {
        let shortest = gaps
            .iter()
            .enumerate()
            .min_by(|one, other| one.1.seconds().total_cmp(&other.1.seconds()));
        if let Some(at) = shortest.map(|(at, _)| at) {
            gaps.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(answered: &[(u64, u128)], window_seconds: f64) -> Vec<(f64, f64, bool)> {
        let answered = answered.iter().copied().collect();
        let gaps = gaps(&answered, window_seconds);
        let span = |gap: &Gap| (gap.from_seconds, gap.to_seconds, gap.is_open);
        gaps.iter().map(span).collect()
    }

    const FULL: u128 = (1 << BINS) - 1;

    #[test]
    fn a_gap_is_what_lies_between_answers_over_seconds_and_to_the_end() {
        assert_eq!(spans(&[(0, FULL), (1, FULL)], 2.0), []);
        let first_half = FULL >> 50;
        assert_eq!(
            spans(&[(0, first_half), (2, FULL)], 3.0),
            [(0.5, 2.0, false)]
        );
        assert_eq!(spans(&[(0, first_half)], 3.0), [(0.5, 3.0, true)]);
        assert_eq!(spans(&[], 1.5), [(0.0, 1.5, true)]);
        // One empty bin is the resolution, not a gap.
        assert_eq!(spans(&[(0, FULL & !(1 << 7))], 1.0), []);
        // What was answered after the end closes nothing.
        assert_eq!(
            spans(&[(0, first_half), (1, FULL)], 1.0),
            [(0.5, 1.0, true)]
        );
    }

    #[test]
    fn the_longest_are_kept() {
        let odd = (0..BINS)
            .step_by(4)
            .fold(0_u128, |bins, bin| bins | 1 << bin);
        let mut answered: BTreeMap<u64, u128> = (0..100).map(|second| (second, odd)).collect();
        answered.remove(&50);
        let gaps = gaps(&answered, 100.0);
        assert_eq!(gaps.len(), GAPS_MAX);
        assert!(gaps.iter().any(|gap| gap.seconds() > 0.9));
        assert!(gaps.is_sorted_by(|one, other| one.from_seconds < other.from_seconds));
    }
}
