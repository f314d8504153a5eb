//! How many connections and streams of live events there may be, in all and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what is open, in all and by address.
#[derive(Debug)]
pub(crate) struct Admission {
    total_max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
    refused_in_all: AtomicU64,
    refused_of_address: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why one more is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There are as many as there may be.
    Total,
    /// There are as many of this address as there may be.
    Address,
}

/// The right to one, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(total_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            total_max,
            per_address_max,
            open: Mutex::default(),
            refused_in_all: AtomicU64::new(0),
            refused_of_address: AtomicU64::new(0),
        })
    }

    /// Takes one more of this address, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Result<Seat, Refused> {
        let address = peer.and_then(counted);
        let taken = self.take(address);
        match taken {
            Ok(()) => Ok(Seat {
                admission: Arc::clone(self),
                address,
            }),
            Err(refused) => {
                let counter = match refused {
                    Refused::Total => &self.refused_in_all,
                    Refused::Address => &self.refused_of_address,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                Err(refused)
            }
        }
    }

    fn take(&self, address: Option<IpAddr>) -> Result<(), Refused> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.total_max {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            let of_address = open.by_address.entry(address).or_default();
            if *of_address >= self.per_address_max {
                return Err(Refused::Address);
            }
            *of_address += 1;
        }
        open.total += 1;
        Ok(())
    }

    fn leave(&self, address: Option<IpAddr>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let Some(address) = address else { return };
        let left = open.by_address.get_mut(&address).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            open.by_address.remove(&address);
        }
    }

    /// How many are open now.
    pub(crate) fn open(&self) -> usize {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }

    /// How many were not taken, for want of room in all and of one address.
    pub(crate) fn refused(&self) -> [(Refused, u64); 2] {
        [
            (Refused::Total, self.refused_in_all.load(Ordering::Relaxed)),
            (
                Refused::Address,
                self.refused_of_address.load(Ordering::Relaxed),
            ),
        ]
    }
}

impl Refused {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.admission.leave(self.address);
    }
}

/// Under which address a peer is counted: an IPv6 host has its whole /64. Loopback is not.
fn counted(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    match address {
        _ if address.is_loopback() => None,
        IpAddr::V4(_) => Some(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Some(Ipv6Addr::from_bits(network).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, per_address: usize) -> Arc<Admission> {
        Admission::new(connections, per_address)
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_leaves_room_for_others_and_gives_back_what_it_had() {
        let admission = admission(10, 2);
        let held: Vec<_> = (0..2)
            .map(|_| admission.admit(Some(peer("192.0.2.1"))).unwrap())
            .collect();
        let refused = admission.admit(Some(peer("192.0.2.1"))).unwrap_err();
        assert_eq!(refused, Refused::Address);
        assert!(admission.admit(Some(peer("192.0.2.2"))).is_ok());
        drop(held);
        assert!(admission.admit(Some(peer("192.0.2.1"))).is_ok());
        assert_eq!(admission.open(), 0);
        assert!(admission.open.lock().unwrap().by_address.is_empty());
        assert_eq!(admission.refused()[1], (Refused::Address, 1));
    }

    #[test]
    fn the_hosts_of_an_ipv6_network_count_as_one() {
        let admission = admission(10, 1);
        let _held = admission.admit(Some(peer("2001:db8::1"))).unwrap();
        assert!(admission.admit(Some(peer("2001:db8::2"))).is_err());
        assert!(admission.admit(Some(peer("2001:db8:0:1::2"))).is_ok());
    }

    #[test]
    fn loopback_counts_in_all_alone() {
        let admission = admission(2, 1);
        let _held =
            [peer("127.0.0.1"), peer("::ffff:127.0.0.1")].map(|peer| admission.admit(Some(peer)));
        let refused = admission.admit(Some(peer("::1"))).unwrap_err();
        assert_eq!(refused, Refused::Total);
    }
}
