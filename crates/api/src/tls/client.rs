//! Which certificates of clients are taken.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{ClientAuth, TlsError};
use crate::connection::ClientCertificate;
use crate::web_config::is_sane_name;

/// Checks certificates of clients as the settings say.
#[derive(Debug)]
pub(super) struct Verifier {
    mandatory: bool,
    /// Checks who signed; `None`: nobody need have.
    signers: Option<Arc<dyn ClientCertVerifier>>,
    allowed_names: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// `None` where clients are not asked.
    pub(super) fn new(
        auth: ClientAuth,
        signers: Option<RootCertStore>,
        allowed_names: &[String],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Self>, TlsError> {
        let (mandatory, verifies) = match auth {
            ClientAuth::None => return Ok(None),
            ClientAuth::Request => (false, false),
            ClientAuth::RequireAny => (true, false),
            ClientAuth::VerifyIfGiven => (false, true),
            ClientAuth::RequireAndVerify => (true, true),
        };
        let signers = match signers {
            Some(roots) if verifies => Some(by_signer(roots, provider)?),
            None if verifies => {
                return Err(TlsError::new(
                    "client_auth_type asks for certificates that a CA signed: name it with client_ca_file",
                ));
            }
            _ => None,
        };
        Ok(Some(Self {
            mandatory,
            signers,
            allowed_names: allowed_names.to_vec(),
            algorithms: provider.signature_verification_algorithms,
        }))
    }
}

fn by_signer(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| TlsError::new(format!("client_ca_file: {error}")))
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        let signers = self.signers.as_ref();
        signers.map_or(&[], |signers| signers.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if let Some(signers) = &self.signers {
            signers.verify_client_cert(certificate, intermediates, now)?;
        }
        if self.allowed_names.is_empty() {
            return Ok(ClientCertVerified::assertion());
        }
        let shown = identity(certificate).unwrap_or_default();
        let allowed = shown
            .names
            .iter()
            .any(|name| self.allowed_names.contains(name));
        if allowed {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Who a certificate says it is; `None` where it cannot be read.
pub(super) fn identity(certificate: &CertificateDer<'_>) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let mut common_names = certificate.subject().iter_common_name();
    let common_name = common_names.next().and_then(|name| name.as_str().ok());
    let common_name = common_name.filter(|name| is_sane_name(name));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|names| &names.value.general_names);
    Some(ClientCertificate {
        common_name: common_name.map(str::to_owned),
        names: names
            .into_iter()
            .flatten()
            .filter_map(name)
            .filter(|name| is_sane_name(name))
            .collect(),
        not_after: Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?,
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or(v6).ok()
}
