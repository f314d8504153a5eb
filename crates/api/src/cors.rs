//! Which pages of other origins may read the answers: those of the configuration, none by default.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::request_id::X_REQUEST_ID;

/// How long a browser may keep what it was told.
const MAX_AGE: Duration = Duration::from_mins(10);

/// Headers with which nothing can be changed.
const HARMLESS: [HeaderName; 3] = [
    header::IF_NONE_MATCH,
    HeaderName::from_static("last-event-id"),
    X_REQUEST_ID,
];

/// The layer for these origins. They may do what their user may; where any origin is allowed (`*`), their pages may read
/// what anybody may, and send neither credentials nor JSON, which every change takes.
pub(crate) fn layer(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new()
        .expose_headers([header::ETAG, X_REQUEST_ID])
        .max_age(MAX_AGE);
    if origins.iter().any(|origin| origin == "*") {
        return layer
            .allow_methods([Method::GET, Method::HEAD])
            .allow_headers(HARMLESS)
            .allow_origin(AllowOrigin::any());
    }
    let origins = origins.iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok());
    layer
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
        ])
        .allow_headers(
            HARMLESS
                .into_iter()
                .chain([header::AUTHORIZATION, header::CONTENT_TYPE])
                .collect::<Vec<_>>(),
        )
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
}

/// Checks an origin as a configuration names it: `*`, or scheme, host and port as browsers send them.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_origin(origin: &str) -> Result<(), String> {
    if origin == "*" {
        return Ok(());
    }
    let example = "for example https://grafana.example or http://10.0.0.7:3000";
    let uri: Uri = origin
        .parse()
        .map_err(|_| format!("{origin:?} is not an origin; {example}"))?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority())
    else {
        return Err(format!(
            "{origin:?} must begin with http:// or https://; {example}"
        ));
    };
    let as_sent = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
    let default_port =
        [("http", 80), ("https", 443)].contains(&(scheme, authority.port_u16().unwrap_or(0)));
    if origin != as_sent || authority.as_str().contains(['@', '*']) || default_port {
        return Err(format!(
            "{origin:?} must be as browsers send it: lower case, no path, user, wildcard or default port; {example}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for origin in [
            "*",
            "https://grafana.example",
            "http://10.0.0.7:3000",
            "http://[::1]:8080",
        ] {
            assert_eq!(check_origin(origin), Ok(()), "{origin}");
        }
        for origin in [
            "",
            "grafana.example",
            "null",
            "https://grafana.example/",
            "https://Grafana.example",
            "ftp://a",
            "https://*.example",
            "https://user@host",
            "https://a:443",
            "http://a:80",
            "http://a b",
        ] {
            assert!(check_origin(origin).is_err(), "{origin}");
        }
    }
}
