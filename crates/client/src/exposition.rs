//! The parser of the Prometheus text format (version 0.0.4), and of what `OpenMetrics` adds to a line.
//!
//! It borrows from the page, reads only the families that are asked for, and takes any bytes: a line that it cannot read
//! is skipped and counted, never an error.

mod line;

use std::borrow::Cow;

/// Reads the samples of the wanted families from a page.
///
/// A family is named without the endings of its samples: `etcd_disk_wal_fsync_duration_seconds` yields the samples with
/// `_bucket`, `_sum`, `_count`, `_total`, `_created`, and those with the name itself. `wanted` is sorted: a family that
/// stands out of order is not found.
pub fn scan<'a>(page: &'a [u8], wanted: &'a [&'a str]) -> Scan<'a> {
    debug_assert!(wanted.is_sorted(), "the wanted families are sorted");
    Scan {
        rest: page,
        wanted,
        sparse: None,
        skipped: 0,
        last: None,
    }
}

/// The samples of the wanted families in the order of the page; see [`scan`].
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    rest: &'a [u8],
    wanted: &'a [&'a str],
    /// Beginning of the names whose zeros are passed over.
    sparse: Option<&'a str>,
    skipped: u64,
    /// The name of the line before and whether it is wanted: samples of one family stand together.
    last: Option<(&'a str, bool)>,
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The name as it stands, such as `etcd_disk_wal_fsync_duration_seconds_bucket`.
    pub name: &'a str,
    /// The labels.
    pub labels: Labels<'a>,
    /// The value: any number, also infinite or not a number.
    pub value: f64,
    /// The time of the sample in milliseconds since 1970, if the line has one; members give none.
    pub timestamp_ms: Option<i64>,
}

/// The labels of a sample, read when they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels<'a> {
    /// What stands between the braces; its form is checked before.
    text: &'a [u8],
}

impl<'a> Scan<'a> {
    /// Passes over the samples that stand at 0, but the first, in each family whose name begins with `prefix`.
    ///
    /// For families with a sample for every combination of labels, nearly all of them 0: a sum loses nothing, and most
    /// of the time that a page takes is saved. What is passed over is not looked into, so it is never counted as
    /// skipped.
    #[must_use]
    pub fn without_zeros_of(mut self, prefix: &'a str) -> Self {
        self.sparse = Some(prefix);
        self
    }

    fn passes_over(&self, name: &str, after: &[u8]) -> bool {
        after.ends_with(b"} 0") && self.sparse.is_some_and(|prefix| name.starts_with(prefix))
    }

    /// Lines so far that are neither empty, nor a comment, nor a sample: garbage, or a wanted sample that cannot be
    /// read. Lines of families that are not wanted are not looked into beyond their name.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn is_wanted(&self, name: &str) -> bool {
        let is_family = |family: &str| self.wanted.binary_search(&family).is_ok();
        let of_sample = || {
            let (family, end) = name.rsplit_once('_')?;
            let ending = matches!(end, "bucket" | "sum" | "count" | "total" | "created");
            Some(ending && is_family(family))
        };
        is_family(name) || of_sample().unwrap_or(false)
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let (whole, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or_default();
            let text = whole.trim_ascii();
            if text.is_empty() || text[0] == b'#' {
                continue;
            }
            let Some((name, after)) = line::split_name(text, self.last.map(|(name, _)| name))
            else {
                self.skipped += 1;
                continue;
            };
            let (again, wanted) = match self.last {
                Some((last, wanted)) if last == name => (true, wanted),
                _ => (false, self.is_wanted(name)),
            };
            self.last = Some((name, wanted));
            if !wanted || (again && self.passes_over(name, after)) {
                continue;
            }
            match line::sample(name, after) {
                Some(sample) => return Some(sample),
                None => self.skipped += 1,
            }
        }
        None
    }
}

