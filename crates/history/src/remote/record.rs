//! A record of the queue: some batches in a compact form, each name once, compressed.

use std::borrow::Cow;
use std::collections::HashMap;

use etcd_monitor_model::{ClusterName, MemberId, Sample, SampleBatch, SampledMember};
use jiff::Timestamp;

use crate::bytes::{BadBlock, Reader, put_varint, unzigzag, zigzag};

/// Most bytes of a record before it was compressed: what claims more is damaged.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// The value follows as a whole number in few bytes: most counters and gauges are one.
const WHOLE: u64 = 1;
/// The id of the peer follows.
const PEER: u64 = 2;
const FLAG_BITS: u32 = 2;

/// Batches, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Samples in it.
    pub(super) samples: u32,
    /// Unix milliseconds of the newest of its batches.
    pub(super) newest: i64,
    /// The batches.
    pub(super) payload: Vec<u8>,
}

/// Takes batches and makes a record of them.
#[derive(Debug, Default)]
pub(super) struct Packer {
    names: HashMap<String, u64>,
    in_order: Vec<String>,
    body: Vec<u8>,
    batches: u64,
    samples: u32,
    newest: i64,
}

impl Packer {
    /// Samples that are in.
    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    /// Adds the samples of a batch that `fits` is true for; tells how many these were.
    pub(super) fn push(&mut self, batch: &SampleBatch, fits: impl Fn(&Sample) -> bool) -> u32 {
        let wanted: Vec<_> = batch.samples.iter().filter(|it| fits(it)).collect();
        let at = batch.at.as_millisecond();
        let cluster = self.name(batch.cluster.as_str());
        put_varint(&mut self.body, cluster);
        put_varint(&mut self.body, u64::from(batch.member.is_some()));
        if let Some(member) = &batch.member {
            let name = self.name(&member.name);
            self.body.extend(member.id.0.to_le_bytes());
            put_varint(&mut self.body, name);
        }
        put_varint(&mut self.body, zigzag(at));
        put_varint(&mut self.body, wanted.len() as u64);
        for sample in &wanted {
            self.sample(sample);
        }
        let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        self.newest = if self.batches == 0 {
            at
        } else {
            self.newest.max(at)
        };
        self.batches += 1;
        self.samples = self.samples.saturating_add(count);
        count
    }

    fn sample(&mut self, sample: &Sample) {
        let whole = as_whole(sample.value);
        let mut flags = self.name(&sample.metric) << FLAG_BITS;
        flags |= if whole.is_some() { WHOLE } else { 0 };
        flags |= if sample.peer.is_some() { PEER } else { 0 };
        put_varint(&mut self.body, flags);
        if let Some(peer) = sample.peer {
            self.body.extend(peer.0.to_le_bytes());
        }
        match whole {
            Some(whole) => put_varint(&mut self.body, zigzag(whole)),
            None => self.body.extend(sample.value.to_bits().to_le_bytes()),
        }
    }

    fn name(&mut self, name: &str) -> u64 {
        if let Some(index) = self.names.get(name) {
            return *index;
        }
        let index = self.in_order.len() as u64;
        self.names.insert(name.to_owned(), index);
        self.in_order.push(name.to_owned());
        index
    }

    /// The record; `None` where nothing is in it.
    pub(super) fn finish(self) -> Option<Record> {
        if self.samples == 0 {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.body.len() + 4096);
        put_varint(&mut bytes, self.in_order.len() as u64);
        for name in &self.in_order {
            put_varint(&mut bytes, name.len() as u64);
            bytes.extend(name.as_bytes());
        }
        put_varint(&mut bytes, self.batches);
        bytes.extend(&self.body);
        let payload = snap::raw::Encoder::new().compress_vec(&bytes).ok()?;
        Some(Record {
            samples: self.samples,
            newest: self.newest,
            payload,
        })
    }
}

