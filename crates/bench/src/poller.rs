//! Waiting for sockets, as exactly as the kernel allows.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Sockets that are told of at a time.
const EVENTS: usize = 256;

/// From here on a millisecond more or less does not matter, and one call of the kernel does.
pub(crate) const COARSE: Duration = Duration::from_millis(20);

const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The sockets of one thread, each with a number.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS),
        })
    }

    /// Listens to a socket. Closing it ends that.
    pub(crate) fn add(&self, stream: impl AsFd, number: usize) -> io::Result<()> {
        let number = EventData::new_u64(number as u64);
        Ok(epoll::add(&self.epoll, stream, number, EventFlags::IN)?)
    }

    /// Also hears when there is room to write, or no more.
    pub(crate) fn wants_room(
        &self,
        stream: impl AsFd,
        number: usize,
        wants: bool,
    ) -> io::Result<()> {
        let flags = if wants {
            EventFlags::IN | EventFlags::OUT
        } else {
            EventFlags::IN
        };
        let number = EventData::new_u64(number as u64);
        Ok(epoll::modify(&self.epoll, stream, number, flags)?)
    }

    /// Waits until a socket has something, for so long at most; fills in the numbers of those that have.
    pub(crate) fn wait(&mut self, at_most: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        let exact = !at_most.is_zero() && at_most < COARSE;
        if exact && !self.wait_exactly(at_most)? {
            return Ok(());
        }
        let timeout = if exact { NOW } else { timespec(at_most) };
        let buffer = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, buffer, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let numbers = self.events.iter().map(|event| event.data.u64());
        ready.extend(numbers.filter_map(|number| usize::try_from(number).ok()));
        Ok(())
    }

    /// `epoll_wait` itself knows whole milliseconds only. False where the time is over.
    fn wait_exactly(&self, at_most: Duration) -> io::Result<bool> {
        let mut of_epoll = [PollFd::new(&self.epoll, PollFlags::IN)];
        match poll(&mut of_epoll, Some(&timespec(at_most))) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}

/// Makes the kernel wake this thread when its time has come, and not up to 50 µs later.
pub(crate) fn wake_exactly() {
    // Where it is not allowed, what was sent late shows as lateness.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZero::new(1));
}
