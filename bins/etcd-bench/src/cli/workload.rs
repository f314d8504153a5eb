//! What is asked: one subcommand for each kind of load.

use clap::{Args, Subcommand};
use etcd_monitor_bench::{Standard, StandardKind, TxnStyle};

use super::{ConnectionArgs, EngineArgs, LoadArgs, OutputArgs};

/// What all kinds of load have.
#[derive(Debug, Clone, Args)]
pub(crate) struct CommonArgs {
    /// Which cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How much.
    #[command(flatten)]
    pub load: LoadArgs,
    /// By what.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The report.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Whether reads need a quorum.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ConsistencyArgs {
    /// Asks the member alone, which may be behind, instead of a quorum
    #[arg(long)]
    pub serializable: bool,
}

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes single keys
    #[command(after_help = "Examples:
  etcd-bench write --endpoints 10.0.0.1:2379 --total 100000
  etcd-bench write --clients 100 --duration 1m --warmup 10s --key-order zipf
  etcd-bench write --rate 2000 --arrivals poisson --duration 1m -w html -o write.html")]
    Write {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Reads single keys, which it writes first
    #[command(after_help = "Examples:
  etcd-bench read --endpoints 10.0.0.1:2379 --clients 100 --duration 30s
  etcd-bench read --serializable --rate 5000 --duration 30s")]
    Read {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
        /// Whether a quorum is needed.
        #[command(flatten)]
        consistency: ConsistencyArgs,
    },
    /// Reads and writes the same keys
    #[command(after_help = "Examples:
  etcd-bench mixed --read-share 0.9 --rate 2000 --duration 1m --warmup 5s")]
    Mixed {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
        /// Whether a quorum is needed.
        #[command(flatten)]
        consistency: ConsistencyArgs,
        /// Share of the reads, from 0 to 1
        #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
        read_share: f64,
    },
    /// Reads ranges of keys, which it writes first
    #[command(after_help = "Examples:
  etcd-bench range --range-size 500 --limit 100 --duration 30s
  etcd-bench range --range-size 1000 --count-only")]
    Range {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
        /// Whether a quorum is needed.
        #[command(flatten)]
        consistency: ConsistencyArgs,
        /// Keys of a range
        #[arg(long, value_name = "N", default_value_t = 100)]
        range_size: u64,
        /// Pairs that are answered at most; 0 for all of the range
        #[arg(long, value_name = "N", default_value_t = 0)]
        limit: i64,
        /// Leaves out the values
        #[arg(long)]
        keys_only: bool,
        /// Asks for their number alone
        #[arg(long)]
        count_only: bool,
    },
    /// Deletes single keys, which it writes first; as many keys as --key-space says
    #[command(after_help = "Examples:
  etcd-bench delete --key-space 50000 --total 50000")]
    Delete {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Makes transactions: compare-and-swap of one key, or several puts at once
    #[command(after_help = "Examples:
  etcd-bench txn --duration 30s
  etcd-bench txn --puts 10 --total 10000")]
    Txn {
        /// What all have.
        #[command(flatten)]
        common: CommonArgs,
        /// Puts of a transaction that is made in any case, instead of compare-and-swap
        #[arg(long, value_name = "N")]
        puts: Option<usize>,
    },
}

impl Command {
    /// What all kinds have.
    pub(crate) fn common(&self) -> &CommonArgs {
        match self {
            Self::Write { common }
            | Self::Read { common, .. }
            | Self::Mixed { common, .. }
            | Self::Range { common, .. }
            | Self::Delete { common }
            | Self::Txn { common, .. } => common,
        }
    }

    /// The load, with what the flags say about it.
    pub(crate) fn standard(&self) -> Standard {
        match self {
            Self::Write { common } => common.load.standard(StandardKind::Write),
            Self::Delete { common } => common.load.standard(StandardKind::Delete),
            Self::Read {
                common,
                consistency,
            } => consistency.of(common.load.standard(StandardKind::Read)),
            Self::Mixed {
                common,
                consistency,
                read_share,
            } => {
                let mut standard = consistency.of(common.load.standard(StandardKind::Mixed));
                standard.read_share = *read_share;
                standard
            }
            Self::Range {
                common,
                consistency,
                range_size,
                limit,
                keys_only,
                count_only,
            } => {
                let mut standard = consistency.of(common.load.standard(StandardKind::Range));
                standard.range_size = *range_size;
                standard.range.limit = *limit;
                standard.range.keys_only = *keys_only;
                standard.range.count_only = *count_only;
                standard
            }
            Self::Txn { common, puts } => {
                let mut standard = common.load.standard(StandardKind::Txn);
                if let Some(puts) = puts {
                    standard.txn = TxnStyle::MultiplePuts(*puts);
                }
                standard
            }
        }
    }
}

impl ConsistencyArgs {
    fn of(self, mut standard: Standard) -> Standard {
        standard.range.serializable = self.serializable;
        standard
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("'{text}' is not between 0 and 1"))
}
