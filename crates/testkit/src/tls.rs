//! Certificates for test clusters: a good authority, and what clients must refuse.

use std::fs;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::error::Error;

/// Which sides show a certificate on client connections.
///
/// With [`ServerOnly`](Self::ServerOnly) and [`Mutual`](Self::Mutual) peers talk mutual TLS with
/// each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TlsMode {
    /// Plain text.
    #[default]
    Off,
    /// Members show a certificate, clients need none.
    ServerOnly,
    /// Members demand a client certificate from the same authority.
    Mutual,
}

/// A certificate authority for tests. Two of them do not trust each other, so a second one is "the
/// wrong CA".
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CertificatePem {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
}

impl TestCa {
    /// Creates an authority with this common name.
    pub fn new(common_name: &str) -> Result<Self, Error> {
        let mut params = named(common_name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(certificate)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(certificate)?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for client and server use that is valid now. `names` are DNS names and
    /// IP addresses.
    pub fn issue(&self, common_name: &str, names: &[&str]) -> Result<CertificatePem, Error> {
        self.sign(&named(common_name, names)?)
    }

    /// Issues a certificate that ended on 2 January 2001.
    pub fn issue_expired(
        &self,
        common_name: &str,
        names: &[&str],
    ) -> Result<CertificatePem, Error> {
        let mut params = named(common_name, names)?;
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 2);
        self.sign(&params)
    }

    /// Issues a certificate that is valid from one time to another.
    pub fn issue_valid(
        &self,
        common_name: &str,
        names: &[&str],
        valid: Range<SystemTime>,
    ) -> Result<CertificatePem, Error> {
        let mut params = named(common_name, names)?;
        params.not_before = valid.start.into();
        params.not_after = valid.end.into();
        self.sign(&params)
    }

    /// Issues a certificate that servers may show and clients may not.
    pub fn issue_for_servers(
        &self,
        common_name: &str,
        names: &[&str],
    ) -> Result<CertificatePem, Error> {
        let mut params = named(common_name, names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<CertificatePem, Error> {
        let key = KeyPair::generate().map_err(certificate)?;
        let signed = params.signed_by(&key, &self.issuer).map_err(certificate)?;
        Ok(CertificatePem {
            certificate: signed.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl CertificatePem {
    /// Writes `NAME.crt` and `NAME.key` into `folder` and returns both paths. Replaces what is
    /// there by rename, as a certificate rotation does.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(PathBuf, PathBuf), Error> {
        let certificate = write(folder, &format!("{name}.crt"), &self.certificate)?;
        let key = write(folder, &format!("{name}.key"), &self.key)?;
        Ok((certificate, key))
    }
}

/// The files of one cluster's authority, in its data folder.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) mode: TlsMode,
    pub(crate) authority: Arc<TestCa>,
    pub(crate) ca: PathBuf,
    pub(crate) server: (PathBuf, PathBuf),
    pub(crate) client: (PathBuf, PathBuf),
}

impl TlsFiles {
    /// Makes an authority, a certificate for all members on `ip`, and one for clients. `None` for
    /// [`TlsMode::Off`].
    pub(crate) fn create(
        mode: TlsMode,
        ip: Ipv4Addr,
        folder: &Path,
    ) -> Result<Option<Self>, Error> {
        if mode == TlsMode::Off {
            return Ok(None);
        }
        let authority = TestCa::new("etcd-monitor test authority")?;
        // etcd compares a peer's source address with its certificate; proxied connections come from
        // 127.0.0.1.
        let address = ip.to_string();
        let server = authority.issue("etcd", &[&address, "127.0.0.1", "localhost"])?;
        let client = authority.issue("etcd-monitor-test-client", &[])?;
        let ca = write(folder, "ca.crt", &authority.pem())?;
        let server = server.write(folder, "server")?;
        let client = client.write(folder, "client")?;
        Ok(Some(Self {
            mode,
            authority: Arc::new(authority),
            ca,
            server,
            client,
        }))
    }

    /// The flags that make etcd use these files.
    pub(crate) fn flags(&self) -> Vec<String> {
        let (ca, certificate, key) = (
            self.ca.display(),
            self.server.0.display(),
            self.server.1.display(),
        );
        let mut flags = vec![
            format!("--cert-file={certificate}"),
            format!("--key-file={key}"),
            format!("--peer-cert-file={certificate}"),
            format!("--peer-key-file={key}"),
            format!("--peer-trusted-ca-file={ca}"),
            "--peer-client-cert-auth".to_owned(),
        ];
        if self.mode == TlsMode::Mutual {
            flags.extend([
                format!("--trusted-ca-file={ca}"),
                "--client-cert-auth".to_owned(),
            ]);
        }
        flags
    }
}

fn named(common_name: &str, names: &[&str]) -> Result<CertificateParams, Error> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(certificate)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(params)
}

fn write(folder: &Path, name: &str, content: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    let aside = folder.join(format!("{name}.new"));
    let written = fs::write(&aside, content).and_then(|()| fs::rename(&aside, &path));
    written.map_err(Error::io(format!("write {}", path.display())))?;
    Ok(path)
}

fn certificate(error: rcgen::Error) -> Error {
    Error::Certificate(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_certificate_replaces_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = TestCa::new("authority").expect("an authority");
        let first = authority
            .issue("etcd", &["localhost"])
            .expect("a certificate");
        let second = authority
            .issue_expired("etcd", &["127.0.0.1"])
            .expect("a certificate");
        let (path, _) = first.write(folder.path(), "server").expect("written");
        second
            .write(folder.path(), "server")
            .expect("written again");
        assert_eq!(
            fs::read_to_string(path).expect("readable"),
            second.certificate
        );
    }
}
