//! The bootstrap of blocks: neighbouring seconds of a run resemble each other (a compaction, a slow disk last for some), so that
//! drawing single seconds would make the mean look surer than it is.

use super::SplitMix;

/// A block is a quarter of the series at most, so that there are some to draw.
const BLOCKS_LEAST: usize = 4;

/// How many neighbours resemble each other: the lag from which on the autocorrelation is within chance (2 / √n), but at least the
/// third root of the length (Künsch), and at most a quarter of it.
pub fn block_length(series: &[f64]) -> usize {
    let count = series.len();
    let most = (count / BLOCKS_LEAST).max(1);
    let root = (1..=most).find(|length| length * length * length >= count);
    let chance = 2.0 / (count.max(1) as f64).sqrt();
    let resembles = (1..most).take_while(|lag| autocorrelation(series, *lag) > chance);
    (resembles.count() + 1).max(root.unwrap_or(most)).min(most)
}

/// How much values resemble those of `lag` places before, from -1 to 1; 0 of a series without variation.
fn autocorrelation(series: &[f64], lag: usize) -> f64 {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    let variation: f64 = series.iter().map(|value| (value - mean).powi(2)).sum();
    if variation <= 0.0 {
        return 0.0;
    }
    let pairs = series.iter().zip(series.iter().skip(lag));
    let together: f64 = pairs
        .map(|(before, after)| (before - mean) * (after - mean))
        .sum();
    together / variation
}

/// Draws `count` series anew from one, as indexes into it: blocks of `length` neighbours that begin anywhere (and go on at the
/// beginning behind the end), cut to the length of the series.
pub fn block_resamples(series: usize, length: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = SplitMix::new(seed);
    let one = |_| {
        let mut drawn = Vec::with_capacity(series + length);
        while drawn.len() < series {
            let first = random.below(series);
            drawn.extend((first..first + length.max(1)).map(|index| index % series));
        }
        drawn.truncate(series);
        drawn
    };
    (0..count).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_long_as_neighbours_resemble_each_other() {
        let mut random = SplitMix::new(3);
        let noise: Vec<f64> = (0..120).map(|_| random.below(1_000) as f64).collect();
        // The third root of 120, rounded up.
        assert_eq!(block_length(&noise), 5);
        let slow: Vec<f64> = (0..120).map(|second| f64::from(second / 20 % 2)).collect();
        assert!(block_length(&slow) > 8, "{}", block_length(&slow));
        assert!(block_length(&slow) <= 30);
        assert_eq!(block_length(&[1.0; 8]), 2);
        assert_eq!(block_length(&[]), 1);
    }

    #[test]
    fn resamples_are_made_of_neighbours() {
        let drawn = block_resamples(20, 5, 50, 1);
        assert_eq!(drawn, block_resamples(20, 5, 50, 1));
        for one in &drawn {
            assert_eq!(one.len(), 20);
            for block in one.chunks(5) {
                for pair in block.windows(2) {
                    assert_eq!((pair[0] + 1) % 20, pair[1]);
                }
            }
        }
        assert!(block_resamples(0, 5, 3, 1).iter().all(Vec::is_empty));
    }
}
