//! Loads that live on streams, and calls that wait for others.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use etcd_monitor_bench::{
    ContentionLoad, ContentionStyle, LeaseLoad, LeaseStyle, Load, StreamLoad, StreamOptions,
    WatchLoad,
};

use super::load::duration;
use super::pace::{PaceArgs, SizeArgs};
use super::{ConnectionArgs, OutputArgs};

/// What all loads on streams have.
#[derive(Debug, Clone, Args)]
pub(crate) struct StreamArgs {
    /// Which cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How much.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// The report.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Requests where neither a number nor a time is given.
const TOTAL_DEFAULT: u64 = 1_000;

impl StreamArgs {
    /// The load.
    pub(crate) fn load(&self) -> Load {
        self.pace.load(TOTAL_DEFAULT)
    }

    /// What a benchmark does beside.
    pub(crate) fn options(&self) -> StreamOptions {
        let mut options = StreamOptions::new(&*self.pace.prefix);
        options.use_existing_prefix = self.pace.use_existing_prefix;
        options.keep_keys = self.pace.keep_keys;
        let connection = &self.connection;
        options.fsync_probe.clone_from(&connection.fsync_probe);
        options.server_metrics = !connection.no_server_metrics;
        options
    }
}

/// A load on streams.
#[derive(Debug, Subcommand)]
pub(crate) enum StreamCommand {
    /// Puts, and what watchers see of them: how late, how many a second, and whether all, once and in order
    #[command(after_help = "Examples:
  etcd-bench watch --watchers 1000 --streams 20 --rate 100 --duration 30s
  etcd-bench watch --watchers 500 --watched-keys 50 --total 100000 --clients 100
  etcd-bench watch --watchers 100 --slow-streams 2 --slow-pause 50ms --rate 500 --duration 1m

An event counts from when its put was due (`event`), or sent (`event, service`), and is matched to it by its revision. Each
watcher sees every put to its key: `delivery` says how many it did not.")]
    Watch(WatchArgs),
    /// Grants leases, renews them on streams that stay, or lets many end together
    #[command(after_help = "Examples:
  etcd-bench lease --total 10000 --clients 50
  etcd-bench lease --keep-alive --leases 5000 --clients 200 --duration 30s
  etcd-bench lease --expire --leases 10000 --ttl 5s --rate 200

Without --keep-alive or --expire each request is a grant. With --expire each is a put of another key, and the load is over when all
leases have ended; `expiry` is how late their keys went.")]
    Lease(LeaseArgs),
    /// Clients that want the same lock (v3lock): hand-over, fairness, and never two owners at once
    #[command(after_help = "Examples:
  etcd-bench lock --clients 20 --total 2000
  etcd-bench lock --clients 200 --names 50 --hold 5ms --duration 30s

`lock` is the wait for the lock, `hand_over` the time from when an owner began to unlock to when the next one knew that it owns.")]
    Lock(LockArgs),
    /// Clients that want to lead the same election (v3election), and observers that hear of each leader
    #[command(after_help = "Examples:
  etcd-bench election --clients 10 --total 1000 --hold 1ms
  etcd-bench election --clients 50 --names 10 --observers 20 --hold 10ms --duration 30s

`campaign` is the wait to be elected, `leader_seen` the time from when a leader began to resign to when an observer heard of the next.")]
    Election(ElectionArgs),
}

/// Of leases.
#[derive(Debug, Args)]
pub(crate) struct LeaseArgs {
    /// What all have.
    #[command(flatten)]
    pub(crate) common: StreamArgs,
    /// Keys and values.
    #[command(flatten)]
    size: SizeArgs,

    /// Renews leases that it grants first
    #[arg(long, conflicts_with = "expire", help_heading = "Leases")]
    keep_alive: bool,

    /// Lets leases end together that it grants first, each with a key
    #[arg(long, conflicts_with_all = ["total", "duration", "warmup"], help_heading = "Leases")]
    expire: bool,

    /// Leases that are granted first
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        help_heading = "Leases"
    )]
    leases: u32,

    /// How long a lease lasts, in whole seconds; etcd gives at least one and a half times its election timeout
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = "Leases")]
    ttl: Duration,
}

