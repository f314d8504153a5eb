//! The cookie that carries a session.

use axum::http::{HeaderMap, HeaderValue, header};

use super::sessions::LIFETIME;

/// Cookies of one request that are looked at: each may be a session's.
const LOOKED_AT_MAX: usize = 8;

/// Where a cookie goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookieScope {
    /// Over TLS alone.
    pub(crate) secure: bool,
    /// Below this path; it begins and ends with a slash.
    pub(crate) path: String,
}

impl CookieScope {
    /// With the prefix, browsers see that no neighbour on another host name or over plain HTTP can have set it.
    fn name(&self) -> &'static str {
        if self.secure && self.path == "/" {
            "__Host-etcd-monitor-session"
        } else {
            "etcd-monitor-session"
        }
    }

    /// The header that hands a session to a browser.
    pub(crate) fn hand_out(&self, id: &str) -> Option<HeaderValue> {
        self.header(id, LIFETIME.as_secs())
    }

    /// The header that takes it away.
    pub(crate) fn take_away(&self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(&self, id: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let (name, path) = (self.name(), &self.path);
        HeaderValue::from_str(&format!(
            "{name}={id}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
        ))
        .ok()
    }

    /// The ids of sessions that a request carries.
    pub(crate) fn ids<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        let lines = headers.get_all(header::COOKIE).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let own = pairs.filter(|(name, _)| *name == self.name());
        own.map(|(_, id)| id).take(LOOKED_AT_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(secure: bool, path: &str) -> CookieScope {
        let path = path.to_owned();
        CookieScope { secure, path }
    }

    #[test]
    fn a_cookie_is_closed_to_scripts_and_to_other_sites() {
        let text = |scope: CookieScope| scope.hand_out("abc").unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            text(scope(false, "/")),
            "etcd-monitor-session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
        );
        assert_eq!(
            text(scope(true, "/")),
            "__Host-etcd-monitor-session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure"
        );
        assert!(text(scope(true, "/etcd/")).starts_with("etcd-monitor-session=abc; Path=/etcd/; "));
        let gone = scope(false, "/").take_away().unwrap();
        assert!(gone.to_str().unwrap().ends_with("Max-Age=0"));
    }

    #[test]
    fn the_id_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=b; etcd-monitor-session=x"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("etcd-monitor-session=y;;="),
        );
        assert_eq!(scope(false, "/").ids(&headers), ["x", "y"]);
        assert!(scope(true, "/").ids(&headers).is_empty());
    }
}
