//! A server that listens on a free port of loopback.

use std::net::SocketAddr;
use std::time::Duration;

use etcd_monitor_api::{HttpLimits, HttpOptions, ServeError, bind, serve};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::serving::{patient, source};

/// A server that runs.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: JoinHandle<Result<(), ServeError>>,
}

/// Options with limits that a test can wait for.
pub(crate) fn impatient() -> HttpOptions {
    let mut options = patient();
    let short = Duration::from_millis(400);
    let limits: &mut HttpLimits = &mut options.limits;
    limits.first_request = short;
    limits.idle = short;
    limits.body = short / 2;
    limits.write_stall = short;
    limits.handshake = short;
    options
}

impl Serving {
    pub(crate) async fn start(options: HttpOptions) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let source = source(&stop);
        let ended = tokio::spawn(serve(listener, source, options, stop.clone()));
        Self {
            address,
            stop,
            ended,
        }
    }
}
