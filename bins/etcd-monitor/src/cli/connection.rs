//! The flags that say which cluster is meant and how it is reached.

use std::path::PathBuf;

use clap::Args;

/// Which cluster, and how to reach it.
#[derive(Debug, Clone, Default, Args)]
pub struct ConnectionArgs {
    /// Endpoints of the cluster; one is enough, the others are found
    ///
    /// With or without scheme, IPv6 in brackets. Without scheme: https when TLS flags are given, else http.
    /// [default: 127.0.0.1:2379]
    #[arg(
        long,
        value_name = "HOST:PORT",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    #[arg(env = "ETCD_MONITOR_ENDPOINTS")]
    pub endpoints: Vec<String>,

    /// Name of the cluster in findings, alerts and labels [default: default]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_CLUSTER_NAME"
    )]
    pub cluster_name: Option<String>,

    /// Probe only the endpoints given; do not look for the other members
    #[arg(long, help_heading = "Cluster", env = "ETCD_MONITOR_NO_DISCOVER")]
    pub no_discover: bool,

    /// Where members serve /metrics when not on the client port, such as `http://{host}:2381`
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_METRICS_URL"
    )]
    pub metrics_url: Option<String>,

    /// Certificate of the authority that signed the members' certificates (PEM)
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_CACERT"
    )]
    pub cacert: Option<PathBuf>,

    /// Client certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_CERT"
    )]
    #[arg(requires = "key")]
    pub cert: Option<PathBuf>,

    /// Key of the client certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_KEY"
    )]
    #[arg(requires = "cert")]
    pub key: Option<PathBuf>,

    /// User, where authentication is on; the password is read from --password-file
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_USER"
    )]
    #[arg(requires = "password_file")]
    pub user: Option<String>,

    /// File that holds the password; read again at each authentication
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Cluster",
        env = "ETCD_MONITOR_PASSWORD_FILE"
    )]
    #[arg(requires = "user")]
    pub password_file: Option<PathBuf>,
}
