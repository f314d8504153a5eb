//! Values of the last minutes, bounded in time and in count.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Most values kept: five minutes at an interval of 0.3 s; beyond it the oldest leave early.
const VALUES_MAX: usize = 1_000;

/// Timestamped values, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window<T> {
    values: VecDeque<(Timestamp, T)>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self {
            values: VecDeque::new(),
        }
    }
}

impl<T> Window<T> {
    /// Adds a value and drops what is older than `keep_seconds`, or lies in the future after the clock went back.
    pub(super) fn push(&mut self, at: Timestamp, value: T, keep_seconds: f64) {
        self.values.retain(|(taken, _)| {
            let age = at.duration_since(*taken).as_secs_f64();
            (0.0..=keep_seconds).contains(&age)
        });
        if self.values.len() == VALUES_MAX {
            self.values.pop_front();
        }
        self.values.push_back((at, value));
    }

    /// The oldest value kept.
    pub(super) fn oldest(&self) -> Option<&T> {
        self.values.front().map(|(_, value)| value)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn old_values_leave_and_a_clock_that_goes_back_leaves_no_future() {
        let mut window = Window::default();
        window.push(at(1_000), 1.0, 300.0);
        window.push(at(1_301), 2.0, 300.0);
        assert_eq!(window.oldest(), Some(&2.0));
        window.push(at(900), 3.0, 300.0);
        assert_eq!(window.oldest(), Some(&3.0));
    }
}
