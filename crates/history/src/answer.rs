//! What every store does with a question.

use std::sync::Arc;

use etcd_monitor_model::{HistoryError, HistoryQuery, Point, PointStream, SeriesKey, SeriesPoints};
use futures_util::StreamExt;
use tokio::task::spawn_blocking;

use crate::file::{Cursor, SampleFile};
use crate::ring::MemoryRing;
use crate::thin::{Grid, Thinner};

/// The range of a query in Unix milliseconds: what lies between two of them belongs to the later one.
pub(crate) fn range(query: &HistoryQuery) -> Result<(i64, i64), HistoryError> {
    let bad = |reason: &str| Err(HistoryError::BadQuery(reason.to_owned()));
    if query.end <= query.start {
        return bad("the range ends before it starts");
    }
    if query.max_points == Some(0) {
        return bad("at most 0 points were asked for");
    }
    Ok((query.start.as_millisecond(), query.end.as_millisecond()))
}

/// As few points as the query wants.
pub(crate) fn thin(points: Vec<Point>, query: &HistoryQuery) -> Vec<Point> {
    let Some(grid) = Grid::of(query) else {
        return points;
    };
    let mut thinner = Thinner::new(grid);
    for point in points {
        thinner.push(point);
    }
    thinner.finish()
}

/// A stream of points that are there already.
pub(crate) fn at_once(points: Vec<Point>) -> PointStream {
    Box::pin(futures_util::stream::iter([Ok(points)]))
}

/// Where the older points of a series come from.
pub(crate) enum Source {
    /// The file, from a place on.
    File(Arc<SampleFile>, Cursor),
    /// Another store's answer.
    Stream(PointStream),
    /// Nowhere.
    Nothing,
}

/// What the ring adds: points after those of the source.
struct Newest {
    ring: Arc<MemoryRing>,
    key: SeriesKey,
    /// What is not later is left to the source, in Unix milliseconds.
    after: i64,
}

/// The answer to a query for one series, read as it is asked for: what the source has, then what the ring has.
pub(crate) struct Reading {
    start: i64,
    end: i64,
    source: Source,
    newest: Option<Newest>,
    thinner: Option<Thinner>,
    /// Time of the newest point that was read.
    read_until: i64,
}

impl Reading {
    pub(crate) fn new(query: &HistoryQuery, source: Source) -> Self {
        Self {
            start: query.start.as_millisecond(),
            end: query.end.as_millisecond(),
            source,
            newest: None,
            thinner: Grid::of(query).map(Thinner::new),
            read_until: i64::MIN,
        }
    }

    /// Adds what a ring has later than a time. The ring then also stands in for a source that fails.
    pub(crate) fn then(mut self, ring: &Arc<MemoryRing>, key: &SeriesKey, after: i64) -> Self {
        self.newest = Some(Newest {
            ring: Arc::clone(ring),
            key: key.clone(),
            after,
        });
        self
    }

    /// The answer for a series.
    pub(crate) fn of(self, key: SeriesKey) -> SeriesPoints {
        let stream = futures_util::stream::unfold(Some(self), |state| async move {
            let mut reading = state?;
            match reading.next().await {
                Ok(Some(points)) => Some((Ok(points), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        SeriesPoints {
            key,
            points: Box::pin(stream),
        }
    }

    /// The next points, never none of them; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<Point>>, HistoryError> {
        loop {
            let points = match self.source_points().await {
                Ok(Some(points)) => points,
                Ok(None) => return Ok(self.finish()),
                Err(error) => self.stand_in(error)?,
            };
            if let Some(last) = points.last() {
                self.read_until = last.at.as_millisecond();
            }
            if let Some(points) = self.pass(points) {
                return Ok(Some(points));
            }
        }
    }

    async fn source_points(&mut self) -> Result<Option<Vec<Point>>, HistoryError> {
        match std::mem::replace(&mut self.source, Source::Nothing) {
            Source::File(file, cursor) => {
                let reader = Arc::clone(&file);
                let read = spawn_blocking(move || reader.read(cursor)).await;
                let (points, next) =
                    read.map_err(|error| HistoryError::Unavailable(error.to_string()))??;
                if let Some(next) = next {
                    self.source = Source::File(file, next);
                }
                Ok(Some(points))
            }
            Source::Stream(mut stream) => {
                let points = stream.next().await.transpose()?;
                if points.is_some() {
                    self.source = Source::Stream(stream);
                }
                Ok(points)
            }
            Source::Nothing => Ok(None),
        }
    }

    /// After a failure of the source: everything that the ring has and the source did not give.
    fn stand_in(&mut self, error: HistoryError) -> Result<Vec<Point>, HistoryError> {
        let Some(newest) = &mut self.newest else {
            return Err(error);
        };
        tracing::debug!(%error, series = ?newest.key, "the memory ring answers alone");
        newest.after = self.read_until;
        Ok(Vec::new())
    }

    /// What is left when the source has nothing more.
    fn finish(&mut self) -> Option<Vec<Point>> {
        let newest = self.newest.take();
        let from = |it: &Newest| it.after.saturating_add(1).max(self.start);
        let points = newest.map(|it| it.ring.points_of(&it.key, from(&it), self.end));
        let points = self.pass(points.unwrap_or_default());
        let thinned = self.thinner.take().map(Thinner::finish);
        points.or(thinned).filter(|it| !it.is_empty())
    }

    /// Gives points on at once, or to the thinner.
    fn pass(&mut self, points: Vec<Point>) -> Option<Vec<Point>> {
        let Some(thinner) = &mut self.thinner else {
            return Some(points).filter(|it| !it.is_empty());
        };
        for point in points {
            thinner.push(point);
        }
        None
    }
}
