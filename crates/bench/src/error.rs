//! Why a benchmark did not begin, or has no result.

use etcd_monitor_client::ClientError;

/// Why a benchmark did not begin, or has no result. What single requests fail of stands in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// Keys of this size have no room for the prefix and the numbers of the key space.
    #[error(
        "keys of {size} bytes have no room for prefix {prefix:?} and the numbers of {space} keys: at least {needed} bytes are needed, or a shorter prefix"
    )]
    KeyTooShort {
        /// Bytes of a key.
        size: usize,
        /// Bytes that it needs.
        needed: usize,
        /// The prefix.
        prefix: String,
        /// Keys of the space.
        space: u64,
    },
    /// No distribution has this exponent.
    #[error("a zipf exponent must be above 0, not {exponent}")]
    BadZipf {
        /// The exponent.
        exponent: f64,
    },
    /// A part of the plan cannot be.
    #[error("{name}: {reason}")]
    BadPlan {
        /// The part.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There are keys below the prefix that this run did not write.
    #[error(
        "{count} keys are below prefix {prefix:?} already, and would be overwritten and deleted: choose a prefix below which there are none"
    )]
    PrefixInUse {
        /// The prefix.
        prefix: String,
        /// Keys below it.
        count: i64,
    },
    /// The keys that are to be read or deleted could not all be written.
    #[error("{failed} of {count} keys could not be written before the measurement: {example}")]
    Populate {
        /// Writes that failed.
        failed: u64,
        /// Writes that were to be made.
        count: u64,
        /// The kind of the first error, as reports count errors by.
        kind: String,
        /// The first error.
        example: String,
    },
    /// No member is what the load is to go to.
    #[error(
        "no member for --target {wanted} was found that may be contacted: see whether the members answer, and name them all in --endpoints"
    )]
    NoTarget {
        /// What was looked for.
        wanted: &'static str,
    },
    /// The disk could not be probed.
    #[error(
        "no file could be written and synced in {directory} (--fsync-probe): {error}; name a directory that you may write to, on the disk that members use"
    )]
    FsyncProbe {
        /// The directory.
        directory: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A call that the run cannot do without failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A thread of the engine could not be started, or ended with a panic.
    #[error("a worker of the engine {0}")]
    Worker(String),
    /// It was stopped before anything was measured.
    #[error("stopped before anything was measured")]
    Stopped,
}
