//! TLS to the daemon, by the certificate that the command line trusts.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::cli::HealthcheckArgs;

/// Shakes hands on the connection.
pub(super) async fn handshake(
    stream: TcpStream,
    url: &Url,
    arguments: &HealthcheckArgs,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(config(arguments)?));
    let name = server_name(url, arguments)?;
    Ok(connector.connect(name, stream).await?)
}

fn config(arguments: &HealthcheckArgs) -> anyhow::Result<ClientConfig> {
    let Some(trusted) = &arguments.cacert else {
        bail!("https wants --cacert");
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(trusted)? {
        roots.add(certificate)?;
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .with_context(|| format!("--key {}", key.display()))?;
            Ok(builder.with_client_auth_cert(certificates(cert)?, key)?)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.with_context(|| format!("{}", path.display()))?;
    if certificates.is_empty() {
        bail!("{}: no certificate is in it", path.display());
    }
    Ok(certificates)
}

fn server_name(url: &Url, arguments: &HealthcheckArgs) -> anyhow::Result<ServerName<'static>> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = arguments.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned())
        .with_context(|| format!("{name:?} is not a name that a certificate can have"))
}
