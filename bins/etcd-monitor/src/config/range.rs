//! Numbers that must lie in a range.

use std::ops::RangeInclusive;

/// Refuses a value outside its range; the message names the key and the range.
pub(super) fn within(key: &str, value: u64, range: &RangeInclusive<u64>) -> Result<(), String> {
    let (least, most) = (range.start(), range.end());
    let wrong = || format!("{key}: {value} is not between {least} and {most}");
    range.contains(&value).then_some(()).ok_or_else(wrong)
}
