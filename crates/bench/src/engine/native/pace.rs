//! Which request is next in one thread, and when it is due.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::load::{Bounds, Load, Overload};
use crate::schedule::Schedule;
use crate::turns::Turn;

/// What is to be done now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// Make this request.
    Now(Turn),
    /// Nothing before this time.
    Later(Instant),
    /// No further request.
    Over,
}

/// What the threads of a closed loop share.
#[derive(Debug, Default)]
pub(super) struct Issued {
    all: AtomicU64,
    measured: AtomicU64,
}

/// The turns of one thread.
#[derive(Debug)]
pub(super) struct Pace {
    begin: Instant,
    measured_from: Instant,
    end: Option<Instant>,
    total: Option<u64>,
    kind: Kind,
    /// In an open loop: what falls due meanwhile is held back until the next multiple of it.
    tick: Option<Duration>,
    is_over: bool,
    stopped_at: Option<Instant>,
}

#[derive(Debug)]
enum Kind {
    Closed(Arc<Issued>),
    Open(Box<Due>),
}

/// The requests of an open loop that are this thread's: of so many threads, each takes its turn of the one schedule. So
/// nothing is shared, and all together keep exactly the schedule.
#[derive(Debug)]
struct Due {
    schedule: Schedule,
    threads: u64,
    thread: u64,
    /// Entries of the schedule that were passed, and those of them that are measured.
    passed: u64,
    measured: u64,
    next: Option<Turn>,
    /// `None` where any number may wait: then those that do are not looked at before their turn.
    admission: Option<Admission>,
}

/// Which of the requests that are due may wait.
#[derive(Debug)]
struct Admission {
    overload: Overload,
    clients: u32,
    waiting: VecDeque<Turn>,
    dropped: u64,
}

impl Admission {
    fn new(load: &Load, thread: u32, threads: u32, clients: u32) -> Option<Self> {
        (load.overload != Overload::Queue).then(|| Self {
            overload: load.overload.share(thread, threads),
            clients,
            waiting: VecDeque::new(),
            dropped: 0,
        })
    }

    fn admit(&mut self, turn: Turn, busy: u64) {
        let outstanding = self.waiting.len() as u64 + busy;
        if self.overload.admits(outstanding, self.clients) {
            self.waiting.push_back(turn);
        } else {
            self.dropped += u64::from(turn.measured);
        }
    }
}

impl Pace {
    /// The turns of thread `thread` (from 0) of so many, which has so many clients.
    pub(super) fn new(
        load: &Load,
        begin: Instant,
        issued: &Arc<Issued>,
        (thread, threads): (u32, u32),
        clients: u32,
    ) -> Self {
        let Bounds {
            measured_from,
            total,
            end,
        } = load.bounds(begin);
        let kind = match load.rate {
            None => Kind::Closed(Arc::clone(issued)),
            Some(rate) => Kind::Open(Box::new(Due {
                schedule: Schedule::new(rate, load.seed),
                threads: threads.max(1).into(),
                thread: thread.into(),
                passed: 0,
                measured: 0,
                next: None,
                admission: Admission::new(load, thread, threads, clients),
            })),
        };
        Self {
            begin,
            measured_from,
            end,
            total,
            kind,
            tick: None,
            is_over: false,
            stopped_at: None,
        }
    }

    /// Holds back what falls due until the next multiple of this span, so that several requests go out together. A closed
    /// loop holds back nothing.
    pub(super) fn with_tick(mut self, tick: Option<Duration>) -> Self {
        self.tick = tick.filter(|_| matches!(self.kind, Kind::Open(_)));
        self
    }

    /// The time up to which requests go out now that fall due: with ticks, the last of them. What the end would cut off is
    /// not held back.
    fn released(&self, now: Instant) -> Instant {
        match self.tick {
            Some(tick) if self.release(now) > now => {
                let into = now.saturating_duration_since(self.begin).as_nanos() % tick.as_nanos();
                let into = Duration::from_nanos(u64::try_from(into).unwrap_or(0));
                now.checked_sub(into).unwrap_or(now)
            }
            _ => now,
        }
    }

    /// When that goes out which falls due at this time.
    fn release(&self, due: Instant) -> Instant {
        let Some(tick) = self.tick else { return due };
        let passed = due.saturating_duration_since(self.begin).as_nanos();
        let whole = passed.next_multiple_of(tick.as_nanos()) - passed;
        let release = due + Duration::from_nanos(u64::try_from(whole).unwrap_or(0));
        if self.end.is_some_and(|end| release >= end) {
            return due;
        }
        release
    }

    pub(super) fn measured_from(&self) -> Instant {
        self.measured_from
    }

    pub(super) fn measured_to(&self) -> Option<Instant> {
        self.end
    }

