//! More than light load: many writers, and watchers that read nothing. Both end with the value, and after some minutes
//! by themselves.

use std::time::Duration;

use etcd_client::{Client, GetOptions, Txn, TxnOp, WatchOptions, WatchStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// They end by themselves after this.
const LONGEST: Duration = Duration::from_mins(30);

/// Keys of each writer; the database grows by their revisions alone.
const KEYS: u64 = 10;

/// Keys under [`COUNTED_PREFIX`].
const COUNTED: usize = 2_000;
const COUNTED_PREFIX: &str = "truth/counted/";

/// Puts that etcd takes in one transaction, at its defaults, and some room.
const PUTS_MAX: usize = 100;

/// What is written, and how much of it.
#[derive(Debug, Clone)]
pub(super) struct Writes {
    /// Writers at a time; each waits for the answer before it writes again.
    pub(super) writers: u64,
    /// Least time between two writes of one writer.
    pub(super) pause: Duration,
    /// How often etcd has to count [`COUNTED`] keys for each write: what costs every member much, and the disk nothing.
    pub(super) counts: usize,
    /// Bytes of a value.
    pub(super) value_bytes: usize,
    /// Writes of one writer; it ends with them.
    pub(super) count_max: u64,
}

/// Writers, ended on drop.
#[derive(Debug)]
pub(super) struct Writers {
    _running: JoinSet<()>,
}

impl Writers {
    /// Starts writers under the prefix, spread over the members at these URLs.
    pub(super) async fn start(
        urls: &[String],
        prefix: &str,
        writes: &Writes,
    ) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for url in urls {
            clients.push(Client::connect([url], None).await?);
        }
        let mut running = JoinSet::new();
        for (writer, client) in (0..writes.writers).zip(clients.iter().cycle()) {
            running.spawn(write(
                client.clone(),
                format!("{prefix}{writer}/"),
                writes.clone(),
            ));
        }
        Ok(Self { _running: running })
    }
}

/// What etcd refuses is not written again: it is the next write's turn.
async fn write(mut client: Client, prefix: String, writes: Writes) {
    let began = Instant::now();
    let value = vec![b'x'; writes.value_bytes];
    let mut pace = interval(writes.pause.max(Duration::from_millis(1)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..writes.count_max {
        pace.tick().await;
        if began.elapsed() > LONGEST {
            return;
        }
        let key = format!("{prefix}{}", number % KEYS);
        let mut parts = vec![TxnOp::put(key, value.clone(), None)];
        parts.resize_with(writes.counts + 1, count);
        let _ = client.txn(Txn::new().and_then(parts)).await;
    }
}

fn count() -> TxnOp {
    let options = GetOptions::new().with_prefix().with_count_only();
    TxnOp::get(COUNTED_PREFIX, Some(options))
}

/// Writes the keys that are counted.
pub(super) async fn write_counted(url: &str) -> anyhow::Result<()> {
    let mut client = Client::connect([url], None).await?;
    for first in (0..COUNTED).step_by(PUTS_MAX) {
        let keys = (first..first + PUTS_MAX).map(|key| format!("{COUNTED_PREFIX}{key}"));
        let puts: Vec<TxnOp> = keys.map(|key| TxnOp::put(key, "", None)).collect();
        client.txn(Txn::new().and_then(puts)).await?;
    }
    Ok(())
}

/// Watches whose events nobody reads: each stream takes what its window holds, and no more. Ended on drop.
#[derive(Debug)]
pub(super) struct DeafWatchers {
    _streams: Vec<WatchStream>,
}

impl DeafWatchers {
    /// Opens so many streams to the member at this URL, each on a connection of its own and with so many watches of
    /// the prefix.
    pub(super) async fn open(
        url: &str,
        prefix: &str,
        streams: usize,
        watches: usize,
    ) -> anyhow::Result<Self> {
        let mut opened = Vec::new();
        for _ in 0..streams {
            opened.push(deaf_stream(url, prefix, watches).await?);
        }
        Ok(Self { _streams: opened })
    }
}

async fn deaf_stream(url: &str, prefix: &str, watches: usize) -> anyhow::Result<WatchStream> {
    let options = || Some(WatchOptions::new().with_prefix());
    let mut client = Client::connect([url], None).await?;
    let mut stream = client.watch(prefix, options()).await?;
    for _ in 1..watches {
        stream.watch(prefix, options()).await?;
    }
    Ok(stream)
}
