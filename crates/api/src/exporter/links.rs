//! The links between members, each direction apart.

use std::fmt;

use etcd_monitor_model::{LinkSnapshot, LinkState};
use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::bool_value;
use super::collector::{Labels, Snapshots, gauge};

/// Writes what is known of each link.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "1 while what one member sends to another does not arrive, or may not, else 0; no sample while not known";
    let failing = of_links(snapshots, |link| {
        let known = link.state != LinkState::Unknown;
        known.then(|| bool_value(link.state.is_failing()))
    });
    gauge(encoder, "etcd_monitor_link_failing", help, failing)?;
    let help = "Round trip to the other member, as etcd's probers measure and smooth it";
    let round_trips = of_links(snapshots, |link| Some(link.round_trip?.seconds));
    gauge(
        encoder,
        "etcd_monitor_link_round_trip_seconds",
        help,
        round_trips,
    )
}

fn of_links(
    snapshots: &Snapshots,
    value: fn(&LinkSnapshot) -> Option<f64>,
) -> impl Iterator<Item = (Labels<'_>, f64)> {
    snapshots.latest.iter().flat_map(move |snapshot| {
        snapshot.links.iter().filter_map(move |link| {
            let labels = vec![
                ("cluster", snapshot.cluster.as_str()),
                ("from", link.from_name.as_str()),
                ("to", link.to_name.as_str()),
            ];
            Some((labels, value(link)?))
        })
    })
}
