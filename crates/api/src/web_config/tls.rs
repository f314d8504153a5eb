//! `tls_server_config`.

use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

use super::place::{WebConfigError, wrong};
use super::written::TlsFile;
use crate::tls::{ClientAuth, TlsSettings, TlsVersion};

/// The settings; `None` where the section is empty, which is plain HTTP.
pub(super) fn settings(
    written: &TlsFile,
    folder: &Path,
) -> Result<Option<TlsSettings>, WebConfigError> {
    if !is_enabled(written) {
        return Ok(None);
    }
    refuse_inline(written)?;
    let required = |file: &Option<PathBuf>, key: &str| {
        let file = file.as_ref().filter(|file| !file.as_os_str().is_empty());
        let what =
            format!("tls_server_config: {key} is missing; TLS takes a certificate and its key");
        file.map(|file| folder.join(file))
            .ok_or_else(|| WebConfigError::new(what))
    };
    let client_auth = written.client_auth_type.as_ref();
    let settings = TlsSettings {
        cert_file: required(&written.cert_file, "cert_file")?,
        key_file: required(&written.key_file, "key_file")?,
        client_ca_file: written
            .client_ca_file
            .as_ref()
            .map(|file| folder.join(file)),
        client_auth: client_auth.map_or(ClientAuth::None, |auth| auth.value),
        client_allowed_sans: written.client_allowed_sans.clone().unwrap_or_default(),
        min_version: version(written.min_version.as_ref(), TlsVersion::Tls12),
        max_version: version(written.max_version.as_ref(), TlsVersion::Tls13),
        cipher_suites: written.cipher_suites.clone().unwrap_or_default(),
        curve_preferences: written.curve_preferences.clone().unwrap_or_default(),
    };
    check(written, &settings)?;
    Ok(Some(settings))
}

fn is_enabled(written: &TlsFile) -> bool {
    let texts = [
        written.cert.is_some(),
        written.key.is_some(),
        written.client_ca.is_some(),
    ];
    let files = [
        &written.cert_file,
        &written.key_file,
        &written.client_ca_file,
    ];
    texts.contains(&true)
        || files.iter().any(|file| file.is_some())
        || written.client_auth_type.is_some()
}

fn version(written: Option<&Spanned<TlsVersion>>, default: TlsVersion) -> TlsVersion {
    written.map_or(default, |version| version.value)
}

/// A key in the file would be read by whoever reads the file, and no rotation would reach it.
fn refuse_inline(written: &TlsFile) -> Result<(), WebConfigError> {
    let refusal =
        |key: &str| format!("{key}: write it to a file of its own and name that by {key}_file");
    if let Some(cert) = &written.cert {
        return Err(wrong(cert, refusal("cert")));
    }
    if let Some(key) = &written.key {
        return Err(wrong(key, refusal("key")));
    }
    match &written.client_ca {
        Some(ca) => Err(wrong(ca, refusal("client_ca"))),
        None => Ok(()),
    }
}

/// What the toolkit refuses too, and a check of clients without anything to check them by.
fn check(written: &TlsFile, settings: &TlsSettings) -> Result<(), WebConfigError> {
    let auth = settings.client_auth;
    let general = |what: &str| WebConfigError::new(format!("tls_server_config: {what}"));
    let at_auth = |what: &str| match &written.client_auth_type {
        Some(at) => wrong(at, what),
        None => general(what),
    };
    let verifies = matches!(
        auth,
        ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify
    );
    if settings.client_ca_file.is_some() && auth == ClientAuth::None {
        return Err(general(
            "client_ca_file needs client_auth_type: RequireAndVerifyClientCert or VerifyClientCertIfGiven",
        ));
    }
    if verifies && settings.client_ca_file.is_none() {
        return Err(at_auth(
            "client_auth_type verifies certificates and needs a client_ca_file to verify them by",
        ));
    }
    let requires = matches!(auth, ClientAuth::RequireAny | ClientAuth::RequireAndVerify);
    if !settings.client_allowed_sans.is_empty() && !requires {
        return Err(at_auth(
            "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert (or RequireAnyClientCert)",
        ));
    }
    if settings.min_version > settings.max_version {
        return Err(match &written.min_version {
            Some(at) => wrong(at, "min_version is newer than max_version"),
            None => general("max_version is older than min_version, which is TLS12"),
        });
    }
    Ok(())
}
