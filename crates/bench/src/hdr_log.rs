//! Logs of `HdrHistogram`: how latencies of one generator reach another program, or the same one later, without loss.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use crate::histogram::Latencies;

/// What a log of ours says of itself: a comment for other tools. They know no units, so that it is here that two logs differ.
const MARK: &str = "[etcd-bench histograms ";

/// The version of our logs, and their unit.
const FORMAT: &str = "1, nanoseconds]";

/// Tags of one log at most.
const TAGS_MAX: usize = 64;

/// Letters of a tag at most.
const TAG_LETTERS_MAX: usize = 64;

/// A log that was read, or is to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct HdrLog {
    /// When the measurement began, in seconds since 1970.
    pub(crate) began_seconds: f64,
    /// How long it took, in seconds.
    pub(crate) window_seconds: f64,
    /// What else is to be said; not read again.
    pub(crate) comments: Vec<String>,
    /// Latencies by tag: the kind of request, or `KIND_service`.
    pub(crate) latencies: BTreeMap<String, Latencies>,
}

impl HdrLog {
    /// The log as a text.
    pub(crate) fn text(&self) -> String {
        let mut log = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let mut builder = IntervalLogWriterBuilder::new();
        builder.add_comment(&format!("{MARK}{FORMAT}"));
        for comment in &self.comments {
            builder.add_comment(comment);
        }
        builder.with_start_time(UNIX_EPOCH + seconds(self.began_seconds));
        if let Ok(mut writer) = builder.begin_log_with(&mut log, &mut serializer) {
            for (tag, latencies) in &self.latencies {
                // Writing to memory cannot fail.
                let _ = writer.write_histogram(
                    latencies.histogram(),
                    Duration::ZERO,
                    seconds(self.window_seconds),
                    Tag::new(tag),
                );
            }
        }
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Reads a log of ours; else what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut comments = text.lines().filter_map(|line| line.strip_prefix('#'));
        match comments.find_map(|comment| comment.strip_prefix(MARK)) {
            Some(format) if format.trim_end() == FORMAT => {}
            Some(format) => {
                return Err(format!(
                    "it is of version and unit {:?}, and this program reads {FORMAT:?}",
                    format.trim_end().trim_end_matches(']')
                ));
            }
            None => {
                return Err(
                    "it does not say that it is a histogram log of etcd-bench in nanoseconds, as --hdr-log writes it"
                        .to_owned(),
                );
            }
        }
        let mut log = Self::default();
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            match entry {
                Ok(LogEntry::StartTime(began)) => log.began_seconds = began.as_secs_f64(),
                Ok(LogEntry::BaseTime(_)) => {}
                Ok(LogEntry::Interval(interval)) => {
                    let tag = interval.tag().map(|tag| tag.as_str().to_owned());
                    let tag = tag.ok_or("a histogram has no tag")?;
                    log.window_seconds = log.window_seconds.max(interval.duration().as_secs_f64());
                    log.add(tag, &histogram(interval.encoded_histogram())?)?;
                }
                Err(_) => return Err("a line of it is no part of a histogram log".to_owned()),
            }
        }
        if log.latencies.is_empty() {
            return Err("there is no histogram in it".to_owned());
        }
        Ok(log)
    }

    /// Counts all that this histogram holds, exactly.
    fn add(&mut self, tag: String, histogram: &Histogram<u64>) -> Result<(), String> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        if tag.len() > TAG_LETTERS_MAX || !tag.chars().all(is_name) {
            return Err("a tag of it is no name".to_owned());
        }
        if !self.latencies.contains_key(&tag) && self.latencies.len() >= TAGS_MAX {
            return Err(format!("it has more than {TAGS_MAX} tags"));
        }
        let latencies = self.latencies.entry(tag).or_default();
        if !latencies.add_histogram(histogram) {
            return Err("a histogram of it has another precision or range".to_owned());
        }
        Ok(())
    }
}

fn histogram(encoded: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|error| format!("a histogram of it is broken: {error}"))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("a histogram of it is broken: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> HdrLog {
        let mut latencies = Latencies::default();
        for micros in 1..500 {
            latencies.record(Duration::from_micros(micros * micros));
        }
        HdrLog {
            began_seconds: 1_790_000_000.5,
            window_seconds: 12.5,
            comments: vec!["doubt: a\nb".to_owned()],
            latencies: BTreeMap::from([("put".to_owned(), latencies)]),
        }
    }

    #[test]
    fn what_is_written_is_read_without_loss() {
        let read = HdrLog::read(&log().text()).unwrap();
        assert_eq!(
            read.latencies["put"].histogram(),
            log().latencies["put"].histogram()
        );
        assert!((read.began_seconds - 1_790_000_000.5).abs() < 1e-3);
        assert!((read.window_seconds - 12.5).abs() < 1e-3);
    }

    #[test]
    fn what_is_foreign_is_refused_by_what_it_is() {
        let ours = log().text();
        let cut = ours.trim_end().len() - 20;
        for (text, said) in [
            (String::new(), "does not say"),
            ("{\"format\": 1}".to_owned(), "does not say"),
            (
                ours.replace("nanoseconds", "microseconds"),
                "1, microseconds",
            ),
            (
                ours.replace("histograms 1", "histograms 2"),
                "\"2, nanoseconds\"",
            ),
            (ours.replace("Tag=put,", ""), "no tag"),
            (ours.replace("Tag=put,", "Tag=p<b>,"), "no name"),
            (ours[..cut].to_owned() + "\n", "broken"),
            (
                ours.lines().take(4).collect::<Vec<_>>().join("\n") + "\n",
                "no histogram",
            ),
            (ours + "what is this?", "no part"),
        ] {
            let error = HdrLog::read(&text).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
        let mut coarse = log();
        coarse
            .latencies
            .insert("put".to_owned(), Latencies::with_digits(2));
        let error = HdrLog::read(&coarse.text()).unwrap_err();
        assert!(error.contains("another precision"), "{error}");
    }
}
