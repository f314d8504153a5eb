//! One series as the latest page had it.

use super::{Milliseconds, seconds};

/// What a reading tells of a series.
pub(super) enum Taken<G> {
    /// It grew so much within so many seconds.
    Grown(G, f64),
    /// It begins here: there is no earlier reading that it grew from.
    Anew,
    /// It was not read.
    Unread,
}

/// The latest reading of a series, and since when it has been compared with the one before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series<T> {
    latest: Option<(Milliseconds, T)>,
    /// Since when its growth is known without a gap; `None` until there were two readings to compare.
    since: Option<Milliseconds>,
    /// Growth per second since the reading before.
    pub(super) pace: Option<f64>,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self {
            latest: None,
            since: None,
            pace: None,
        }
    }
}

impl<T> Series<T> {
    /// Takes a reading. One that did not grow from the reading before, or comes too long after it, begins the series
    /// anew.
    pub(super) fn take<G>(
        &mut self,
        now: Milliseconds,
        keep: Milliseconds,
        total: Option<T>,
        growth: impl FnOnce(&T, &T) -> Option<G>,
    ) -> Taken<G> {
        let Some(total) = total else {
            return Taken::Unread;
        };
        let before = self.latest.take();
        let grown = before
            .filter(|(then, _)| now - then <= keep)
            .and_then(|(then, before)| Some((growth(&before, &total)?, then)));
        self.latest = Some((now, total));
        let Some((grown, then)) = grown else {
            self.since = None;
            return Taken::Anew;
        };
        self.since.get_or_insert(then);
        Taken::Grown(grown, seconds(now - then))
    }

    /// The latest reading.
    pub(super) fn latest(&self) -> Option<&T> {
        self.latest.as_ref().map(|(_, total)| total)
    }

    /// Since when its growth is known up to `now`; `None` where it was not read then.
    pub(super) fn known_since(&self, now: Option<Milliseconds>) -> Option<Milliseconds> {
        let (read, _) = self.latest.as_ref()?;
        self.since.filter(|_| Some(*read) == now)
    }
}
