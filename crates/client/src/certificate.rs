//! What stands in a certificate. The bytes come from whoever answers a port, so all of it is hostile until it is judged.

use std::fmt::Write as _;
use std::net::IpAddr;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use crate::error::{Cause, ErrorKind};
use crate::message::clean;

/// Certificates of one chain that are read: a leaf and up to three intermediates, more than etcd's manuals ever build.
const CHAIN_MAX: usize = 4;
/// Names of one certificate that are kept for people to read; whether a host is among them is decided on all.
const NAMES_MAX: usize = 16;
/// Bytes of a serial number or key identifier that are kept. RFC 5280 allows serial numbers of 20 bytes.
const ID_BYTES_MAX: usize = 32;

/// The certificates that a port shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShownCertificates {
    /// As presented, the leaf first; at least one, at most four.
    pub chain: Vec<CertificateAnswer>,
    /// True if the leaf's alternative names cover the host of the endpoint, by the rules of TLS (wildcards included).
    pub covers_host: bool,
    /// Why the handshake ended early, on our side or the port's; `None` when it was completed.
    pub refused: Option<String>,
}

/// What stands in one certificate. Texts are bounded and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateAnswer {
    /// Whom it is for, as a distinguished name.
    pub subject: String,
    /// Who signed it, as a distinguished name.
    pub issuer: String,
    /// Its serial number in hex.
    pub serial: String,
    /// Identifier of the signing key in hex, where the certificate has one.
    pub issuer_key: Option<String>,
    /// Identifier of its own key in hex, where the certificate has one.
    pub own_key: Option<String>,
    /// First second of its validity, in seconds since 1970.
    pub not_before: i64,
    /// Last second of its validity, in seconds since 1970.
    pub not_after: i64,
    /// Its first 16 alternative names: DNS names and addresses.
    pub names: Vec<String>,
    /// True if it may be shown by a server: by its extended key usage, or because it has none.
    pub server_auth: bool,
    /// True if it may be shown by a client, likewise.
    pub client_auth: bool,
}

/// Reads a chain as a port showed it, leaf first.
pub(crate) fn read_chain(chain: &[CertificateDer<'_>]) -> Result<Vec<CertificateAnswer>, Cause> {
    let read: Result<Vec<_>, _> = chain.iter().take(CHAIN_MAX).map(|der| read(der)).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(unreadable("there is none")),
        other => other,
    }
}

/// True if the alternative names of a certificate cover a host.
pub(crate) fn covers(leaf: &CertificateDer<'_>, host: &str) -> bool {
    let name = ServerName::try_from(host.to_owned());
    let parsed = ParsedCertificate::try_from(leaf);
    matches!((parsed, name), (Ok(leaf), Ok(name)) if verify_server_name(&leaf, &name).is_ok())
}

fn read(der: &[u8]) -> Result<CertificateAnswer, Cause> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(unreadable)?;
    let validity = certificate.validity();
    let usage = certificate
        .extended_key_usage()
        .map_err(unreadable)?
        .map(|extension| extension.value);
    Ok(CertificateAnswer {
        subject: clean(&certificate.subject().to_string()),
        issuer: clean(&certificate.issuer().to_string()),
        serial: hex(certificate.raw_serial()),
        issuer_key: issuer_key(&certificate),
        own_key: own_key(&certificate),
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        names: names(&certificate),
        server_auth: allows(usage, |usage| usage.server_auth),
        client_auth: allows(usage, |usage| usage.client_auth),
    })
}

fn unreadable(reason: impl std::fmt::Display) -> Cause {
    let message = format!("what the port shows is no certificate: {reason}");
    Cause::new(ErrorKind::BadAnswer, message)
}

/// A certificate without the extension may be used for anything (RFC 5280, section 4.2.1.12).
fn allows(usage: Option<&ExtendedKeyUsage<'_>>, wanted: fn(&ExtendedKeyUsage<'_>) -> bool) -> bool {
    usage.is_none_or(|usage| usage.any || wanted(usage))
}

fn issuer_key(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut extensions = certificate.extensions().iter();
    extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| hex(id.0))
        }
        _ => None,
    })
}

fn own_key(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut extensions = certificate.extensions().iter();
    extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(hex(id.0)),
        _ => None,
    })
}

/// A certificate whose names cannot be read has none.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    names.filter_map(name).take(NAMES_MAX).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(clean(name)),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(ID_BYTES_MAX) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
