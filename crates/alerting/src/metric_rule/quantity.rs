//! Values with units, as people write and read them.

use etcd_monitor_model::MetricUnit;

use MetricUnit::{Bytes, BytesPerSecond, Count, PerSecond, Seconds, Share};

const KIB: f64 = 1024.0;

/// The units that values of a kind are shown in, the largest first, with what one of them is.
fn units(unit: MetricUnit) -> &'static [(&'static str, f64)] {
    match unit {
        Seconds => &[
            ("d", 86_400.0),
            ("h", 3_600.0),
            ("m", 60.0),
            ("s", 1.0),
            ("ms", 1e-3),
            ("us", 1e-6),
        ],
        Bytes => &[
            ("TiB", KIB * KIB * KIB * KIB),
            ("GiB", KIB * KIB * KIB),
            ("MiB", KIB * KIB),
            ("KiB", KIB),
            ("B", 1.0),
        ],
        BytesPerSecond => &[
            ("GiB/s", KIB * KIB * KIB),
            ("MiB/s", KIB * KIB),
            ("KiB/s", KIB),
            ("B/s", 1.0),
        ],
        PerSecond => &[("/s", 1.0), ("/m", 1.0 / 60.0), ("/h", 1.0 / 3_600.0)],
        Share => &[("%", 0.01)],
        _ => &[("", 1.0)],
    }
}

/// Units that are read as well.
const ALSO_READ: [(&str, MetricUnit, f64); 5] = [
    ("", Share, 1.0),
    ("kB", Bytes, 1e3),
    ("MB", Bytes, 1e6),
    ("GB", Bytes, 1e9),
    ("TB", Bytes, 1e12),
];

/// Every kind, for the sake of what is written where another is wanted.
const KINDS: [MetricUnit; 6] = [Seconds, Bytes, BytesPerSecond, PerSecond, Share, Count];

/// Reads a value that is to be compared with what has a unit.
///
/// The error says which units fit.
pub(super) fn parse(text: &str, unit: MetricUnit) -> Result<f64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".-+".contains(c)));
    let (number, written) = text.split_at(end.unwrap_or(text.len()));
    let (number, written) = (number.parse::<f64>(), written.trim());
    let wrong = |what: &str| format!("{text:?} {what}; write {}", example(unit));
    let number = number.map_err(|_| wrong("is no value"))?;
    if let Some(factor) = factor(written, unit) {
        return Ok(number * factor);
    }
    let meant = KINDS
        .into_iter()
        .find(|kind| factor(written, *kind).is_some());
    Err(match meant {
        _ if written.is_empty() => wrong("has no unit"),
        Some(kind) => wrong(&format!("is {}", in_words(kind))),
        None => wrong(&format!("has the unit {written:?}, which is not known")),
    })
}

/// What one of a unit is, among those of a kind.
fn factor(written: &str, unit: MetricUnit) -> Option<f64> {
    let shown = units(unit).iter().copied();
    let also = ALSO_READ.iter().filter(|(_, kind, _)| *kind == unit);
    let also = also.map(|(name, _, factor)| (*name, *factor));
    let found = shown.chain(also).find(|(name, _)| *name == written);
    found.map(|(_, factor)| factor)
}

/// Shows a value: `123 ms`, `1.5 GiB`, `2/h`, `80 %`.
pub(super) fn show(value: f64, unit: MetricUnit) -> String {
    let units = units(unit);
    // Rates are by the second unless there is less than one in ten.
    let least = if unit == PerSecond { 0.1 } else { 1.0 };
    let fills = |factor: f64| value.abs() >= factor * least || (value == 0.0 && factor <= 1.0);
    let filled = units.iter().find(|(_, factor)| fills(*factor));
    let (name, factor) = filled.or(units.last()).copied().unwrap_or(("", 1.0));
    let gap = if name.is_empty() || name.starts_with('/') {
        ""
    } else {
        " "
    };
    format!("{}{gap}{name}", digits(value / factor))
}

