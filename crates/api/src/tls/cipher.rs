//! Versions, cipher suites and curves by the names that Go has for them.

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};

use super::{TlsError, TlsSettings, TlsVersion};

/// The names of TLS 1.3 are those of Go less `TLS13`; Go spells two of TLS 1.2 in an older way, too.
const SUITES: [(&str, CipherSuite); 11] = [
    (
        "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_128_GCM_SHA256,
    ),
    (
        "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_256_GCM_SHA384,
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

const CURVES: [(&str, &dyn SupportedKxGroup); 3] = [
    ("X25519", ring::kx_group::X25519),
    ("CurveP256", ring::kx_group::SECP256R1),
    ("CurveP384", ring::kx_group::SECP384R1),
];

/// The provider with what the settings leave of it.
pub(super) fn provider(settings: &TlsSettings) -> Result<CryptoProvider, TlsError> {
    let mut provider = ring::default_provider();
    if !settings.cipher_suites.is_empty() {
        let wanted = suites(&settings.cipher_suites)?;
        // As in Go, those of TLS 1.3 cannot be chosen: all are safe.
        let keeps = |suite: &SupportedCipherSuite| {
            suite.version() == &TLS13 || wanted.contains(&suite.suite())
        };
        provider.cipher_suites.retain(keeps);
    }
    if !settings.curve_preferences.is_empty() {
        provider.kx_groups = curves(&settings.curve_preferences)?;
    }
    Ok(provider)
}

fn suites(names: &[String]) -> Result<Vec<CipherSuite>, TlsError> {
    let suite = |name: &String| {
        find(&SUITES, name).ok_or_else(|| not_there("cipher_suites", name, &SUITES))
    };
    names.iter().map(suite).collect()
}

fn curves(names: &[String]) -> Result<Vec<&'static dyn SupportedKxGroup>, TlsError> {
    let curve = |name: &String| {
        find(&CURVES, name).ok_or_else(|| not_there("curve_preferences", name, &CURVES))
    };
    names.iter().map(curve).collect()
}

fn find<T: Copy>(all: &[(&str, T)], wanted: &str) -> Option<T> {
    let found = all.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, value)| *value)
}

fn not_there<T>(key: &str, name: &str, all: &[(&str, T)]) -> TlsError {
    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    TlsError::new(format!(
        "{key}: this server does not speak {name:?}; it speaks {}",
        names.join(", ")
    ))
}

/// The versions from the oldest to the newest that the settings allow.
pub(super) fn versions(
    settings: &TlsSettings,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let all = [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)];
    let allowed = settings.min_version..=settings.max_version;
    let versions = all
        .into_iter()
        .filter(|(version, _)| allowed.contains(version));
    let versions: Vec<_> = versions.map(|(_, version)| version).collect();
    if versions.is_empty() {
        return Err(TlsError::new("min_version is newer than max_version"));
    }
    Ok(versions)
}
