//! The histograms of a run as a log of `HdrHistogram`, which its tools read and which can be merged.

use super::Report;
use crate::hdr_log::HdrLog;

impl Report {
    /// The log: for each kind of request its responses in nanoseconds, tagged by the kind, and those of the service tagged
    /// `KIND_service`. Those of several generators can be put together ([`Merged`](crate::Merged)).
    pub fn to_hdr_log(&self) -> String {
        let mut log = HdrLog {
            began_seconds: self.plan.began_at.as_millisecond() as f64 / 1e3,
            window_seconds: self.window_seconds,
            comments: self
                .doubts
                .iter()
                .map(|doubt| format!("doubt: {doubt}"))
                .collect(),
            ..HdrLog::default()
        };
        for (kind, tally) in &self.recording.tallies {
            let kind = kind.as_str();
            let latencies = &mut log.latencies;
            latencies.insert(kind.to_owned(), tally.response.clone());
            latencies.insert(format!("{kind}_service"), tally.service.clone());
        }
        log.text()
    }
}
