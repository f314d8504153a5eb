//! The flags that say which cluster is meant and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use etcd_monitor_bench::Options;
use etcd_monitor_client::{
    ClientOptions, Credentials, Endpoint, EndpointError, MetricsUrl, Password, TlsOptions,
};

use super::load::duration;

/// Which cluster, and how to reach it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ConnectionArgs {
    /// Endpoints that are asked, in turn
    #[arg(
        long,
        value_name = "HOST:PORT",
        value_delimiter = ',',
        default_value = "127.0.0.1:2379"
    )]
    pub endpoints: Vec<String>,

    /// Certificate of the authority that signed the members' certificates (PEM)
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,

    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// User, where authentication is on; the password is read from --password-file
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub(crate) user: Option<String>,

    /// File that holds the password
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,

    /// How long a request may take, connecting included; one that takes longer counts as failed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub timeout: Duration,

    /// Where members serve /metrics when not on the client port, such as `http://{host}:2381`
    #[arg(long, value_name = "URL", value_parser = metrics_url)]
    pub metrics_url: Option<MetricsUrl>,

    /// Does not read the members' /metrics while they are measured
    #[arg(long, conflicts_with = "metrics_url")]
    pub no_server_metrics: bool,

    /// Syncs a file in this directory first, as etcd syncs its log, and reports how long that takes: for runs on a member's machine
    #[arg(long, value_name = "DIRECTORY")]
    pub fsync_probe: Option<PathBuf>,
}

fn metrics_url(text: &str) -> Result<MetricsUrl, String> {
    MetricsUrl::parse(text).map_err(|error| error.to_string())
}

impl ConnectionArgs {
    /// The endpoints; https where TLS flags are given and no scheme says otherwise.
    pub(crate) fn endpoints(&self) -> Result<Vec<Endpoint>, EndpointError> {
        let endpoints = self.endpoints.iter();
        endpoints
            .map(|text| Endpoint::parse(text, self.is_tls()))
            .collect()
    }

    /// True where the TLS flags say https.
    pub(crate) fn is_tls(&self) -> bool {
        self.cacert.is_some() || self.cert.is_some()
    }

    /// What a benchmark does beside, as these flags say.
    pub(crate) fn complete(&self, options: &mut Options) {
        options.fsync_probe.clone_from(&self.fsync_probe);
        options.server_metrics = !self.no_server_metrics;
    }

    /// How the members are reached.
    pub(crate) fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::new().with_deadline(self.timeout);
        if self.is_tls() {
            let mut tls = TlsOptions::new();
            if let Some(file) = &self.cacert {
                tls = tls.with_ca_file(file);
            }
            if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
                tls = tls.with_client_certificate(cert, key);
            }
            options = options.with_tls(tls);
        }
        if let (Some(user), Some(file)) = (&self.user, &self.password_file) {
            options = options.with_credentials(Credentials {
                user: user.clone(),
                password: Password::File(file.clone()),
            });
        }
        options.metrics_url.clone_from(&self.metrics_url);
        options
    }
}
