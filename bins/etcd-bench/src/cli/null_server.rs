//! The flags of the null server.

use clap::Args;

/// Serves nothing as fast as can be, to see what the load generator takes alone
///
/// It speaks gRPC in plain text and answers each call at once: what a load on it reaches is the limit of the generator on this
/// machine, not that of etcd.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  etcd-bench null-server --listen 127.0.0.1:12379
  taskset -c 1 etcd-bench null-server --listen 127.0.0.1:12379 &
  taskset -c 0 etcd-bench write --endpoints 127.0.0.1:12379 --connections 8 --clients 256 --duration 10s")]
pub(crate) struct NullServerArgs {
    /// Where it listens; port 0 takes a free one, which is told on stdout
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:12379")]
    pub listen: String,

    /// Threads that serve
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: u32,
}
