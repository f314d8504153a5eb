//! The engines on real etcd.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod benchmarks;
mod causes;
mod loads;

use std::sync::Arc;

use etcd_monitor_bench::{KeyOrder, KeyPicker, KeyShape, Reads, TonicEngine, Values, Writes};
use etcd_monitor_client::{ClientOptions, Endpoint};
use etcd_monitor_testkit::Cluster;

const PREFIX: &str = "/bench/";

const SPACE: u64 = 200;

fn keys() -> KeyShape {
    KeyShape::new(PREFIX, 32, SPACE).unwrap()
}

fn picker() -> KeyPicker {
    KeyPicker::new(KeyOrder::Sequential, SPACE).unwrap()
}

fn writes() -> Arc<Writes> {
    Arc::new(Writes {
        keys: keys(),
        picker: picker(),
        values: Values::new(256, 1),
    })
}

fn reads() -> Arc<Reads> {
    Arc::new(Reads {
        keys: keys(),
        picker: picker(),
        space: SPACE,
        serializable: false,
    })
}

fn engine(cluster: &Cluster) -> TonicEngine {
    let endpoints = cluster.endpoints();
    let endpoints = endpoints
        .iter()
        .map(|url| Endpoint::parse(url, false).unwrap());
    TonicEngine::new(ClientOptions::new(), endpoints.collect())
}