    /// No further request, whatever is due.
    pub(super) fn stop(&mut self, now: Instant) {
        self.is_over = true;
        self.stopped_at.get_or_insert(now);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next turn. One that is told is taken.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        if self.is_over || self.end.is_some_and(|end| now >= end) {
            self.is_over = true;
            return Next::Over;
        }
        let released = self.released(now);
        let next = match &mut self.kind {
            Kind::Closed(issued) => closed(issued, now, self.measured_from, self.total),
            Kind::Open(due) => due.take(released, self.begin, self.measured_from, self.total),
        };
        self.is_over = matches!(next, Next::Over);
        match next {
            Next::Later(due) => Next::Later(self.release(due)),
            next => next,
        }
    }

    /// Requests that have fallen due are taken on or dropped, while so many clients are busy (`seen`: the
    /// time and their number, only asked for where anything is dropped at all). It is to be told before clients
    /// become free, so that what was due before then finds them busy.
    pub(super) fn admit(&mut self, seen: impl FnOnce() -> (Instant, u64)) {
        let Kind::Open(due) = &self.kind else { return };
        if due.admission.is_none() || self.is_over {
            return;
        }
        let (now, busy) = seen();
        let now = self.released(now);
        let until = self.end.map_or(now, |end| end.min(now));
        if let Kind::Open(due) = &mut self.kind {
            due.admit(until, busy, (self.begin, self.measured_from, self.total));
        }
    }

    /// Measured requests of this thread that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        let Kind::Open(due) = &self.kind else {
            return 0;
        };
        due.admission
            .as_ref()
            .map_or(0, |admission| admission.dropped)
    }

    /// Requests of this thread that were due until the end and never made.
    pub(super) fn unsent(&mut self, now: Instant) -> u64 {
        let Kind::Open(due) = &mut self.kind else {
            return 0;
        };
        if let Some(admission) = &due.admission {
            return admission.waiting.len() as u64;
        }
        let bounds = [self.end, self.stopped_at].into_iter().flatten();
        let until = bounds.fold(now, Instant::min);
        let mut unsent = 0;
        while let Next::Now(_) = due.take(until, self.begin, self.measured_from, self.total) {
            unsent += 1;
        }
        unsent
    }
}

fn closed(issued: &Issued, now: Instant, measured_from: Instant, total: Option<u64>) -> Next {
    let measured = now >= measured_from;
    if measured
        && let Some(total) = total
        && issued.measured.fetch_add(1, Ordering::Relaxed) >= total
    {
        return Next::Over;
    }
    Next::Now(Turn {
        number: issued.all.fetch_add(1, Ordering::Relaxed),
        intended: now,
        measured,
    })
}

impl Due {
    /// The next of those that were taken on.
    fn take(
        &mut self,
        now: Instant,
        begin: Instant,
        measured_from: Instant,
        total: Option<u64>,
    ) -> Next {
        let Some(admission) = &mut self.admission else {
            return self.take_any(now, begin, measured_from, total);
        };
        if let Some(turn) = admission.waiting.pop_front() {
            return Next::Now(turn);
        }
        self.next = self
            .next
            .take()
            .or_else(|| self.find(begin, measured_from, total));
        // One that is due since the last look is looked at before the next.
        self.next
            .map_or(Next::Over, |turn| Next::Later(turn.intended))
    }

    fn admit(
        &mut self,
        until: Instant,
        busy: u64,
        (begin, measured_from, total): (Instant, Instant, Option<u64>),
    ) {
        while let Next::Now(turn) = self.take_any(until, begin, measured_from, total) {
            if let Some(admission) = &mut self.admission {
                admission.admit(turn, busy);
            }
        }
    }

    /// The next one, if it is due.
    fn take_any(
        &mut self,
        now: Instant,
        begin: Instant,
        measured_from: Instant,
        total: Option<u64>,
    ) -> Next {
        let next = self
            .next
            .take()
            .or_else(|| self.find(begin, measured_from, total));
        match next {
            None => Next::Over,
            Some(turn) if turn.intended <= now => Next::Now(turn),
            Some(turn) => {
                self.next = Some(turn);
                Next::Later(turn.intended)
            }
        }
    }

