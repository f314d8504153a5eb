//! One healthy cluster with one daemon, for all tests that only read.

use std::sync::LazyLock;
use std::thread;

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::Daemon;
use tokio::runtime::Runtime;

/// Three healthy members and the daemon that was given the first of them. Both live until the test process ends, when
/// their guards end them.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) daemon: Daemon,
    /// Child processes belong to the runtime that started them, and no test's runtime lives long enough.
    _runtime: Runtime,
}

/// The shared pair, started by the first test that asks.
pub(crate) fn shared() -> &'static Shared {
    static SHARED: LazyLock<Shared> = LazyLock::new(|| {
        let started = thread::spawn(start).join();
        started.expect("the shared cluster and its daemon start")
    });
    &SHARED
}

/// On a thread of its own, since the test that asks first runs on a runtime already.
fn start() -> Shared {
    let runtime = Runtime::new().expect("a runtime can be started");
    let (cluster, daemon) = runtime.block_on(async {
        let cluster = crate::three().await;
        let daemon = crate::watch(&cluster).await;
        crate::healthy(&daemon, 3).await;
        (cluster, daemon)
    });
    Shared {
        cluster,
        daemon,
        _runtime: runtime,
    }
}
