//! Which addresses may be contacted, and the way from a host to addresses.

use std::net::{IpAddr, SocketAddr};

use crate::error::{Cause, ErrorKind};

/// Addresses of one name that are tried at most: enough for one address of each family on two networks.
const MAX_ADDRESSES: usize = 4;

/// Why an address may not be contacted, `None` if it may.
///
/// A member list is an answer of a member, so it could point the monitor at services of its own host or cloud: the
/// unspecified address reaches the monitor's own machine, and link-local ones reach metadata services.
pub(crate) fn refusal(ip: IpAddr) -> Option<&'static str> {
    let link_local = match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => return Some("0.0.0.0 is no address of a host"),
        IpAddr::V6(ip) if ip.is_unspecified() => return Some("[::] is no address of a host"),
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    link_local.then_some("link-local addresses are not contacted")
}

/// The cause of a call to an address that may not be contacted.
pub(crate) fn not_allowed(ip: IpAddr, reason: &str) -> Cause {
    Cause::new(
        ErrorKind::NotAllowed,
        format!(
            "{ip} is refused: {reason}; give an address at which the monitor reaches the member"
        ),
    )
}

/// Keeps the addresses that may be contacted, or says why there are none.
pub(crate) fn permitted(
    host: &str,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Cause> {
    let (mut kept, mut refused) = (Vec::new(), None);
    for address in found {
        match refusal(address.ip()) {
            None if kept.len() < MAX_ADDRESSES => kept.push(address),
            None => break,
            Some(reason) => refused = Some(not_allowed(address.ip(), reason)),
        }
    }
    match refused {
        _ if !kept.is_empty() => Ok(kept),
        Some(cause) => Err(cause),
        None => Err(unresolved(host, "it has no address")),
    }
}

/// The addresses of a host that may be contacted, in the resolver's order, at most four.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Cause> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return permitted(host, std::iter::once(SocketAddr::new(ip, port)));
    }
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => permitted(host, found),
        Err(error) => Err(unresolved(host, &error.to_string()).with_source(error)),
    }
}

fn unresolved(host: &str, reason: &str) -> Cause {
    Cause::new(
        ErrorKind::NameResolution,
        format!("the host name {host} does not resolve: {reason}; check the name and the resolver"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_and_link_local_addresses_are_refused() {
        for (ip, refused) in [
            ("0.0.0.0", true),
            ("::", true),
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("fe80::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("10.0.0.1", false),
            ("fd00::1", false),
        ] {
            assert_eq!(refusal(ip.parse().unwrap()).is_some(), refused, "{ip}");
        }
    }

    #[test]
    fn a_name_with_only_refused_addresses_is_not_allowed() {
        let found = ["169.254.0.1:80", "10.0.0.1:80"].map(|a| a.parse::<SocketAddr>().unwrap());
        assert_eq!(permitted("x", found.into_iter()).unwrap(), [found[1]]);
        let cause = permitted("x", found.into_iter().take(1)).unwrap_err();
        assert_eq!(cause.kind, ErrorKind::NotAllowed);
        assert_eq!(
            permitted("x", std::iter::empty()).unwrap_err().kind,
            ErrorKind::NameResolution
        );
    }
}
