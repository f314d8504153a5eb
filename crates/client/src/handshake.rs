//! A TLS handshake for its own sake: which certificates a port shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::certificate::{CertificateAnswer, ShownCertificates, covers, read_chain};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind, classify_chain};
use crate::link::{connect, other_scheme, server_name};
use crate::message::clean;
use crate::tls::{LoadedTls, TlsFiles};

/// Makes a handshake and closes the connection. Fails when no certificate was shown within the deadline.
pub(crate) async fn look(
    endpoint: &Endpoint,
    tls: &TlsFiles,
    deadline: Duration,
) -> Result<ShownCertificates, Cause> {
    let loaded = tls.current().await?;
    let noted = Arc::new(Noted::default());
    let ended = timeout(deadline, shake(endpoint, &loaded, &noted, deadline)).await;
    let ended = ended.unwrap_or_else(|_| {
        let message = "no whole TLS handshake within the deadline; the port hangs or is cut off";
        Err(Cause::new(ErrorKind::TimedOut, message))
    });
    match (noted.take(), ended) {
        (None, Err(cause)) => Err(cause),
        (None, Ok(())) => Err(Cause::new(ErrorKind::BadAnswer, "no certificate was shown")),
        (Some(chain), ended) => shown(&chain, endpoint, ended.err()),
    }
}

/// Our own certificate as it is in force, leaf first; empty without one.
pub(crate) async fn own(tls: &TlsFiles) -> Result<Vec<CertificateAnswer>, Cause> {
    let loaded = tls.current().await?;
    if loaded.identity.is_empty() {
        return Ok(Vec::new());
    }
    read_chain(&loaded.identity)
}

fn shown(
    chain: &[CertificateDer<'_>],
    endpoint: &Endpoint,
    refused: Option<Cause>,
) -> Result<ShownCertificates, Cause> {
    let covers_host = chain
        .first()
        .is_some_and(|leaf| covers(leaf, endpoint.host()));
    Ok(ShownCertificates {
        chain: read_chain(chain)?,
        covers_host,
        refused: refused.map(|cause| clean(&cause.message)),
    })
}

async fn shake(
    endpoint: &Endpoint,
    loaded: &LoadedTls,
    noted: &Arc<Noted>,
    deadline: Duration,
) -> Result<(), Cause> {
    let name = server_name(endpoint.host())?;
    let stream = connect(endpoint, deadline).await?;
    let connector = TlsConnector::from(Arc::new(config(loaded, noted)));
    match connector.connect(name, stream).await {
        Ok(mut stream) => {
            // Says goodbye, so that the member logs no broken connection.
            let _ = stream.shutdown().await;
            Ok(())
        }
        Err(error) => {
            let cause = classify_chain(&error);
            let cause = cause.unwrap_or_else(|| Cause::new(ErrorKind::Tls, error.to_string()));
            Err(other_scheme(cause, endpoint, deadline).await)
        }
    }
}

/// As for any call, but with a certificate in every handshake: a resumed session shows none.
fn config(loaded: &LoadedTls, noted: &Arc<Noted>) -> ClientConfig {
    let mut config = ClientConfig::clone(&loaded.grpc);
    config.alpn_protocols.clear();
    config.resumption = Resumption::disabled();
    let verifier = NotingVerifier {
        inner: Arc::clone(&loaded.verifier),
        noted: Arc::clone(noted),
    };
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(verifier));
    config
}

/// The chain that was shown in one handshake.
#[derive(Debug, Default)]
struct Noted(Mutex<Option<Vec<CertificateDer<'static>>>>);

impl Noted {
    fn put(&self, chain: Vec<CertificateDer<'static>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
    }

    fn take(&self) -> Option<Vec<CertificateDer<'static>>> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.take()
    }
}

/// Judges certificates as its inner verifier does, and notes them first.
#[derive(Debug)]
struct NotingVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    noted: Arc<Noted>,
}

impl ServerCertVerifier for NotingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        self.noted.put(
            chain
                .map(|certificate| certificate.clone().into_owned())
                .collect(),
        );
        self.inner
            .verify_server_cert(end_entity, intermediates, host, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
