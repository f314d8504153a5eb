//! How values and statuses are written: many in a short line.

/// What a finding says in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TestStatus {
    True,
    False,
    Unknown,
    /// It is not there.
    Missing,
}

/// Reads `1 2 3 _ 4x10 0+10x20 5-1x4 _x3`: at most so many values.
pub(super) fn values(text: &str, most: usize) -> Result<Vec<Option<f64>>, String> {
    let mut values = Vec::new();
    for word in text.split_whitespace() {
        let (first, step, more) = series(word).ok_or_else(|| {
            format!("{word:?} is no value; write a number, _, 4x10, 0+10x20 or 9-1x3")
        })?;
        // `_x3` is three cycles without a value; `4x3` is 4 and three more.
        let count = more.saturating_add(usize::from(first.is_some() || more == 0));
        check_room(values.len(), count, most)?;
        values.extend((0..count).map(|index| first.map(|first| first + step * index as f64)));
    }
    Ok(values)
}

/// The first value, by how much each of the next is more, and how many those are.
fn series(word: &str) -> Option<(Option<f64>, f64, usize)> {
    let (word, more) = match word.rsplit_once('x') {
        Some((word, more)) => (word, more.parse().ok()?),
        None => (word, 0),
    };
    if word == "_" {
        return Some((None, 0.0, more));
    }
    // A sign at the head, or after an exponent, is the number's own.
    let sign = word.char_indices().skip(1).find(|(index, c)| {
        let before = word[..*index].chars().next_back();
        "+-".contains(*c) && !before.is_some_and(|before| "eE".contains(before))
    });
    let (first, step) = sign.map_or((word, "0"), |(index, _)| word.split_at(index));
    let (first, step) = (number(first)?, number(step)?);
    Some((Some(first), step, more))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads `false x2 true x12 unknown _`: at most so many statuses, and at least one.
pub(super) fn statuses(text: &str, most: usize) -> Result<Vec<TestStatus>, String> {
    let mut statuses: Vec<TestStatus> = Vec::new();
    for word in text.split_whitespace() {
        let (word, times) = match word.rsplit_once('x') {
            Some((word, times)) => (word, times.parse().unwrap_or(0)),
            None => (word, 1),
        };
        let status = match word {
            // `true x12`: the one before is the first of them.
            "" => statuses.pop(),
            word => status(word),
        };
        let status = status.filter(|_| times > 0).ok_or_else(|| {
            format!(
                "{text:?} is no list of statuses; write true, false, unknown or _, each with x12 behind it for twelve cycles"
            )
        })?;
        check_room(statuses.len(), times, most)?;
        statuses.extend(std::iter::repeat_n(status, times));
    }
    if statuses.is_empty() {
        return Err("there is no status; for example true x12 false".to_owned());
    }
    Ok(statuses)
}

fn status(word: &str) -> Option<TestStatus> {
    Some(match word {
        "true" => TestStatus::True,
        "false" => TestStatus::False,
        "unknown" => TestStatus::Unknown,
        "_" => TestStatus::Missing,
        _ => return None,
    })
}

fn check_room(there: usize, more: usize, most: usize) -> Result<(), String> {
    if there.saturating_add(more) > most {
        return Err(format!("there are more than {most} cycles"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Option<f64>> {
        values(text, 100).unwrap()
    }

    fn some(numbers: &[f64]) -> Vec<Option<f64>> {
        numbers.iter().copied().map(Some).collect()
    }

    #[test]
    fn values_are_written_as_for_promtool() {
        assert_eq!(read("1 2.5 -3"), some(&[1.0, 2.5, -3.0]));
        assert_eq!(read("4x3"), some(&[4.0; 4]));
        assert_eq!(read("0+10x3"), some(&[0.0, 10.0, 20.0, 30.0]));
        assert_eq!(read("1-2x2"), some(&[1.0, -1.0, -3.0]));
        assert_eq!(read("-1+1x1"), some(&[-1.0, 0.0]));
        assert_eq!(read("1e-3 1e2+1e1x1"), some(&[1e-3, 100.0, 110.0]));
        assert_eq!(read("1 _ _x2 1"), [Some(1.0), None, None, None, Some(1.0)]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["a", "1x", "1x-1", "1+x3", "NaN", "inf", "__", "1..2"] {
            assert!(values(text, 100).is_err(), "{text}");
        }
        assert!(values("0x100", 100).unwrap_err().contains("100 cycles"));
        assert!(values("0x18446744073709551615", 100).is_err());
    }

    #[test]
    fn statuses_are_written_once_or_so_many_times() {
        use TestStatus::{False, Missing, True, Unknown};
        let read = |text| statuses(text, 100).unwrap();
        assert_eq!(read("true x3 false"), [True, True, True, False]);
        assert_eq!(
            read("truex2 _x2 unknown"),
            [True, True, Missing, Missing, Unknown]
        );
        for text in ["", "x3", "true x0", "true xx", "maybe", "true false x"] {
            assert!(statuses(text, 100).is_err(), "{text}");
        }
        assert!(statuses("true x101", 100).is_err());
    }
}
