//! How often a client may try: requests by the file's `rate_limit`, and passwords and tokens that are wrong.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Clients that are told apart; those beyond share one account until others are forgotten.
const CLIENTS_MAX: usize = 10_000;

/// Wrong attempts that one client has at once, and the pause after which it has one more.
const FAILURES: NonZeroU32 = NonZeroU32::new(10).unwrap();
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Who is counted: an address, for IPv6 the /64 that one client commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    V4([u8; 4]),
    V6([u8; 8]),
    /// Those for whom there is no place, or of whom nothing is known.
    Other,
}

impl From<Option<IpAddr>> for Client {
    fn from(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => Self::V6(network(address)),
            None => Self::Other,
        }
    }
}

impl Client {
    /// What tells it from others.
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::V4(address) => address.to_vec(),
            Self::V6(network) => network.to_vec(),
            Self::Other => Vec::new(),
        }
    }
}

fn network(address: Ipv6Addr) -> [u8; 8] {
    let mut network = [0; 8];
    network.copy_from_slice(&address.octets()[..8]);
    network
}

/// An account for each client.
pub(crate) struct Attempts {
    limiter: DefaultKeyedRateLimiter<Client>,
    clock: DefaultClock,
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts")
            .field("clients", &self.limiter.len())
            .finish_non_exhaustive()
    }
}

impl Attempts {
    /// One each `pause`, and `burst` at once. `None` where the pause is nothing.
    pub(crate) fn new(pause: Duration, burst: NonZeroU32) -> Option<Self> {
        Quota::with_period(pause).map(|quota| Self::of(quota.allow_burst(burst)))
    }

    fn of(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// For passwords and tokens that are wrong.
    pub(crate) fn of_failures() -> Self {
        Self::of(
            Quota::with_period(FAILURE_PAUSE)
                .expect("the pause is not zero")
                .allow_burst(FAILURES),
        )
    }

    /// Counts one; the time to wait where it is one too many.
    pub(crate) fn count(&self, client: Client) -> Result<(), Duration> {
        let refused = match self.limiter.check_key(&self.known(client)) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        Err(refused.wait_time_from(self.clock.now()))
    }

    /// The client's account, or that of all others where there are too many accounts.
    fn known(&self, client: Client) -> Client {
        if self.limiter.len() < CLIENTS_MAX {
            return client;
        }
        self.limiter.retain_recent();
        if self.limiter.len() < CLIENTS_MAX {
            client
        } else {
            Client::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::from(Some(address.parse().unwrap()))
    }

    #[test]
    fn one_client_is_one_address_or_one_network() {
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
        assert_ne!(client("10.0.0.2"), client("10.0.0.1"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8:0:1::1"), client("2001:db8::1"));
    }

    #[test]
    fn each_client_has_its_own_account() {
        let attempts = Attempts::of_failures();
        let spent = (0..20).map(|_| attempts.count(client("10.0.0.1")));
        assert_eq!(spent.flatten().count(), 10);
        let wait = attempts.count(client("10.0.0.1")).unwrap_err();
        assert!(
            wait <= FAILURE_PAUSE && wait > FAILURE_PAUSE / 2,
            "{wait:?}"
        );
        assert!(attempts.count(client("10.0.0.2")).is_ok());
    }

    #[test]
    fn accounts_are_bounded() {
        let attempts = Attempts::of_failures();
        for number in 0..2 * u32::try_from(CLIENTS_MAX).unwrap() {
            let _ = attempts.count(Client::V4(number.to_be_bytes()));
        }
        assert!(attempts.limiter.len() <= CLIENTS_MAX + 1);
    }
}
