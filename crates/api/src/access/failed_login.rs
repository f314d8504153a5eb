//! Credentials that were not taken: counted by reason, and noted so seldom that nobody can flood a log with them.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_monitor_model::{Stat, StatSource};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde::Serialize;

use super::Access;
use super::attempts::{Attempts, Client};

/// Lines about strangers that are written at once, and in a minute. Who has no credentials must not be able to push the
/// lines of those who have some out of a file of bounded size: it lasts for days at this rate.
const LINES: NonZeroU32 = NonZeroU32::new(60).unwrap();
const LINES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The same of one address, so that it leaves lines for others.
const LINES_OF_CLIENT: NonZeroU32 = NonZeroU32::new(20).unwrap();
const PAUSE_OF_CLIENT: Duration = Duration::from_secs(30);

/// Why credentials were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailedLogin {
    /// User, password or token are not known, or cannot be read.
    WrongCredentials,
    /// There were so many of its address that they were not even looked at.
    TooManyFailures,
    /// Too many passwords waited for their check.
    LoginBusy,
}

impl FailedLogin {
    const ALL: [Self; 3] = [
        Self::WrongCredentials,
        Self::TooManyFailures,
        Self::LoginBusy,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyFailures => "too_many_failures",
            Self::LoginBusy => "login_busy",
        }
    }
}

/// What is known of strangers.
#[derive(Debug)]
pub(super) struct Strangers {
    failed: [AtomicU64; FailedLogin::ALL.len()],
    lines: DefaultDirectRateLimiter,
    lines_of_client: Option<Attempts>,
    left_out: AtomicU64,
}

/// The user whose password was tried in vain, on the way out.
#[derive(Debug, Clone)]
pub(super) struct TriedUser(pub(super) String);

impl Default for Strangers {
    fn default() -> Self {
        Self {
            failed: Default::default(),
            lines: RateLimiter::direct(Quota::per_minute(LINES_PER_MINUTE).allow_burst(LINES)),
            lines_of_client: Attempts::new(PAUSE_OF_CLIENT, LINES_OF_CLIENT),
            left_out: AtomicU64::new(0),
        }
    }
}

impl Strangers {
    pub(super) fn count(&self, why: FailedLogin) {
        if let Some(counter) = self.failed.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether there may be one more line about this stranger; counts it as left out where not.
    pub(super) fn have_line(&self, client: Client) -> bool {
        let of_client = self.lines_of_client.as_ref();
        let have =
            of_client.is_none_or(|lines| lines.count(client).is_ok()) && self.lines.check().is_ok();
        if !have {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        have
    }

    /// How many were left out since this was asked last.
    pub(super) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

impl StatSource for Access {
    fn stats(&self) -> Vec<Stat> {
        let counters = FailedLogin::ALL.iter().zip(&self.0.strangers.failed);
        let stats = counters.map(|(why, counter)| {
            let name = "etcd_monitor_failed_logins_total";
            let help = "Requests whose password or token was not taken, by reason";
            let count = counter.load(Ordering::Relaxed);
            Stat::counter(name, help, count).label("reason", why.as_str())
        });
        stats.collect()
    }
}