    /// The next entry of the schedule that is ours; `None` where there are no more.
    fn find(&mut self, begin: Instant, measured_from: Instant, total: Option<u64>) -> Option<Turn> {
        loop {
            let number = self.passed;
            let intended = begin + self.schedule.next()?;
            let measured = intended >= measured_from;
            if measured && total.is_some_and(|total| self.measured >= total) {
                return None;
            }
            self.passed += 1;
            self.measured += u64::from(measured);
            if number % self.threads == self.thread {
                return Some(Turn {
                    number,
                    intended,
                    measured,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::{Arrivals, Rate, Until};

    fn turns(load: &Load, threads: u32) -> Vec<Turn> {
        let (begin, issued) = (Instant::now(), Arc::default());
        let late = begin + Duration::from_hours(1);
        let mut turns = Vec::new();
        for thread in 0..threads {
            let mut pace = Pace::new(load, begin, &issued, (thread, threads), 4);
            while let Next::Now(turn) = pace.next(late) {
                turns.push(turn);
            }
            assert!(pace.is_over());
        }
        turns.sort_by_key(|turn| turn.number);
        turns
    }

    #[test]
    fn threads_share_a_schedule_without_losing_or_doubling_a_request() {
        let mut load = Load::new(Until::Operations(100));
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson, Arrivals::Burst(7)] {
            load.rate = Some(Rate {
                per_second: 1_000.0,
                arrivals,
            });
            load.warmup_seconds = 0.05;
            let all = turns(&load, 1);
            let shared = turns(&load, 3);
            assert_eq!(all.iter().filter(|turn| turn.measured).count(), 100);
            let begin = |turns: &[Turn]| turns[0].intended;
            let offsets = |turns: &[Turn]| -> Vec<_> {
                turns
                    .iter()
                    .map(|turn| (turn.number, turn.intended - begin(turns), turn.measured))
                    .collect()
            };
            assert_eq!(offsets(&shared), offsets(&all));
        }
    }

    #[test]
    fn a_closed_loop_makes_as_many_as_it_should() {
        let turns = turns(&Load::new(Until::Operations(100)), 3);
        assert!(turns.len() == 100 && turns.iter().all(|turn| turn.measured));
        assert_eq!(turns[99].number, 99);
    }

    #[test]
    fn what_was_due_and_never_made_is_counted() {
        let mut load = Load::new(Until::Seconds(2.0));
        load.rate = Some(Rate {
            per_second: 10.0,
            arrivals: Arrivals::Uniform,
        });
        let begin = Instant::now();
        let mut pace = Pace::new(&load, begin, &Arc::default(), (0, 1), 4);
        assert!(matches!(pace.next(begin), Next::Now(turn) if turn.number == 0));
        assert!(
            matches!(pace.next(begin), Next::Later(at) if at - begin == Duration::from_millis(100))
        );
        assert!(matches!(
            pace.next(begin + Duration::from_secs(3)),
            Next::Over
        ));
        assert_eq!(pace.unsent(begin + Duration::from_secs(3)), 20);
    }

    #[test]
    fn with_ticks_what_is_due_meanwhile_goes_out_together_and_nothing_is_left_at_the_end() {
        let mut load = Load::new(Until::Seconds(0.0095));
        load.rate = Some(Rate {
            per_second: 1_000.0,
            arrivals: Arrivals::Uniform,
        });
        let (begin, tick) = (Instant::now(), Duration::from_millis(4));
        let ms = Duration::from_millis;
        let mut pace = Pace::new(&load, begin, &Arc::default(), (0, 1), 4).with_tick(Some(tick));
        let mut sent = Vec::new();
        let mut now = begin;
        loop {
            match pace.next(now) {
                Next::Now(turn) => sent.push((now - begin, turn.intended - begin)),
                Next::Later(at) => {
                    assert!(at > now, "it would wait for nothing");
                    now = at;
                }
                Next::Over => break,
            }
        }
        let at = |sent: u64, due: u64| (ms(sent), ms(due));
        // Due each millisecond, sent at each fourth; the last ticks would lie beyond the end.
        let whole = [at(0, 0), at(4, 1), at(4, 2), at(4, 3), at(4, 4)];
        assert_eq!(sent[..5], whole);
        assert_eq!(
            sent[5..],
            [at(8, 5), at(8, 6), at(8, 7), at(8, 8), at(9, 9)]
        );
        assert_eq!(pace.unsent(begin + ms(20)), 0);
    }

    #[test]
    fn what_finds_every_client_busy_is_dropped_or_one_of_few_that_wait() {
        for (overload, made) in [(Overload::Drop, 1), (Overload::Cap(2), 3)] {
            let mut load = Load::new(Until::Operations(10));
            load.overload = overload;
            load.rate = Some(Rate {
                per_second: 10.0,
                arrivals: Arrivals::Burst(10),
            });
            let begin = Instant::now();
            let mut pace = Pace::new(&load, begin, &Arc::default(), (0, 1), 4);
            // One of four clients is free.
            pace.admit(|| (begin, 3));
            let mut turns = Vec::new();
            while let Next::Now(turn) = pace.next(begin) {
                turns.push(turn.number);
            }
            assert_eq!(turns, (0..made).collect::<Vec<_>>(), "{overload:?}");
            assert_eq!((pace.dropped(), pace.unsent(begin)), (10 - made, 0));
            assert!(pace.is_over());
        }
    }
}
