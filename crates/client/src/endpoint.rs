//! The address of one member, checked once.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::message::clean;

/// Port on which etcd serves clients when none is given.
const DEFAULT_PORT: u16 = 2379;
/// Longest DNS name (RFC 1035, section 3.1) and label, in characters.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// The address of one member: `http` or `https`, a host (IPv4, IPv6 or DNS name) and a port.
///
/// Two endpoints are equal when their scheme, host and port are; a name and the address it resolves to are not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    url: String,
    host: String,
    port: u16,
    tls: bool,
}

/// Why a text is not an endpoint. The message says what is wrong and shows a correct example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {reason}; expected for example {example}")]
pub struct EndpointError {
    subject: String,
    reason: String,
    example: &'static str,
}

impl EndpointError {
    pub(crate) fn new(subject: &str, reason: impl Into<String>, example: &'static str) -> Self {
        // What stands before an `@` may be a password.
        let shown = match subject.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => subject.to_owned(),
        };
        Self {
            subject: format!("`{}`", clean(&shown)),
            reason: reason.into(),
            example,
        }
    }
}

impl Endpoint {
    /// Reads an endpoint such as `https://etcd-0.example:2379`, `10.0.0.1:2379`, `[::1]` or `localhost`.
    ///
    /// Without a scheme it is `https` if `tls`, else `http`; without a port it is 2379.
    pub fn parse(text: &str, tls: bool) -> Result<Self, EndpointError> {
        let text = text.trim();
        let fail = |reason: &str| EndpointError::new(text, reason, "http://127.0.0.1:2379");
        if text.is_empty() {
            return Err(fail("the endpoint is empty"));
        }
        let (tls, authority) = split_scheme(text, tls).map_err(|reason| fail(&reason))?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        check_authority(authority).map_err(|reason| fail(&reason))?;
        let (host, port) = split_port(authority).map_err(|reason| fail(&reason))?;
        let host = check_host(host).map_err(|reason| fail(&reason))?;
        Ok(Self::from_parts(tls, host, port))
    }

    fn from_parts(tls: bool, host: String, port: u16) -> Self {
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://{}:{port}", bracketed(&host));
        Self {
            url,
            host,
            port,
            tls,
        }
    }

    /// The endpoint as a URL without a path, such as `http://127.0.0.1:2379`.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The host: an address (IPv6 without brackets) or a lower-case name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True for `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host as an address, `None` for a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as they stand in a URL.
    pub(crate) fn authority(&self) -> &str {
        let start = self.url.find("://").map_or(0, |at| at + 3);
        &self.url[start..]
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url)
    }
}

/// A host as it stands in a URL: IPv6 addresses in brackets.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

fn split_scheme(text: &str, tls: bool) -> Result<(bool, &str), String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok((tls, text));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok((false, rest)),
        "https" => Ok((true, rest)),
        other => Err(format!(
            "the scheme `{}` is not http or https",
            clean(other)
        )),
    }
}

fn check_authority(authority: &str) -> Result<(), String> {
    if authority.is_empty() {
        return Err("the host is missing".to_owned());
    }
    let wrong = authority
        .find(['/', '?', '#', '@', '\\', ','])
        .map(|at| &authority[at..=at]);
    let reason = match wrong {
        None => return Ok(()),
        Some("@") => {
            "user and password do not belong into an endpoint; give them as --user and --password-file"
        }
        Some(",") => "this is a list; give each endpoint on its own",
        Some(_) => "an endpoint has no path, query or fragment",
    };
    Err(reason.to_owned())
}

fn split_port(authority: &str) -> Result<(&str, u16), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or("the closing `]` of the IPv6 address is missing")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| format!("`{}` is not an IPv6 address", clean(host)))?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, parse_port(port)?)),
            None if after.is_empty() => Ok((host, DEFAULT_PORT)),
            None => Err("after the `]` only a port may follow".to_owned()),
        };
    }
    match authority.split_once(':') {
        None => Ok((authority, DEFAULT_PORT)),
        Some((_, rest)) if rest.contains(':') => {
            Err("an IPv6 address stands in brackets, such as [::1]:2379".to_owned())
        }
        Some((host, port)) => Ok((host, parse_port(port)?)),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(format!("`{}` is not a port (1 to 65535)", clean(text))),
    }
}

/// The host in its canonical form: addresses as Rust prints them, names in lower case.
fn check_host(host: &str) -> Result<String, String> {
    if let Ok(ip) = host.parse::<Ipv6Addr>() {
        return Ok(ip.to_string());
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(ip.to_string());
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if name.len() > MAX_NAME || !name.split('.').all(is_label) {
        return Err(format!(
            "`{}` is neither an address nor a host name",
            clean(host)
        ));
    }
    // Resolvers read `127.1` or `0x7f000001` as addresses; we do not guess.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Err(format!("`{}` is not an IPv4 address", clean(host)));
    }
    Ok(name)
}

fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str, tls: bool) -> String {
        Endpoint::parse(text, tls).unwrap().to_string()
    }

    fn reason(text: &str) -> String {
        Endpoint::parse(text, false).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        assert_eq!(url("127.0.0.1", false), "http://127.0.0.1:2379");
        assert_eq!(url("etcd-0.Example.", true), "https://etcd-0.example:2379");
        assert_eq!(url("[::1]", false), "http://[::1]:2379");
        assert_eq!(url(" HTTP://localhost:80/ ", true), "http://localhost:80");
        assert_eq!(url("[0:0::1]:99", true), "https://[::1]:99");
    }

    #[test]
    fn parts_are_given_back() {
        let endpoint = Endpoint::parse("https://[fd00::1]:443", false).unwrap();
        assert_eq!(
            (endpoint.host(), endpoint.port(), endpoint.is_tls()),
            ("fd00::1", 443, true)
        );
        assert_eq!(endpoint.authority(), "[fd00::1]:443");
        assert_eq!(endpoint.ip(), Some("fd00::1".parse().unwrap()));
    }

    #[test]
    fn each_mistake_is_named_with_an_example() {
        for (text, part) in [
            ("", "empty"),
            ("http://", "host is missing"),
            (":2379", "host is missing"),
            ("ftp://a", "scheme `ftp`"),
            ("http://a:2379/v3", "no path"),
            ("http://a?x=1", "no path"),
            ("a,b", "list"),
            ("a:0", "not a port"),
            ("a:", "not a port"),
            ("a:+80", "not a port"),
            ("a:65536", "not a port"),
            ("::1", "brackets"),
            ("[::1", "closing"),
            ("[nope]:1", "not an IPv6"),
            ("[::1]x", "only a port"),
            ("300.1.1.1", "not an IPv4"),
            ("127.1", "not an IPv4"),
            ("a b", "neither an address"),
            ("-a", "neither an address"),
        ] {
            let message = reason(text);
            assert!(message.contains(part), "{text}: {message}");
            assert!(
                message.contains("http://127.0.0.1:2379"),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        let message = reason("http://root:s3cret@host:2379");
        assert!(
            message.contains("--password-file") && !message.contains("s3cret"),
            "{message}"
        );
    }
}
