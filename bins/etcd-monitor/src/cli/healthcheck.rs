//! The command line of `etcd-monitor healthcheck`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "Examples:
  etcd-monitor healthcheck                                              the daemon on this host
  etcd-monitor healthcheck --url http://127.0.0.1:8080/ready            whether it has seen every cluster once
  etcd-monitor healthcheck --url https://127.0.0.1:8080/health --cacert server.pem --server-name monitor.example

For containers, which have no curl: it asks the daemon, not etcd. An ill etcd leaves the daemon healthy.
Exit codes: 0 the daemon is healthy, 1 it is not, or does not answer within 3 s, 2 wrong usage.";

/// Which daemon to ask, and how.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct HealthcheckArgs {
    /// What to ask; without it `http://127.0.0.1:8080/health`, with the port of `ETCD_MONITOR_API_PORT`
    #[arg(long, value_name = "URL", env = "ETCD_MONITOR_HEALTHCHECK_URL")]
    pub url: Option<String>,

    /// Certificate to trust: of the daemon, or of the authority that signed it (PEM); wanted for https
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "TLS",
        env = "ETCD_MONITOR_HEALTHCHECK_CACERT"
    )]
    pub cacert: Option<PathBuf>,

    /// Client certificate with its chain, where the daemon asks for one (PEM)
    #[arg(long, value_name = "FILE", help_heading = "TLS", requires = "key")]
    #[arg(env = "ETCD_MONITOR_HEALTHCHECK_CERT")]
    pub cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", help_heading = "TLS", requires = "cert")]
    #[arg(env = "ETCD_MONITOR_HEALTHCHECK_KEY")]
    pub key: Option<PathBuf>,

    /// Name to expect in the daemon's certificate [default: the URL's host]
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    #[arg(env = "ETCD_MONITOR_HEALTHCHECK_SERVER_NAME")]
    pub server_name: Option<String>,

    /// Port of the daemon where no URL is given
    #[arg(long, hide = true, env = "ETCD_MONITOR_API_PORT")]
    pub api_port: Option<u16>,
}
