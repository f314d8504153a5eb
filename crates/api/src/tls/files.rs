//! What TLS is made of, as it was found.

use std::fmt;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::pem::Found;
use super::{TlsError, TlsSettings};

/// Certificates and keys as they are now. What they hold is not printed.
pub(super) struct Files {
    cert: Found,
    key: Found,
    client_ca: Option<Found>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        self.cert.bytes == other.cert.bytes
            && self.key.bytes == other.key.bytes
            && self.client_ca() == other.client_ca()
    }
}

impl Files {
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let client_ca = settings.client_ca.as_ref();
        Ok(Self {
            cert: settings.cert.read("cert")?,
            key: settings.key.read("key")?,
            client_ca: client_ca.map(|pem| pem.read("client_ca")).transpose()?,
        })
    }

    /// Where the server's certificate was found.
    pub(super) fn place_of_cert(&self) -> &str {
        &self.cert.place
    }

    /// The server's certificate and those above it.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.cert)
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        // The reader's own error is left out: it might show what it read.
        PrivateKeyDer::from_pem_slice(&self.key.bytes).map_err(|_| {
            let what = "no private key in PEM (PKCS #8, PKCS #1 or SEC 1, without a password)";
            TlsError::of(&self.key.place, what)
        })
    }

    /// What is said of who signs the certificates of clients.
    pub(super) fn client_ca(&self) -> Option<&[u8]> {
        self.client_ca.as_ref().map(|found| found.bytes.as_slice())
    }

    /// Who signs the certificates of clients.
    pub(super) fn client_signers(&self) -> Result<Option<RootCertStore>, TlsError> {
        let Some(found) = &self.client_ca else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for signer in certificates(found)? {
            let added = roots.add(signer);
            added.map_err(|error| TlsError::of(&found.place, error))?;
        }
        Ok(Some(roots))
    }
}

fn certificates(found: &Found) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&found.bytes).collect();
    let all = all.map_err(|error| TlsError::of(&found.place, error))?;
    if all.is_empty() {
        return Err(TlsError::of(&found.place, "no certificate in PEM"));
    }
    Ok(all)
}
