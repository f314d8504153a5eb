//! Both halves of a remote store as one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use etcd_monitor_model::{
    HistoryError, HistoryQuery, HistoryStore, SampleBatch, SeriesKey, SeriesPoints, SeriesSelector,
};

use super::PrometheusQuery;
use crate::remote::RemoteWrite;

/// A [`HistoryStore`] whose samples are elsewhere: taken by remote write, answered by the query API.
///
/// What was appended can be read when it has been sent, and when the store shows it: seconds later, or after the end of an outage.
/// Without a query API every question is [`HistoryError::Unavailable`].
pub struct RemoteHistory {
    write: Arc<RemoteWrite>,
    read: Option<PrometheusQuery>,
}

impl RemoteHistory {
    /// Both halves; whoever has `write` runs it.
    pub fn new(write: Arc<RemoteWrite>, read: Option<PrometheusQuery>) -> Self {
        Self { write, read }
    }

    fn read(&self) -> Result<&PrometheusQuery, HistoryError> {
        self.read.as_ref().ok_or_else(|| {
            let reason = "samples are only written to the remote store; configure its query URL";
            HistoryError::Unavailable(reason.to_owned())
        })
    }
}

impl fmt::Debug for RemoteHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteHistory").finish_non_exhaustive()
    }
}

#[async_trait]
impl HistoryStore for RemoteHistory {
    fn append(&self, batch: &SampleBatch) {
        self.write.append(batch);
    }

    async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        self.read()?.series(selector).await
    }

    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        self.read()?.query(query).await
    }
}