impl<'a> Labels<'a> {
    /// The value of a label, its escapes resolved; bytes that are not UTF-8 become `�`. `None` when there is no such
    /// label.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.raw().find(|(found, _)| *found == name.as_bytes())?;
        Some(line::unescape(value))
    }

    /// Names and values in the order of the page.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a> {
        self.raw().filter_map(|(name, value)| {
            Some((std::str::from_utf8(name).ok()?, line::unescape(value)))
        })
    }

    fn raw(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (name, value, after) = line::label(rest)?;
            rest = after;
            Some((name, value))
        })
    }

    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all<'a>(page: &'a [u8], wanted: &'a [&'a str]) -> (Vec<Sample<'a>>, u64) {
        let mut scan = scan(page, wanted);
        let samples = scan.by_ref().collect();
        (samples, scan.skipped())
    }

    fn one(text: &str) -> Option<Sample<'_>> {
        let (samples, skipped) = all(text.as_bytes(), &["m"]);
        assert_eq!(samples.len() as u64 + skipped, 1, "{text}");
        samples.first().copied()
    }

    #[test]
    fn zeros_are_passed_over_but_the_first_of_a_family() {
        let page =
            b"m{a=\"1\"} 0\nm{a=\"2\"} 0\nm{a=\"3\"} 10\nm{broken} 0\nn{a=\"1\"} 0\nn{a=\"2\"} 0\n";
        let values = |scan: Scan<'_>| scan.map(|sample| sample.value).collect::<Vec<_>>();
        assert_eq!(
            values(scan(page, &["m", "n"]).without_zeros_of("m")),
            [0.0, 10.0, 0.0, 0.0]
        );
        assert_eq!(values(scan(page, &["m", "n"])), [0.0, 0.0, 10.0, 0.0, 0.0]);
    }

    #[test]
    fn samples_of_wanted_families_are_given() {
        let page =
            b"# HELP m help\n# TYPE m histogram\nm_bucket{le=\"0.1\"} 5\nm_sum 1.5\nm_count 5\n\
            other 1\nm2 3\n\n  # indented comment\r\nm 7\r\n";
        let (samples, skipped) = all(page, &["m"]);
        let names: Vec<_> = samples
            .iter()
            .map(|sample| (sample.name, sample.value))
            .collect();
        assert_eq!(
            names,
            [
                ("m_bucket", 5.0),
                ("m_sum", 1.5),
                ("m_count", 5.0),
                ("m", 7.0)
            ]
        );
        assert_eq!(skipped, 0);
    }

    #[test]
    fn values_are_read_as_go_writes_them() {
        for (text, value) in [
            ("m 1", 1.0),
            ("m\t 1.5e-07 ", 1.5e-7),
            ("m +Inf", f64::INFINITY),
            ("m -Inf", f64::NEG_INFINITY),
            ("m 1.8446744073709552e+19", 18_446_744_073_709_552_000.0),
        ] {
            assert_eq!(
                one(text).unwrap().value.total_cmp(&value),
                std::cmp::Ordering::Equal,
                "{text}"
            );
        }
        assert!(one("m NaN").unwrap().value.is_nan());
    }

    #[test]
    fn labels_are_unescaped() {
        let sample = one(r#"m{a="x\\y\"z\n", To = "8e9e05c52164694d" , e="",} 1"#).unwrap();
        assert_eq!(sample.labels.get("a").unwrap(), "x\\y\"z\n");
        assert_eq!(sample.labels.get("To").unwrap(), "8e9e05c52164694d");
        assert_eq!(sample.labels.get("e").unwrap(), "");
        assert_eq!(sample.labels.get("to"), None);
        assert_eq!(sample.labels.iter().count(), 3);
        assert!(one("m{} 1").unwrap().labels.is_empty());
        assert_eq!(
            one(r#"m{a="} # "} 1"#).unwrap().labels.get("a").unwrap(),
            "} # "
        );
    }

    #[test]
    fn times_and_exemplars_are_read_over() {
        assert_eq!(
            one("m 1 1520879607789").unwrap().timestamp_ms,
            Some(1_520_879_607_789)
        );
        assert_eq!(
            one("m 1 1520879607.789").unwrap().timestamp_ms,
            Some(1_520_879_607_789)
        );
        assert_eq!(one("m 1 -5").unwrap().timestamp_ms, Some(-5));
        let sample = one(r#"m{le="1"} 17 # {trace_id="a # b"} 0.67 1520879607.789"#).unwrap();
        assert_eq!(
            (sample.value.to_string().as_str(), sample.timestamp_ms),
            ("17", None)
        );
        let sample = one("m 17 12 # {} 0.67").unwrap();
        assert_eq!(
            (sample.value.to_string().as_str(), sample.timestamp_ms),
            ("17", Some(12))
        );
    }

    #[test]
    fn garbage_is_skipped_and_counted() {
        for text in [
            "m",
            "m{",
            "m{a} 1",
            "m{a=1} 1",
            "m{a=\"x} 1",
            "m{a=\"x\"",
            "m{a=\"x\"}",
            "m{a=\"x\" b=\"y\"} 1",
            "m{,} 1",
            "m one",
            "m 1 x",
            "m 1 2 3",
            "m 1 #x",
            "<html>",
            "9m 1",
            "m= 1",
            "{\"m\"} 1",
            "m{a=\"\u{1}\"}z 1",
            "m{a=\"\\q\"} x",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_do_no_harm() {
        let (samples, skipped) = all(b"m{a=\"\xff\xfe\"} 1\n\xff\xfe 2\nm\xff 3\n", &["m"]);
        assert_eq!(samples[0].labels.get("a").unwrap(), "\u{fffd}\u{fffd}");
        assert_eq!((samples.len(), skipped), (1, 2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_bytes_are_read_to_the_end(page in prop::collection::vec(any::<u8>(), 0..400)) {
            for sample in scan(&page, &["a", "m"]) {
                let _ = sample.labels.iter().count();
            }
        }

        #[test]
        fn any_line_of_the_formats_characters_is_read_to_the_end(page in "[mab{}=\",\\\\ #\n\t0-9.eE+NaInf-]{0,200}") {
            let lines = page.lines().filter(|l| !l.trim_ascii().is_empty()).count() as u64;
            let mut scan = scan(page.as_bytes(), &["a", "m"]);
            let labels: Vec<_> = scan.by_ref().map(|sample| sample.labels.iter().count()).collect();
            let samples = labels.len() as u64;
            prop_assert!(samples + scan.skipped() <= lines);
        }

        #[test]
        fn what_is_written_is_read_back(
            labels in prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,8}", "\\PC{0,20}", 0..5),
            value in any::<f64>(),
            time in prop::option::of(any::<i64>()),
        ) {
            let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let inner: Vec<_> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escape(text))).collect();
            let time_text = time.map(|time| format!(" {time}")).unwrap_or_default();
            let page = format!("m{{{}}} {value:?}{time_text}\n", inner.join(","));
            let (samples, skipped) = all(page.as_bytes(), &["m"]);
            prop_assert_eq!((samples.len(), skipped), (1, 0), "{}", page);
            let sample = samples[0];
            prop_assert!(sample.value.to_bits() == value.to_bits() || (sample.value.is_nan() && value.is_nan()));
            prop_assert_eq!(sample.timestamp_ms, time);
            let read: Vec<_> = sample.labels.iter().map(|(n, v)| (n.to_owned(), v.into_owned())).collect();
            prop_assert_eq!(read, labels.into_iter().collect::<Vec<_>>());
        }
    }
}
