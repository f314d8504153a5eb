//! A loopback address that belongs to one cluster.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use crate::error::Error;

/// Whoever listens here owns the address. Above the ephemeral ports of Linux, so that no connection
/// takes it by chance.
const RESERVATION_PORT: u16 = 61_379;

/// With 16 million addresses a collision is rare; this many in a row mean that something else is
/// wrong.
const ATTEMPTS: usize = 32;

/// A private `127.x.y.z`, held as long as the value lives.
///
/// Ports on it are free of races: nobody else binds there, and outgoing loopback connections use
/// 127.0.0.1.
#[derive(Debug)]
pub(crate) struct PrivateAddress {
    ip: Ipv4Addr,
    _reservation: TcpListener,
}

impl PrivateAddress {
    /// Reserves an address on which all of `ports` can be bound (a listener on 0.0.0.0 would be in
    /// the way).
    pub(crate) fn reserve(ports: &[u16]) -> Result<Self, Error> {
        let mut reason = String::new();
        for _ in 0..ATTEMPTS {
            match Self::try_reserve(random_loopback(), ports) {
                Ok(address) => return Ok(address),
                Err(refusal) => reason = refusal,
            }
        }
        Err(Error::Address { reason })
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    fn try_reserve(ip: Ipv4Addr, ports: &[u16]) -> Result<Self, String> {
        let bind = |port| {
            let address = SocketAddrV4::new(ip, port);
            TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))
        };
        let reservation = bind(RESERVATION_PORT)?;
        for port in ports {
            bind(*port)?;
        }
        Ok(Self {
            ip,
            _reservation: reservation,
        })
    }
}

/// Never in 127.0.0.0/16, where people put things by hand.
fn random_loopback() -> Ipv4Addr {
    // Each `RandomState` has fresh random keys: randomness without a dependency.
    let [a, b, c, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_given_twice() {
        let first = PrivateAddress::reserve(&[20_379]).expect("a free address");
        let again = PrivateAddress::try_reserve(first.ip(), &[20_379]);
        assert!(again.is_err_and(|reason| reason.contains("61379")));
    }
}