impl LeaseArgs {
    fn work(&self) -> LeaseLoad {
        let mut work = LeaseLoad::new(if self.keep_alive {
            LeaseStyle::KeepAlive(self.leases)
        } else if self.expire {
            LeaseStyle::Expire(self.leases)
        } else {
            LeaseStyle::Grant
        });
        work.ttl = self.ttl;
        work.key_size = self.size.key_size;
        work.value_size = self.size.value_size;
        work
    }
}

/// Of all that is contended for.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Contention")]
pub(crate) struct ContentionArgs {
    /// Names, over which the clients are spread
    #[arg(long, value_name = "N", default_value_t = 1)]
    names: u32,

    /// How long an owner holds it
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    hold: Duration,

    /// How long a client waits for it at most
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    wait: Duration,

    /// How long the leases of the clients last, in whole seconds; they are kept alive
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    ttl: Duration,

    /// Does not look up for each owner whether its key is the oldest, which is one read within the hold
    #[arg(long)]
    no_verify: bool,
}

impl ContentionArgs {
    fn work(self, style: ContentionStyle) -> ContentionLoad {
        let mut work = ContentionLoad::new(style);
        work.names = self.names;
        work.hold = self.hold;
        work.wait = self.wait;
        work.ttl = self.ttl;
        work.verify = !self.no_verify;
        work
    }
}

/// Of locks.
#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// What all have.
    #[command(flatten)]
    pub(crate) common: StreamArgs,
    /// What all that is contended for has.
    #[command(flatten)]
    contention: ContentionArgs,
}

/// Of elections.
#[derive(Debug, Args)]
pub(crate) struct ElectionArgs {
    /// What all have.
    #[command(flatten)]
    pub(crate) common: StreamArgs,
    /// What all that is contended for has.
    #[command(flatten)]
    contention: ContentionArgs,

    /// Observers of each election
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        help_heading = "Contention"
    )]
    observers: u32,
}

/// Of watches.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// What all have.
    #[command(flatten)]
    pub(crate) common: StreamArgs,
    /// Keys and values.
    #[command(flatten)]
    size: SizeArgs,

    /// Watches, each of one key
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        help_heading = "Watches"
    )]
    watchers: u32,

    /// Streams that they are spread over, on connections apart from those of the puts [default: 10, or as many as watchers]
    #[arg(long, value_name = "N", help_heading = "Watches")]
    streams: Option<u32>,

    /// Keys that are written one after the other, each watched by as many watchers
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Watches")]
    watched_keys: u64,

    /// Has the pair before each change sent as well
    #[arg(long, help_heading = "Watches")]
    prev_kv: bool,

    /// Streams, of all, that are read slowly
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Watches")]
    slow_streams: u32,

    /// How long these pause after each message
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = duration, help_heading = "Watches")]
    slow_pause: Duration,
}

impl WatchArgs {
    fn work(&self) -> WatchLoad {
        let mut work = WatchLoad::default();
        work.watchers = self.watchers;
        work.streams = self.streams.unwrap_or(work.streams.min(self.watchers));
        work.keys = self.watched_keys;
        work.key_size = self.size.key_size;
        work.value_size = self.size.value_size;
        work.previous = self.prev_kv;
        work.slow_streams = self.slow_streams;
        work.slow_pause = self.slow_pause;
        work.patience = self.common.connection.timeout;
        work
    }
}

impl StreamCommand {
    /// What all have.
    pub(crate) fn common(&self) -> &StreamArgs {
        match self {
            Self::Watch(watch) => &watch.common,
            Self::Lease(lease) => &lease.common,
            Self::Lock(lock) => &lock.common,
            Self::Election(election) => &election.common,
        }
    }

    /// What is done.
    pub(crate) fn work(&self) -> Arc<dyn StreamLoad> {
        match self {
            Self::Watch(watch) => Arc::new(watch.work()),
            Self::Lease(lease) => Arc::new(lease.work()),
            Self::Lock(lock) => Arc::new(lock.contention.work(ContentionStyle::Lock)),
            Self::Election(election) => {
                let style = ContentionStyle::Election(election.observers);
                Arc::new(election.contention.work(style))
            }
        }
    }
}
