//! What goes over the wire in remote write 1.0: a Protobuf message, compressed as one block of snappy.
//!
//! The messages are written by hand after `prometheus/prompb`, so that no build of this crate needs protoc.

use std::collections::HashMap;

use etcd_monitor_model::{MemberId, SampleBatch, SampledMember};
use prost::Message;

use super::names;

#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<WireSample>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

impl Label {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct WireSample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    /// Unix milliseconds.
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

/// What a series is known by within a request. The name of a member is part of it, since it is a label.
type Known<'a> = (
    &'a str,
    Option<&'a SampledMember>,
    &'a str,
    Option<MemberId>,
);

/// The message for some batches: each series once, its samples in the order of the batches.
pub(super) fn request(batches: &[SampleBatch], external: &[Label]) -> WriteRequest {
    let mut known: HashMap<Known<'_>, usize> = HashMap::new();
    let mut timeseries: Vec<TimeSeries> = Vec::new();
    for batch in batches {
        let common = names::common(batch, external);
        let timestamp = batch.at.as_millisecond();
        for sample in &batch.samples {
            let (cluster, member) = (batch.cluster.as_str(), batch.member.as_ref());
            let index = *known
                .entry((cluster, member, &sample.metric, sample.peer))
                .or_insert_with(|| {
                    timeseries.push(TimeSeries {
                        labels: names::labels(&common, &sample.metric, sample.peer),
                        samples: Vec::new(),
                    });
                    timeseries.len() - 1
                });
            let value = sample.value;
            timeseries[index]
                .samples
                .push(WireSample { value, timestamp });
        }
    }
    WriteRequest { timeseries }
}

/// The message, compressed; `None` where snappy cannot hold it, above 4 GiB.
pub(super) fn compress(request: &WriteRequest) -> Option<Vec<u8>> {
    let message = request.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&message).ok()
}
