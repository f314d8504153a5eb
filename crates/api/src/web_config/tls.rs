//! `tls_server_config`.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_saphyr::Spanned;

use super::place::{WebConfigError, wrong};
use super::written::{Secret, TlsFile};
use crate::tls::{ClientAuth, Pem, TlsSettings, TlsVersion};

/// The settings; `None` where the section is empty, which is plain HTTP.
pub(super) fn settings(
    written: &TlsFile,
    folder: &Path,
) -> Result<Option<TlsSettings>, WebConfigError> {
    if !is_enabled(written) {
        return Ok(None);
    }
    let required = |inline: Option<Pem>, file: &Option<PathBuf>, key: &str| {
        let missing = format!(
            "tls_server_config: {key}_file is missing; TLS takes a certificate and its key"
        );
        one_of(inline, file.as_deref(), key, folder)?.ok_or_else(|| WebConfigError::new(missing))
    };
    let client_auth = written.client_auth_type.as_ref();
    let client_ca = inline(written.client_ca.as_ref());
    let settings = TlsSettings {
        cert: required(inline(written.cert.as_ref()), &written.cert_file, "cert")?,
        key: required(inline(written.key.as_ref()), &written.key_file, "key")?,
        client_ca: one_of(
            client_ca,
            written.client_ca_file.as_deref(),
            "client_ca",
            folder,
        )?,
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

/// What stands in the file itself; nothing where that is blank.
fn inline(written: Option<&Secret>) -> Option<Pem> {
    let written = written.filter(|text| !text.expose_secret().trim().is_empty());
    written.map(|text| Pem::Inline(text.clone().into()))
}

/// What stands in the file, or in one of its own that it names; both would leave open which counts.
fn one_of(
    inline: Option<Pem>,
    file: Option<&Path>,
    key: &str,
    folder: &Path,
) -> Result<Option<Pem>, WebConfigError> {
    let file = file.filter(|file| !file.as_os_str().is_empty());
    match (inline, file) {
        (Some(_), Some(_)) => Err(WebConfigError::new(format!(
            "tls_server_config: there are both {key} and {key}_file; leave one of them out"
        ))),
        (inline, file) => Ok(inline.or(file.map(|file| Pem::File(folder.join(file))))),
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
    if settings.client_ca.is_some() && auth == ClientAuth::None {
        return Err(general(
            "client_ca_file needs client_auth_type: RequireAndVerifyClientCert or VerifyClientCertIfGiven",
        ));
    }
    if verifies && settings.client_ca.is_none() {
        return Err(at_auth(
            "client_auth_type verifies certificates and needs a client_ca_file (or client_ca) to verify them by",
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