/// Three digits that count, and whole numbers in full.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The unit in words.
pub(super) fn in_words(unit: MetricUnit) -> &'static str {
    match unit {
        Seconds => "a time",
        Bytes => "a number of bytes",
        BytesPerSecond => "a number of bytes per second",
        PerSecond => "a rate",
        Share => "a share",
        _ => "a plain number",
    }
}

/// What a value with the unit looks like.
fn example(unit: MetricUnit) -> &'static str {
    match unit {
        Seconds => "a time, such as 100ms, 2s or 5m",
        Bytes => "bytes, such as 512KiB, 2GiB or 100MB",
        BytesPerSecond => "bytes per second, such as 10MiB/s",
        PerSecond => "a rate, such as 5/s, 30/m or 2/h",
        Share => "a share, such as 80% or 0.8",
        _ => "a plain number, such as 3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_the_units_that_fit() {
        for (text, unit, value) in [
            ("100ms", Seconds, 0.1),
            ("1.5 s", Seconds, 1.5),
            ("2h", Seconds, 7_200.0),
            ("-50ms", Seconds, -0.05),
            ("2GiB", Bytes, 2_147_483_648.0),
            ("100MB", Bytes, 1e8),
            ("10MiB/s", BytesPerSecond, 10_485_760.0),
            ("5/s", PerSecond, 5.0),
            ("36/h", PerSecond, 0.01),
            ("80%", Share, 0.8),
            ("0.8", Share, 0.8),
            ("3", Count, 3.0),
        ] {
            let read = parse(text, unit).unwrap();
            assert!(
                (read - value).abs() <= value.abs() * 1e-12,
                "{text}: {read}"
            );
        }
    }

    #[test]
    fn a_unit_that_does_not_fit_is_refused_with_those_that_do() {
        let refused = |text: &str, unit| parse(text, unit).unwrap_err();
        assert_eq!(
            refused("100", Seconds),
            "\"100\" has no unit; write a time, such as 100ms, 2s or 5m"
        );
        assert_eq!(
            refused("2GiB", Seconds),
            "\"2GiB\" is a number of bytes; write a time, such as 100ms, 2s or 5m"
        );
        assert!(refused("5/s", Count).starts_with("\"5/s\" is a rate; write a plain number"));
        assert!(refused("5", PerSecond).contains("has no unit"));
        assert!(refused("80%", Bytes).contains("is a share"));
        assert!(refused("5 parsec", Seconds).contains("\"parsec\", which is not known"));
        for text in ["", "much", "1.2.3s", "--1s", "NaN", "inf", "1e400s"] {
            assert!(parse(text, Seconds).is_err(), "{text:?}");
        }
    }

    #[test]
    fn values_are_shown_in_the_unit_that_fits_their_size() {
        for (value, unit, text) in [
            (0.123_4, Seconds, "123 ms"),
            (0.000_05, Seconds, "50 us"),
            (1.234, Seconds, "1.23 s"),
            (90.0, Seconds, "1.5 m"),
            (7_200.0, Seconds, "2 h"),
            (0.0, Seconds, "0 s"),
            (-0.05, Seconds, "-50 ms"),
            (2_147_483_648.0, Bytes, "2 GiB"),
            (100.0, Bytes, "100 B"),
            (10_485_760.0, BytesPerSecond, "10 MiB/s"),
            (5.0, PerSecond, "5/s"),
            (0.25, PerSecond, "0.25/s"),
            (0.05, PerSecond, "3/m"),
            (0.000_5, PerSecond, "1.8/h"),
            (0.0, PerSecond, "0/s"),
            (0.805, Share, "80.5 %"),
            (0.0, Share, "0 %"),
            (1_234_567.0, Count, "1234567"),
            (2.5, Count, "2.5"),
        ] {
            assert_eq!(show(value, unit), text);
        }
    }
}
