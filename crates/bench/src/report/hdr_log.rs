//! The histograms of a run as a log of `HdrHistogram`, which its tools read and which can be merged.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::Report;

impl Report {
    /// The log: for each kind of request its responses in nanoseconds, tagged by the kind, and those of the service tagged
    /// `KIND_service`.
    pub fn to_hdr_log(&self) -> String {
        let mut log = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let began = self.plan.began_at.as_millisecond();
        let began = UNIX_EPOCH + Duration::from_millis(u64::try_from(began).unwrap_or(0));
        let mut builder = IntervalLogWriterBuilder::new();
        builder.with_start_time(began);
        for doubt in &self.doubts {
            builder.add_comment(&format!("doubt: {doubt}"));
        }
        let window = Duration::try_from_secs_f64(self.window_seconds).unwrap_or_default();
        if let Ok(mut writer) = builder.begin_log_with(&mut log, &mut serializer) {
            for (kind, tally) in &self.recording.tallies {
                let service = format!("{}_service", kind.as_str());
                let parts = [
                    (kind.as_str(), &tally.response),
                    (service.as_str(), &tally.service),
                ];
                for (tag, latencies) in parts {
                    // Writing to memory cannot fail.
                    let _ = writer.write_histogram(
                        latencies.histogram(),
                        Duration::ZERO,
                        window,
                        Tag::new(tag),
                    );
                }
            }
        }
        String::from_utf8_lossy(&log).into_owned()
    }
}
