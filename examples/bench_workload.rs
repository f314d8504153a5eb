//! A load of your own: a queue, whose producers put and whose consumers delete, on a cluster that is named.
//!
//! `cargo run -p etcd-monitor-examples --bin bench_workload -- 127.0.0.1:2379`
#![expect(clippy::print_stdout, reason = "an example shows what it measured")]

use std::error::Error;
use std::sync::Arc;

use etcd_monitor_bench::{
    Benchmark, KeyShape, Load, OperationKind, Options, Request, Requests, TonicEngine, Until,
    Workload,
};
use etcd_monitor_client::{ClientOptions, Endpoint};
use tokio_util::sync::CancellationToken;

/// Of each two requests the first puts an item, and the second deletes it.
#[derive(Debug, Clone)]
struct Queue(KeyShape);

impl Workload for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn requests(&self, _seed: u64) -> Box<dyn Requests> {
        Box::new(self.clone())
    }
}

impl Requests for Queue {
    fn next(&mut self, number: u64, request: &mut Request) {
        let item = number / 2;
        if number.is_multiple_of(2) {
            let (key, value) = request.begin_put();
            self.0.write(item, key);
            value.clear();
            value.extend_from_slice(b"an item");
        } else {
            let (key, _) = request.begin_span(OperationKind::Delete);
            self.0.write(item, key);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider is there already")?;
    let named = std::env::args().nth(1);
    let endpoint = Endpoint::parse(named.as_deref().unwrap_or("127.0.0.1:2379"), false)?;
    let (client, endpoints) = (ClientOptions::new(), vec![endpoint]);
    let keys = KeyShape::new("/queue/", 32, 1_000_000)?;
    let benchmark = Benchmark {
        engine: Box::new(TonicEngine::new(client.clone(), endpoints.clone())),
        client,
        endpoints,
        load: Load::new(Until::Operations(1_000)),
        workload: Arc::new(Queue(keys.clone())),
        // All keys are below this prefix, and are deleted in the end.
        options: Options::new("/queue/", keys, 0),
    };
    let report = benchmark.run(&(), &CancellationToken::new()).await?;
    println!("{}", report.to_table());
    for operation in &report.operations {
        let kind = operation.kind.as_str();
        println!(
            "{kind}: {} answered, p99 {:?} s",
            operation.succeeded, operation.response.p99_seconds
        );
    }
    Ok(())
}
