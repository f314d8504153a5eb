//! Reading the TLS files and making configurations of them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::AsyncReadExt;

use super::LoadedTls;
use crate::error::{Cause, ErrorKind};
use crate::options::TlsOptions;

/// Largest file that is read: a bundle of all public authorities has about 250 KB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The bytes of the files.
pub(super) struct Files {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Files {
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.ca.hash(&mut hasher);
        self.identity.hash(&mut hasher);
        hasher.finish()
    }
}

fn unusable(path: &Path, reason: impl std::fmt::Display) -> Cause {
    Cause::new(
        ErrorKind::Tls,
        format!(
            "the TLS file {} cannot be used: {reason}; check the path and the file",
            path.display()
        ),
    )
}

pub(super) async fn read(options: &TlsOptions) -> Result<Files, Cause> {
    let ca = match &options.ca_file {
        Some(path) => Some(read_file(path).await?),
        None => None,
    };
    let identity = match (&options.cert_file, &options.key_file) {
        (Some(cert), Some(key)) => Some((read_file(cert).await?, read_file(key).await?)),
        (None, None) => None,
        _ => {
            return Err(Cause::new(
                ErrorKind::Tls,
                "a client certificate needs both its file and the file of its key; give --cert and --key",
            ));
        }
    };
    Ok(Files { ca, identity })
}

async fn read_file(path: &PathBuf) -> Result<Vec<u8>, Cause> {
    let read = async {
        let mut content = Vec::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut content)
            .await?;
        Ok::<_, std::io::Error>(content)
    };
    let content = read
        .await
        .map_err(|error| unusable(path, &error).with_source(error))?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(unusable(path, "it is larger than 1 MiB"));
    }
    Ok(content)
}

pub(super) async fn build(
    options: &TlsOptions,
    files: Files,
    generation: u64,
) -> Result<LoadedTls, Cause> {
    let roots = match (&options.ca_file, &files.ca) {
        (Some(path), Some(pem)) => roots_of(path, pem)?,
        _ => system_roots().await?,
    };
    let verifier = verifier(options, roots)?;
    let (mut http, identity) =
        with_identity(options, builder(Arc::clone(&verifier)), files.identity)?;
    let mut grpc = http.clone();
    grpc.alpn_protocols = vec![b"h2".to_vec()];
    http.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(LoadedTls {
        grpc: Arc::new(grpc),
        http,
        verifier,
        identity,
        generation,
    })
}

/// A configuration that trusts nobody, for member HTTP without TLS.
pub(crate) fn no_tls() -> ClientConfig {
    client_builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

type VerifierWanted = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;
type IdentityWanted = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn client_builder() -> VerifierWanted {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3, the default versions")
}

fn builder(verifier: Arc<dyn ServerCertVerifier>) -> IdentityWanted {
    client_builder()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

fn roots_of(path: &Path, pem: &[u8]) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| unusable(path, error))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(path, error))?;
    }
    if roots.is_empty() {
        return Err(unusable(path, "it holds no PEM certificate"));
    }
    Ok(roots)
}

async fn system_roots() -> Result<RootCertStore, Cause> {
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    if let Ok(found) = found {
        roots.add_parsable_certificates(found.certs);
    }
    if roots.is_empty() {
        return Err(Cause::new(
            ErrorKind::Tls,
            "the system has no certificate authorities; give the cluster's own with --cacert",
        ));
    }
    Ok(roots)
}

fn verifier(
    options: &TlsOptions,
    roots: RootCertStore,
) -> Result<Arc<dyn ServerCertVerifier>, Cause> {
    let provider = Arc::new(ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Cause::new(ErrorKind::Tls, error.to_string()))?;
    let Some(name) = &options.server_name else {
        return Ok(inner);
    };
    let name = ServerName::try_from(name.clone())
        .map_err(|_| Cause::new(ErrorKind::Tls, format!("`{name}` is not a server name")))?;
    Ok(Arc::new(NamedVerifier { inner, name }))
}

fn with_identity(
    options: &TlsOptions,
    builder: IdentityWanted,
    identity: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<(ClientConfig, Vec<CertificateDer<'static>>), Cause> {
    let (Some((cert, key)), Some(cert_file), Some(key_file)) =
        (identity, &options.cert_file, &options.key_file)
    else {
        return Ok((builder.with_no_client_auth(), Vec::new()));
    };
    let chain = CertificateDer::pem_slice_iter(&cert)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(cert_file, error))?;
    if chain.is_empty() {
        return Err(unusable(cert_file, "it holds no PEM certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| unusable(key_file, error))?;
    let config = builder
        .with_client_auth_cert(chain.clone(), key)
        .map_err(|error| unusable(key_file, error))?;
    Ok((config, chain))
}

/// Verifies certificates as usual, but against a configured name instead of the host of the endpoint.
#[derive(Debug)]
struct NamedVerifier {
    inner: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for NamedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
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
