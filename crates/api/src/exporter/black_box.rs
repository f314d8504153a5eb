//! What the black box says of itself.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::bool_value;
use super::collector::{Labels, Snapshots, counter, gauge};

/// Writes its metrics; none where it is off.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(recordings) = snapshots.source.recordings() else {
        return Ok(());
    };
    let status = recordings.status();
    let one = |value: f64| std::iter::once((Labels::new(), value));
    let help = "1 while what is seen is recorded, 0 while the disk refuses it";
    let recording = bool_value(status.stopped.is_none());
    gauge(
        encoder,
        "etcd_monitor_black_box_recording",
        help,
        one(recording),
    )?;
    let help = "Bytes of the last minutes (ring) and of the frozen recordings";
    let parts = [("ring", status.ring_bytes), ("frozen", status.frozen_bytes)];
    let bytes = parts.map(|(part, bytes)| (vec![("part", part)], bytes as f64));
    gauge(
        encoder,
        "etcd_monitor_black_box_bytes",
        help,
        bytes.into_iter(),
    )?;
    let help = "Frozen recordings";
    let count = status.recordings.len() as f64;
    gauge(
        encoder,
        "etcd_monitor_black_box_recordings",
        help,
        one(count),
    )?;
    let help = "What was not kept since the start: blocks that the disk refused, records that it was too slow for, frozen \
                recordings that were deleted to make room";
    let kinds = [
        ("block", status.lost_blocks),
        ("record", status.lost_records),
        ("recording", status.deleted_recordings),
    ];
    let lost = kinds.map(|(kind, count)| (vec![("kind", kind)], count as f64));
    counter(
        encoder,
        "etcd_monitor_black_box_lost",
        help,
        lost.into_iter(),
    )
}
