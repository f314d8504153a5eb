//! What every store does with a question.

use etcd_monitor_model::{HistoryError, HistoryQuery, Point, PointStream};

use crate::thin::Thinner;

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
    let Some(most) = query.max_points else {
        return points;
    };
    let (start, end) = (query.start.as_millisecond(), query.end.as_millisecond());
    let mut thinner = Thinner::new(start, end, most);
    for point in points {
        thinner.push(point);
    }
    thinner.finish()
}

/// A stream of points that are there already.
pub(crate) fn at_once(points: Vec<Point>) -> PointStream {
    Box::pin(futures_util::stream::iter([Ok(points)]))
}
