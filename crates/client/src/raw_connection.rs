//! Connections below HTTP/2, for whoever speaks the protocol itself.

use std::fmt;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::error::{Cause, ClientError, ErrorKind, Operation};
use crate::link::{connect, server_name};
use crate::member::MemberClient;

/// A TCP connection to a member on which nothing was said yet, with all that is needed to say it.
#[non_exhaustive]
pub struct RawConnection {
    /// The connection: it does not block, and sends small packets at once.
    pub stream: TcpStream,
    /// How TLS is to be begun on it, HTTP/2 already among its protocols; `None` for plain text.
    pub tls: Option<RawTls>,
    /// The `:authority` of requests.
    pub authority: String,
    /// The `token` of requests; `None` where nobody authenticates.
    pub token: Option<SecretString>,
}

impl fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConnection")
            .field("authority", &self.authority)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// How TLS is begun on a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RawTls {
    /// Trusts and shows what the options say, by the files as they are now.
    pub config: Arc<ClientConfig>,
    /// The name that the member's certificate must carry.
    pub name: ServerName<'static>,
}

impl MemberClient {
    /// One more connection to the member, on which nothing was said, with a token where there is a user.
    ///
    /// `refused` is a token that the member no longer takes: another one is fetched then. Takes one deadline at most.
    /// Cancel-safe.
    pub async fn raw_connection(
        &self,
        refused: Option<&SecretString>,
    ) -> Result<RawConnection, ClientError> {
        let deadline = self.options().deadline;
        let made = timeout(deadline, self.connect_raw(refused)).await;
        let made = made.unwrap_or_else(|_| {
            let waited = deadline.as_secs_f64();
            let message = format!("no connection within {waited} s; the host may be down or cut off, or the member hangs");
            Err(Cause::new(ErrorKind::TimedOut, message))
        });
        made.map_err(|cause| ClientError::new(Operation::Connect, Some(self.endpoint()), cause))
    }

    async fn connect_raw(&self, refused: Option<&SecretString>) -> Result<RawConnection, Cause> {
        let token = self.token_for_raw(refused).await?;
        let tls = match self.tls_files() {
            None => None,
            Some(files) => {
                let config = Arc::clone(&files.current().await?.grpc);
                let name = server_name(files.server_name().unwrap_or(self.endpoint().host()))?;
                Some(RawTls { config, name })
            }
        };
        let stream = connect(self.endpoint(), self.options().deadline).await?;
        let stream = stream.into_std().map_err(|error| {
            Cause::new(ErrorKind::Other, "the connection cannot be used").with_source(error)
        })?;
        Ok(RawConnection {
            stream,
            tls,
            authority: self.endpoint().authority().to_owned(),
            token,
        })
    }
}
