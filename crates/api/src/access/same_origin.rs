//! Whether a request that changes something comes from our own page, or from no page at all.

use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// How far a request without any mark of its origin is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmarked {
    /// It is a script's: whatever proves who it is came by its own hand.
    Trusted,
    /// A browser would have marked it, and only a browser has the cookie.
    Refused,
}

/// True when no page of another origin can have sent it. Browsers say where a request comes from by `Sec-Fetch-Site`,
/// which no page can forge, and older ones by `Origin`. `trusted` are the origins beside the request's own `Host`.
pub(crate) fn is_own(headers: &HeaderMap, trusted: &[String], unmarked: Unmarked) -> bool {
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| is_listed(origin, trusted)) {
        return true;
    }
    let mut sites = headers.get_all("sec-fetch-site").iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| site == "same-origin" || site == "none");
    }
    match origin {
        Some(origin) => headers
            .get(header::HOST)
            .is_some_and(|host| is_host_of(origin, host)),
        None => unmarked == Unmarked::Trusted,
    }
}

fn is_listed(origin: &HeaderValue, trusted: &[String]) -> bool {
    trusted
        .iter()
        .any(|one| origin.as_bytes().eq_ignore_ascii_case(one.as_bytes()))
}

/// Whether an origin (`http://name:port`) is what a `Host` header names. The default port need not stand in either.
fn is_host_of(origin: &HeaderValue, host: &HeaderValue) -> bool {
    let origin = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    let host = host.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    let (Some(origin), Some(host)) = (origin, host) else {
        return false;
    };
    let default = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let of = |uri: &Uri| {
        Some((
            uri.host()?.to_ascii_lowercase(),
            uri.port_u16().unwrap_or(default),
        ))
    };
    of(&origin).is_some() && of(&origin) == of(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &'static str)], unmarked: Unmarked) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::HOST,
            HeaderValue::from_static("monitor.example:8080"),
        );
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        is_own(&headers, &["https://proxy.example".to_owned()], unmarked)
    }

    #[test]
    fn pages_of_others_are_refused() {
        for pairs in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[("origin", "https://evil.example")],
            &[("origin", "http://monitor.example:8081")],
            &[("origin", "http://monitor.example")],
            &[("origin", "null")],
            &[("origin", "http://monitor.example:8080.evil.example")],
            &[
                ("origin", "http://monitor.example:8080"),
                ("sec-fetch-site", "cross-site"),
            ],
        ] {
            assert!(!own(pairs, Unmarked::Trusted), "{pairs:?}");
        }
    }

    #[test]
    fn the_own_page_and_scripts_are_not() {
        for pairs in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("origin", "http://monitor.example:8080")],
            &[
                ("origin", "http://Monitor.example:8080"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[
                ("origin", "https://proxy.example"),
                ("sec-fetch-site", "cross-site"),
            ],
        ] {
            assert!(own(pairs, Unmarked::Refused), "{pairs:?}");
        }
        assert!(own(&[], Unmarked::Trusted));
        assert!(!own(&[], Unmarked::Refused));
    }
}
