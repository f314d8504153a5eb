//! URLs that members advertise.

use crate::address;
use crate::endpoint::Endpoint;

/// An advertised URL that may be contacted as far as its text tells; a name is checked again when it is resolved.
pub(super) struct Advertised {
    pub(super) endpoint: Endpoint,
    pub(super) is_tls: bool,
}

/// Reads an advertised URL, or says why it is not contacted.
pub(super) fn read(url: &str) -> Result<Advertised, String> {
    if !url.contains("://") {
        return Err("the advertised URL has no scheme, http:// or https://".to_owned());
    }
    let endpoint = Endpoint::parse(url, false).map_err(|error| error.to_string())?;
    match endpoint.ip().and_then(address::refusal) {
        Some(reason) => Err(format!(
            "{reason}; correct the member's --advertise-client-urls"
        )),
        None => Ok(Advertised {
            is_tls: endpoint.is_tls(),
            endpoint,
        }),
    }
}

/// True if an advertised URL leads to this endpoint, whatever its scheme.
pub(super) fn is_at(url: &str, endpoint: &Endpoint) -> bool {
    Endpoint::parse(url, false).is_ok_and(|advertised| same_place(&advertised, endpoint))
}

/// True if two endpoints are one port of one host. `localhost` and the loopback addresses are one host; other names are
/// not resolved here.
pub(super) fn same_place(a: &Endpoint, b: &Endpoint) -> bool {
    a.port() == b.port() && (a.host() == b.host() || (is_localhost(a, b) || is_localhost(b, a)))
}

fn is_localhost(name: &Endpoint, address: &Endpoint) -> bool {
    name.host() == "localhost" && matches!(address.host(), "127.0.0.1" | "::1")
}
