//! How the testkit itself talks to a member.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, GetOptions, Identity, TlsOptions};
use tokio::time::timeout;

use crate::error::Error;
use crate::tls::{TlsFiles, TlsMode};

/// A member that cannot be dialled within this is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// User and password of a cluster with authentication. No secret: they stand in this crate's source.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What is needed to connect to any member of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Access {
    pub(crate) tls: Option<TlsFiles>,
    /// Set once authentication is switched on.
    pub(crate) credentials: OnceLock<Credentials>,
}

impl Access {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Runs `call` with a fresh client of the member at `url`; one `limit` covers connecting, login
    /// and the call.
    ///
    /// A fresh client each time: steering calls are rare, and a kept channel would be in back-off
    /// after a restart.
    pub(crate) async fn call<T>(
        &self,
        url: &str,
        limit: Duration,
        call: impl AsyncFnOnce(&mut Client) -> Result<T, etcd_client::Error>,
    ) -> Result<T, String> {
        let work = async {
            let mut client = self.connect(url, limit).await?;
            call(&mut client).await.map_err(|error| error.to_string())
        };
        let outcome = timeout(limit, work).await;
        outcome.unwrap_or_else(|_| Err(format!("{url} did not answer within {limit:.1?}")))
    }

    async fn connect(&self, url: &str, limit: Duration) -> Result<Client, String> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT_LIMIT)
            .with_timeout(limit);
        if let Some(files) = &self.tls {
            options = options.with_tls(tls_options(files).map_err(|error| error.to_string())?);
        }
        if let Some(Credentials { user, password }) = self.credentials.get() {
            options = options.with_user(user, password);
        }
        Client::connect([url], Some(options))
            .await
            .map_err(|error| error.to_string())
    }
}

/// One linearizable read of a key that need not exist; returns the id of the member that answered.
pub(crate) async fn linearizable_read(client: &mut Client) -> Result<u64, etcd_client::Error> {
    let options = GetOptions::new().with_keys_only().with_limit(1);
    let answer = client
        .get("etcd-monitor-testkit/ready", Some(options))
        .await?;
    Ok(answer
        .header()
        .map_or(0, etcd_client::ResponseHeader::member_id))
}

fn tls_options(files: &TlsFiles) -> Result<TlsOptions, Error> {
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(read(&files.ca)?));
    if files.mode != TlsMode::Mutual {
        return Ok(options);
    }
    let (certificate, key) = &files.client;
    Ok(options.identity(Identity::from_pem(read(certificate)?, read(key)?)))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::io(format!("read {}", path.display())))
}
