//! What a store of samples can be asked.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClusterName, MemberId, SampleBatch};

/// A store of samples: takes what each cycle measured, and answers what was measured when.
#[async_trait]
pub trait HistoryStore: Send + Sync {
    /// Takes one batch. Never waits: a store that does I/O queues it, and counts what its queue cannot take.
    ///
    /// Batches of one member come one after the other in time; one that is not later may be dropped, and is counted.
    fn append(&self, batch: &SampleBatch);

    /// Every series that the selector matches and that the store still knows, in order.
    async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError>;

    /// The points of every series that the query matches. A series without points in the range may be left out.
    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError>;
}

/// What a series is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The cluster.
    pub cluster: ClusterName,
    /// The member; `None` for values of the cluster as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Name of what was measured, as in [`Sample::metric`](crate::Sample::metric).
    pub metric: Cow<'static, str>,
    /// The other end of a directed link, for values of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<MemberId>,
}

/// Which series are wanted: those of one cluster that fit everything that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesSelector {
    /// The cluster.
    pub cluster: ClusterName,
    /// One member; `None` for all, and for the cluster's own series.
    pub member: Option<MemberId>,
    /// One metric; `None` for all.
    pub metric: Option<String>,
    /// One other end; `None` for all.
    pub peer: Option<MemberId>,
}

impl SeriesSelector {
    /// Everything of a cluster.
    pub fn cluster(cluster: ClusterName) -> Self {
        Self {
            cluster,
            member: None,
            metric: None,
            peer: None,
        }
    }

    /// One metric of a cluster, of every member that has it.
    pub fn metric(cluster: ClusterName, metric: impl Into<String>) -> Self {
        Self {
            metric: Some(metric.into()),
            ..Self::cluster(cluster)
        }
    }

    /// True for a series that is wanted.
    pub fn matches(&self, key: &SeriesKey) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        self.cluster == key.cluster
            && fits(self.member.as_ref(), key.member.as_ref())
            && fits(self.peer.as_ref(), key.peer.as_ref())
            && self
                .metric
                .as_ref()
                .is_none_or(|wanted| *wanted == key.metric)
    }
}

/// A question for points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Of which series.
    pub selector: SeriesSelector,
    /// From when, inclusive.
    pub start: Timestamp,
    /// Until when, exclusive.
    pub end: Timestamp,
    /// The most points of a series; with more in the range, the range is cut into this many buckets. `None` for
    /// everything that the store keeps. Never 0.
    pub max_points: Option<u32>,
}

/// One sample, or one bucket of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When the sample was taken; for a bucket, when it begins.
    pub at: Timestamp,
    /// The smallest sample.
    pub min: f64,
    /// The largest sample.
    pub max: f64,
    /// The mean of the samples.
    pub mean: f64,
    /// How many samples: 1 for a sample as it was taken, never 0.
    pub count: u32,
}

impl Point {
    /// A sample as it was taken.
    pub fn sample(at: Timestamp, value: f64) -> Self {
        Self {
            at,
            min: value,
            max: value,
            mean: value,
            count: 1,
        }
    }
}

/// Points in the order of their time, some at a time. It ends after the first error.
pub type PointStream = Pin<Box<dyn Stream<Item = Result<Vec<Point>, HistoryError>> + Send>>;

/// The points of one series, as they are read.
pub struct SeriesPoints {
    /// The series.
    pub key: SeriesKey,
    /// Its points.
    pub points: PointStream,
}

impl fmt::Debug for SeriesPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesPoints")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a store does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The question makes no sense: ask another. The text says what is wrong with it.
    BadQuery(String),
    /// The store cannot answer now: ask again later. The text says what was tried and what came back.
    Unavailable(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadQuery(reason) => write!(f, "bad history query: {reason}"),
            Self::Unavailable(reason) => write!(f, "the history does not answer: {reason}"),
        }
    }
}

impl std::error::Error for HistoryError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(member: Option<u64>, metric: &'static str) -> SeriesKey {
        SeriesKey {
            cluster: ClusterName::new("a"),
            member: member.map(MemberId),
            metric: metric.into(),
            peer: None,
        }
    }

    #[test]
    fn a_selector_matches_what_fits_everything_that_is_given() {
        let all = SeriesSelector::cluster(ClusterName::new("a"));
        assert!(all.matches(&key(None, "term")) && all.matches(&key(Some(1), "term")));
        let of_one = SeriesSelector {
            member: Some(MemberId(1)),
            ..SeriesSelector::metric(ClusterName::new("a"), "term")
        };
        assert!(of_one.matches(&key(Some(1), "term")));
        assert!(!of_one.matches(&key(Some(2), "term")));
        assert!(!of_one.matches(&key(None, "term")));
        assert!(!of_one.matches(&key(Some(1), "index")));
        assert!(!SeriesSelector::cluster(ClusterName::new("b")).matches(&key(None, "term")));
    }
}
