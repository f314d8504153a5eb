//! Response headers that the file may add: those of the exporter-toolkit, and no others.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, header};
use etcd_monitor_alerting::nearest;
use serde_saphyr::Spanned;

use super::place::{WebConfigError, wrong};

/// The names, and the values where they are a choice.
const ALLOWED: [(&str, HeaderName, &[&str]); 5] = [
    (
        "Strict-Transport-Security",
        header::STRICT_TRANSPORT_SECURITY,
        &[],
    ),
    (
        "X-Content-Type-Options",
        header::X_CONTENT_TYPE_OPTIONS,
        &["nosniff"],
    ),
    (
        "X-Frame-Options",
        header::X_FRAME_OPTIONS,
        &["deny", "sameorigin"],
    ),
    ("X-XSS-Protection", header::X_XSS_PROTECTION, &[]),
    (
        "Content-Security-Policy",
        header::CONTENT_SECURITY_POLICY,
        &[],
    ),
];

/// The headers, without those that are blank.
pub(super) fn checked(
    written: BTreeMap<String, Option<Spanned<String>>>,
) -> Result<Vec<(HeaderName, HeaderValue)>, WebConfigError> {
    let mut headers = Vec::new();
    for (name, value) in written {
        let (header, choice) = allowed(&name)?;
        let Some(value) = value.filter(|value| !value.value.trim().is_empty()) else {
            continue;
        };
        if !choice.is_empty() && !choice.contains(&value.value.as_str()) {
            let choice = choice.join(" or ");
            return Err(wrong(
                &value,
                format!("{name}: {:?} is not allowed; use {choice}", value.value),
            ));
        }
        let parsed = HeaderValue::from_str(&value.value);
        let parsed = parsed.map_err(|_| {
            wrong(
                &value,
                format!("{name}: a header has printable characters alone, in one line"),
            )
        })?;
        headers.push((header, parsed));
    }
    Ok(headers)
}

fn allowed(name: &str) -> Result<(HeaderName, &'static [&'static str]), WebConfigError> {
    let known = ALLOWED.iter().find(|(known, ..)| *known == name);
    if let Some((_, header, choice)) = known {
        return Ok((header.clone(), choice));
    }
    let names = ALLOWED.iter().map(|(known, ..)| *known);
    let hint = match nearest(name, names.clone()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("known: {}", names.collect::<Vec<_>>().join(", ")),
    };
    let what = format!("http_server_config: the header {name:?} cannot be set; {hint}");
    Err(WebConfigError::new(what))
}
