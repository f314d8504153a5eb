//! How many attempts a channel may be given per minute.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// The runtime's clock, which a test may pause.
#[derive(Debug, Clone, Copy)]
struct RuntimeClock {
    began: Instant,
}

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// The limit on attempts.
#[derive(Debug)]
pub(super) struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>,
    clock: RuntimeClock,
}

impl Rate {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let clock = RuntimeClock {
            began: Instant::now(),
        };
        Self {
            limiter: RateLimiter::direct_with_clock(Quota::per_minute(per_minute), clock),
            clock,
        }
    }

    /// Takes one attempt, or says when there is one.
    pub(super) fn take(&self) -> Result<(), Instant> {
        let taken = self.limiter.check();
        taken.map_err(|later| Instant::now() + later.wait_time_from(self.clock.now()))
    }
}