/// The batches of a record.
pub(super) fn unpack(payload: &[u8]) -> Result<Vec<SampleBatch>, BadBlock> {
    let length = snap::raw::decompress_len(payload).map_err(|_| BadBlock)?;
    if length > RECORD_BYTES_MAX {
        return Err(BadBlock);
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(payload);
    let bytes = bytes.map_err(|_| BadBlock)?;
    let mut reader = Reader(&bytes);
    let count = reader.count(1)?;
    let names: Vec<&str> = (0..count)
        .map(|_| read_name(&mut reader))
        .collect::<Result<_, _>>()?;
    // A batch is at least a cluster, whether there is a member, a time and a count.
    let count = reader.count(4)?;
    (0..count)
        .map(|_| read_batch(&mut reader, &names))
        .collect()
}

fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, BadBlock> {
    let length = reader.count(1)?;
    std::str::from_utf8(reader.take(length)?).map_err(|_| BadBlock)
}

fn read_batch(reader: &mut Reader<'_>, names: &[&str]) -> Result<SampleBatch, BadBlock> {
    let cluster = named(names, reader.varint()?)?;
    let member = match reader.varint()? {
        0 => None,
        _ => Some(SampledMember {
            id: MemberId(reader.word()?),
            name: named(names, reader.varint()?)?.to_owned(),
        }),
    };
    let at = Timestamp::from_millisecond(unzigzag(reader.varint()?)).map_err(|_| BadBlock)?;
    let count = reader.count(2)?;
    let samples = (0..count).map(|_| read_sample(reader, names));
    Ok(SampleBatch {
        cluster: ClusterName::new(cluster),
        member,
        at,
        samples: samples.collect::<Result<_, _>>()?,
    })
}

fn read_sample(reader: &mut Reader<'_>, names: &[&str]) -> Result<Sample, BadBlock> {
    let flags = reader.varint()?;
    let metric = named(names, flags >> FLAG_BITS)?;
    let peer = match flags & PEER {
        0 => None,
        _ => Some(MemberId(reader.word()?)),
    };
    let value = match flags & WHOLE {
        0 => f64::from_bits(reader.word()?),
        _ => unzigzag(reader.varint()?) as f64,
    };
    Ok(Sample {
        metric: Cow::Owned(metric.to_owned()),
        peer,
        value,
    })
}

fn named<'a>(names: &[&'a str], index: u64) -> Result<&'a str, BadBlock> {
    let index = usize::try_from(index).map_err(|_| BadBlock)?;
    names.get(index).copied().ok_or(BadBlock)
}

/// The value as a whole number that becomes the same value again, to the bit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a float saturates, and is compared with what it came from"
)]
fn as_whole(value: f64) -> Option<i64> {
    let whole = value as i64;
    // Beyond 2^48 eight bytes are no longer than the number.
    let short = whole.unsigned_abs() < 1 << 48;
    (short && (whole as f64).to_bits() == value.to_bits()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let value = prop_oneof![any::<f64>(), any::<i32>().prop_map(f64::from), Just(-0.0)];
        ("[a-z_]{1,9}", any::<Option<u64>>(), value).prop_map(|(metric, peer, value)| Sample {
            metric: metric.into(),
            peer: peer.map(MemberId),
            value,
        })
    }

    fn batch() -> impl Strategy<Value = SampleBatch> {
        let member = prop::option::of((any::<u64>(), ".{0,5}"));
        let samples = prop::collection::vec(sample(), 0..9);
        (".{0,5}", member, -5_000_000_i64..5_000_000, samples).prop_map(
            |(cluster, member, at, samples)| SampleBatch {
                cluster: ClusterName::new(cluster),
                member: member.map(|(id, name)| SampledMember {
                    id: MemberId(id),
                    name,
                }),
                at: Timestamp::from_millisecond(at).unwrap(),
                samples,
            },
        )
    }

    fn bits(batches: &[SampleBatch]) -> String {
        let bits = |it: &Sample| format!("{} {:?} {:x}", it.metric, it.peer, it.value.to_bits());
        let batch = |it: &SampleBatch| {
            let samples: Vec<_> = it.samples.iter().map(bits).collect();
            format!("{} {:?} {} {samples:?}", it.cluster, it.member, it.at)
        };
        batches.iter().map(batch).collect::<Vec<_>>().join("\n")
    }

    proptest! {
        #[test]
        fn batches_come_back_to_the_bit(batches in prop::collection::vec(batch(), 1..6)) {
            let mut packer = Packer::default();
            let count: u32 = batches.iter().map(|it| packer.push(it, |_| true)).sum();
            let Some(record) = packer.finish() else {
                prop_assert_eq!(count, 0);
                return Ok(());
            };
            prop_assert_eq!(record.samples, count);
            prop_assert_eq!(Some(record.newest), batches.iter().map(|it| it.at.as_millisecond()).max());
            prop_assert_eq!(bits(&unpack(&record.payload).unwrap()), bits(&batches));
        }

        #[test]
        fn damaged_bytes_never_panic(
            batches in prop::collection::vec(batch(), 1..4),
            at: prop::sample::Index,
            mask in 1_u8..,
        ) {
            let mut packer = Packer::default();
            for batch in &batches {
                packer.push(batch, |_| true);
            }
            if let Some(mut record) = packer.finish() {
                let at = at.index(record.payload.len());
                let _ = unpack(&record.payload[..at]);
                record.payload[at] ^= mask;
                let _ = unpack(&record.payload);
            }
        }
    }
}
