//! At most so many points for a range: what is more goes into buckets, each with minimum, maximum, mean and count.

use etcd_monitor_model::{HistoryQuery, Point};
use jiff::Timestamp;

use crate::tier::{TIERS, tier_for};

/// Takes points in the order of their time, and gives them back as they are while they are few enough, else in buckets.
#[derive(Debug)]
pub(crate) struct Thinner {
    grid: Grid,
    thinned: bool,
    points: Vec<Point>,
}

/// How a range is cut into buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Where the first bucket begins, in Unix milliseconds.
    start: i64,
    /// Width of a bucket in milliseconds.
    pub(crate) width: i64,
    most: u32,
}

impl Grid {
    /// The buckets for a query; `None` where it wants everything.
    pub(crate) fn of(query: &HistoryQuery) -> Option<Self> {
        let most = query.max_points?;
        let (start, end) = (query.start.as_millisecond(), query.end.as_millisecond());
        Some(Self::new(start, end, most))
    }

    /// At most `most` buckets that hold `start..end`. Where they can be made of buckets of a tier, they are whole ones.
    fn new(start: i64, end: i64, most: u32) -> Self {
        let step = TIERS[tier_for(bucket_width(start, end, most))];
        let start = start.div_euclid(step) * step;
        let width = (bucket_width(start, end, most) - 1) / step * step + step;
        Self { start, width, most }
    }
}

impl Thinner {
    /// For the points of a range.
    pub(crate) fn new(grid: Grid) -> Self {
        Self {
            grid,
            thinned: false,
            points: Vec::new(),
        }
    }

    /// Takes the next point.
    pub(crate) fn push(&mut self, point: Point) {
        if self.thinned {
            self.fold(point);
        } else if self.points.len() < self.grid.most as usize {
            self.points.push(point);
        } else {
            self.thinned = true;
            for earlier in std::mem::take(&mut self.points) {
                self.fold(earlier);
            }
            self.fold(point);
        }
    }

    /// The points, when all are in.
    pub(crate) fn finish(self) -> Vec<Point> {
        self.points
    }

    fn fold(&mut self, point: Point) {
        let Grid { start, width, .. } = self.grid;
        let since = point.at.as_millisecond() - start;
        let begin = start + since.div_euclid(width) * width;
        let at = Timestamp::from_millisecond(begin).unwrap_or(point.at);
        match self.points.last_mut() {
            Some(bucket) if bucket.at == at => *bucket = joined(bucket, &point),
            _ => self.points.push(Point { at, ..point }),
        }
    }
}

/// Width of a bucket in milliseconds when `start..end` is cut into `most`; at least 1.
pub(crate) fn bucket_width(start: i64, end: i64, most: u32) -> i64 {
    let range = end.saturating_sub(start).max(1);
    let most = i64::from(most.max(1));
    (range - 1) / most + 1
}

/// Two buckets, or samples, as one that begins with the first.
pub(crate) fn joined(one: &Point, other: &Point) -> Point {
    let count = one.count.saturating_add(other.count);
    let sum = one.mean * f64::from(one.count) + other.mean * f64::from(other.count);
    Point {
        at: one.at,
        min: one.min.min(other.min),
        max: one.max.max(other.max),
        mean: sum / f64::from(count.max(1)),
        count,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn thin(times: &[i64], end: i64, most: u32) -> Vec<Point> {
        let mut thinner = Thinner::new(Grid::new(0, end, most));
        for time in times {
            thinner.push(Point::sample(
                Timestamp::from_millisecond(*time).unwrap(),
                *time as f64,
            ));
        }
        thinner.finish()
    }

    #[test]
    fn few_points_stay_as_they_are() {
        assert_eq!(thin(&[1, 5, 9], 10, 3).len(), 3);
        assert!(thin(&[1, 5, 9], 10, 3).iter().all(|it| it.count == 1));
    }

    proptest! {
        #[test]
        fn no_sample_is_lost_and_the_limit_holds(
            mut times in prop::collection::vec(0_i64..10_000, 1..300),
            most in 1_u32..50,
        ) {
            times.sort_unstable();
            let points = thin(&times, 10_000, most);
            prop_assert!(points.len() <= most as usize);
            prop_assert_eq!(points.iter().map(|it| it.count as usize).sum::<usize>(), times.len());
            prop_assert!(points.iter().all(|it| it.min <= it.mean + 1e-6 && it.mean <= it.max + 1e-6));
            prop_assert!(points.windows(2).all(|pair| pair[0].at <= pair[1].at));
            prop_assert_eq!(points[0].min, times[0] as f64);
        }
    }
}
