//! The normal distribution, as far as tests of many runs need it.

/// The probability that a normal variable lies at least `z` standard deviations from its mean, to either side.
///
/// Numerical Recipes' fit of erfc: its error is below 1.2e-7 of the value.
pub(super) fn beyond_both(z: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let fit = FIT.iter().rev().fold(0.0, |sum, term| sum * t + term);
    (t * (fit - x * x).exp()).min(1.0)
}

/// How many standard deviations lie within all but `share` of it, to both sides.
pub(super) fn deviations_beyond(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if beyond_both(middle) > share {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_table() {
        for (z, both) in [
            (0.0, 1.0),
            (1.0, 0.317_310_5),
            (1.959_964, 0.05),
            (2.575_829, 0.01),
            (3.290_527, 0.001),
        ] {
            assert!((beyond_both(z) - both).abs() < 1e-6, "{z}");
            assert!((beyond_both(-z) - both).abs() < 1e-6, "{z}");
        }
        assert!((deviations_beyond(0.05) - 1.959_964).abs() < 1e-4);
    }
}
