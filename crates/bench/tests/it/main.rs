//! The engines on real etcd.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod benchmarks;
mod causes;
mod hanging;
mod loads;
mod native;
mod presets;
mod scripted;
mod searches;
mod streams;

use std::sync::Arc;

use etcd_monitor_bench::{
    Engine, KeyOrder, KeyPicker, KeyShape, NativeEngine, Reads, TonicEngine, Values, Writes,
};
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

fn endpoints(cluster: &Cluster) -> Vec<Endpoint> {
    let endpoints = cluster.endpoints();
    let endpoints = endpoints.iter();
    endpoints
        .map(|url| Endpoint::parse(url, false).unwrap())
        .collect()
}

/// Makes an engine for a cluster.
type Make = fn(&Cluster) -> Box<dyn Engine>;

fn tonic(cluster: &Cluster) -> Box<dyn Engine> {
    Box::new(TonicEngine::new(ClientOptions::new(), endpoints(cluster)))
}

fn native(cluster: &Cluster) -> Box<dyn Engine> {
    Box::new(NativeEngine::new(ClientOptions::new(), endpoints(cluster)))
}

/// Makes two tests of each of these functions, one for each engine.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod tonic {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::tonic).await;
            })*
        }
        mod native {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::native).await;
            })*
        }
    };
}

use on_both;
