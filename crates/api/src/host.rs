//! Which names this server answers to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// The `Host` headers that are answered; any other gets 421.
///
/// Always answered: an IP literal (no name that could be rebound) and `localhost`. Ports are not compared.
#[derive(Debug, Clone, Default)]
pub struct HostPolicy {
    names: BTreeSet<String>,
}

impl HostPolicy {
    /// Answers to these names too: the listen host, the external URL's host, whatever the operator allows.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().map(|name| normal(&name)).collect(),
        }
    }

    /// True when a `Host` header (`name`, `name:port`, `[::1]:port`) is one of this server's.
    pub fn allows(&self, host_header: &str) -> bool {
        let Some(host) = without_port(host_header) else {
            return false;
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let name = normal(host);
        bare.parse::<IpAddr>().is_ok() || name == "localhost" || self.names.contains(&name)
    }
}

/// Refuses requests whose `Host` is not this server's.
pub(crate) async fn check(
    State(policy): State<HostPolicy>,
    request: Request,
    next: Next,
) -> Response {
    match refused(&policy, &request) {
        None => next.run(request).await,
        Some(problem) => problem.into_response(),
    }
}

/// Why a request is refused. Every name that it gives must be one of this server's: which of two another reader of the
/// request believes cannot be known.
fn refused(policy: &HostPolicy, request: &Request) -> Option<Problem> {
    let headers = request.headers().get_all(header::HOST).iter();
    let headers = headers.map(|host| host.to_str().unwrap_or("\u{fffd}"));
    let authority = request.uri().authority().map(Authority::as_str);
    let named: Vec<&str> = headers.chain(authority).collect();
    if named.is_empty() {
        return Some(Problem::misdirected(None));
    }
    let wrong = named.into_iter().find(|host| !policy.allows(host));
    wrong.map(|host| Problem::misdirected(Some(host)))
}

/// Lower case, without the dot that may end a full name.
fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The host of a header; `None` where what follows it is not a port.
fn without_port(header: &str) -> Option<&str> {
    let end = match header.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => header.find(':').unwrap_or(header.len()),
    };
    let (host, port) = header.split_at(end);
    let valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    valid.then_some(host)
}

/// Digits alone: a number may also have a sign.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_addresses_to_localhost_and_to_allowed_names() {
        let policy = HostPolicy::new(["Monitor.example".to_owned()]);
        for host in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "10.0.0.7",
            "localhost:1",
            "monitor.EXAMPLE.:8080",
        ] {
            assert!(policy.allows(host), "{host}");
        }
    }

    #[test]
    fn refuses_every_other_name_and_what_only_looks_like_an_address() {
        let policy = HostPolicy::new(["monitor.example".to_owned()]);
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "",
            "127.0.0.1:evil",
            "127.0.0.1:+80",
            "127.0.0.1:",
            "127.0.0.1.",
            "user@127.0.0.1",
            "2130706433",
            "0x7f000001",
            "[localhost]",
            "[fe80::1%25eth0]",
            "[::1",
            "[::1]x",
            "monitor.example:99999",
        ] {
            assert!(!policy.allows(host), "{host}");
        }
    }
}
