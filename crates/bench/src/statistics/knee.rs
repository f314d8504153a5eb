//! Where a curve that rises ever faster has its knee: Kneedle (V. Satopää and others, 2011), for points that are all there.

/// A knee counts where the curve falls away from it by so many mean distances of its points (Kneedle's S).
const SENSITIVITY: f64 = 1.0;

/// A curve whose highest point is not so many times its lowest has no knee worth the name: it is noise.
const RISE_LEAST: f64 = 2.0;

/// The index of the knee of a curve: the last point before what it costs rises steeply. Points are in order of the first number;
/// `None` where there are fewer than four, where they do not rise, or where no point stands out.
pub fn knee(points: &[(f64, f64)]) -> Option<usize> {
    let (first, last) = (points.first()?, points.last()?);
    let lowest = points.iter().map(|(_, y)| *y).reduce(f64::min)?;
    let highest = points.iter().map(|(_, y)| *y).reduce(f64::max)?;
    let is_rising = lowest > 0.0 && highest >= RISE_LEAST * lowest && last.1 > first.1;
    let width = last.0 - first.0;
    if points.len() < 4 || !is_rising || width <= 0.0 {
        return None;
    }
    // How far a point lies below the line from the lowest corner to the highest one.
    let below: Vec<f64> = points
        .iter()
        .map(|(x, y)| (x - first.0) / width - (y - lowest) / (highest - lowest))
        .collect();
    let index = (0..below.len()).max_by(|one, other| {
        let at = |index: &usize| below.get(*index).copied().unwrap_or(f64::MIN);
        at(one).total_cmp(&at(other))
    })?;
    let falls_to = below.iter().skip(index).copied().reduce(f64::min)?;
    let distance = 1.0 / (points.len() - 1) as f64;
    let is_inside = index > 0 && index + 1 < points.len();
    let stands_out = below.get(index)? - falls_to > SENSITIVITY * distance;
    (is_inside && stands_out).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(curve: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..=100)
            .map(|step| f64::from(step) / 100.0)
            .map(|x| (x, curve(x)))
            .collect()
    }

    #[test]
    fn the_knee_is_where_the_curve_lies_farthest_below_its_line() {
        // x - x²: highest at 1/2. x - x⁴: where 4x³ = 1. Both scaled, and moved up.
        assert_eq!(knee(&of(|x| 1.0 + 9.0 * x.powi(2))), Some(50));
        assert_eq!(knee(&of(|x| 3.0 + 40.0 * x.powi(4))), Some(63));
        // A queue: 1 / (1 - load). The line is as steep as the curve where (1 - load)² = 0.01.
        let queue: Vec<(f64, f64)> = (0..100)
            .map(|step| f64::from(step) / 100.0)
            .map(|load| (load, 1.0 / (1.0 - load)))
            .collect();
        assert_eq!(knee(&queue), Some(90));
    }

    #[test]
    fn lines_noise_and_few_points_have_none() {
        assert_eq!(knee(&of(|x| 1.0 + 9.0 * x)), None);
        assert_eq!(knee(&of(|x| 10.0 + 0.5 * (x * 60.0).sin())), None);
        assert_eq!(knee(&of(|x| 10.0 - 9.0 * x)), None);
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 1.0), (3.0, 9.0)]), None);
        assert_eq!(knee(&[]), None);
        let few = [(1.0, 2.0), (2.0, 2.1), (3.0, 2.2), (4.0, 90.0)];
        assert_eq!(knee(&few), Some(2));
    }
}
