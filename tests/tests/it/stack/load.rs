//! Load of every kind, so that every series has something to show.

use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, PutOptions, Txn, TxnOp, WatchOptions,
};
use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::http_client;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Raft's own snapshots after few writes.
pub(super) const FLAGS: [&str; 1] = ["--snapshot-count=100"];

/// Enough for the rules that ask for a hundred observations, little for the machine.
const PAUSE: Duration = Duration::from_millis(100);

/// What is rare comes about as often as a scrape.
const RARE_PAUSE: Duration = Duration::from_secs(7);

/// No lease of this id is ever granted.
const NO_LEASE: i64 = 1;

/// The load on each member, until it is stopped.
pub(super) struct Load(JoinSet<()>);

impl Load {
    pub(super) fn start(cluster: &Cluster) -> Self {
        let mut tasks = JoinSet::new();
        for member in cluster.members() {
            tasks.spawn(often(member.client_url().to_owned()));
            tasks.spawn(seldom(member.client_url().to_owned()));
        }
        Self(tasks)
    }

    /// One that ended before it was stopped has failed.
    pub(super) async fn stop(mut self) {
        if let Some(ended) = self.0.try_join_next() {
            ended.unwrap();
        }
        self.0.shutdown().await;
    }
}

async fn client(url: &str) -> Client {
    let options = ConnectOptions::new().with_timeout(Duration::from_secs(20));
    Client::connect([url], Some(options)).await.unwrap()
}

/// Writes, reads and transactions, before the eyes of a watcher.
async fn often(url: String) {
    let mut client = client(&url).await;
    let options = WatchOptions::new().with_prefix();
    let mut watch = client.watch("stack/", Some(options)).await.unwrap();
    let mut pace = interval(PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u64.. {
        pace.tick().await;
        let key = format!("stack/{}", number % 100);
        client.put(key.clone(), "value", None).await.unwrap();
        client.get(key.clone(), None).await.unwrap();
        let exists = Compare::version(key.clone(), CompareOp::Greater, 0);
        let txn = Txn::new().when([exists]);
        let txn = txn.and_then([TxnOp::put(key.clone(), "other", None)]);
        client.txn(txn).await.unwrap();
        if number % 10 == 9 {
            client.delete(key, None).await.unwrap();
        }
        watch.message().await.unwrap();
    }
}

/// Leases, failures, backups and defragmentations; and somebody who asks whether the member is well.
async fn seldom(url: String) {
    let mut client = client(&url).await;
    let http = http_client();
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let (mut keeper, mut kept) = client.lease_keep_alive(lease).await.unwrap();
    let mut pace = interval(RARE_PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        keeper.keep_alive().await.unwrap();
        kept.message().await.unwrap();
        let revoked = client.lease_grant(60, None).await.unwrap().id();
        client.lease_revoke(revoked).await.unwrap();
        client.lease_grant(1, None).await.unwrap();
        fail(&mut client, &url).await;
        let mut backup = client.snapshot().await.unwrap();
        while backup.message().await.unwrap().is_some() {}
        client.defragment().await.unwrap();
        let health = http.get(format!("{url}/health")).send().await;
        assert!(health.unwrap().status().is_success());
    }
}

/// What etcd refuses.
async fn fail(client: &mut Client, url: &str) {
    let options = PutOptions::new().with_lease(NO_LEASE);
    let put = client.put("stack/refused", "value", Some(options)).await;
    put.expect_err("there is no such lease");
    let options = ConnectOptions::new().with_user("nobody", "wrong");
    let signed_in = Client::connect([url], Some(options)).await;
    assert!(signed_in.is_err(), "there is no such user");
}
