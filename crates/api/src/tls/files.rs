//! What lies in the files of TLS.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsError, TlsSettings};

/// Largest file that is read; a bundle with every public CA has a quarter.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The files as they are on the disk. What they hold is not printed.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl Files {
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let client_ca = settings.client_ca_file.as_deref();
        Ok(Self {
            certificate: read("cert_file", &settings.cert_file)?,
            key: read("key_file", &settings.key_file)?,
            client_ca: client_ca
                .map(|path| read("client_ca_file", path))
                .transpose()?,
        })
    }

    /// The server's certificate and those above it.
    pub(super) fn chain(&self, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.certificate, "cert_file", path)
    }

    pub(super) fn key(&self, path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
        // The reader's own error is left out: it might show what it read.
        PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            let what = "no private key in PEM (PKCS #8, PKCS #1 or SEC 1, without a password)";
            TlsError::of("key_file", path, what)
        })
    }

    pub(super) fn client_signers(&self, path: &Path) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        let signers = self.client_ca.as_deref().unwrap_or_default();
        for signer in certificates(signers, "client_ca_file", path)? {
            roots
                .add(signer)
                .map_err(|error| TlsError::of("client_ca_file", path, error))?;
        }
        Ok(roots)
    }
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| TlsError::of(key, path, error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TlsError::of(
            key,
            path,
            "it is too large for a file of certificates",
        ));
    }
    Ok(bytes)
}

fn certificates(
    pem: &[u8],
    key: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| TlsError::of(key, path, error))?;
    if all.is_empty() {
        return Err(TlsError::of(key, path, "no certificate in PEM"));
    }
    Ok(all)
}
