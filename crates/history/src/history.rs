//! The history as a whole: memory, file, and another store beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use etcd_monitor_model::{
    HistoryError, HistoryQuery, HistoryStore, SampleBatch, SeriesKey, SeriesPoints, SeriesSelector,
    Stat, StatSource,
};
use jiff::Timestamp;

use crate::answer::{self, Reading, Source};
use crate::file::{FileStore, StoredSeries};
use crate::ring::MemoryRing;

/// One store over several: the memory ring, and where they are configured the file and a remote store.
///
/// Every batch goes to all of them. What the ring reaches back to, the ring answers. Older points come from the file, or
/// without one from the remote store, followed by what the ring has and they do not have yet: no point comes twice. Where
/// they cannot answer, the ring answers alone, so that what is missing is a gap.
#[derive(Clone)]
pub struct History {
    ring: Arc<MemoryRing>,
    file: Option<FileStore>,
    remote: Option<Arc<dyn HistoryStore>>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History")
            .field("file", &self.file)
            .field("remote", &self.remote.is_some())
            .finish_non_exhaustive()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl History {
    /// The ring alone.
    pub fn in_memory() -> Self {
        Self {
            ring: Arc::new(MemoryRing::new()),
            file: None,
            remote: None,
        }
    }

    /// The same with a file, whose writer is run by the caller.
    #[must_use]
    pub fn with_file(self, file: FileStore) -> Self {
        Self {
            file: Some(file),
            ..self
        }
    }

    /// The same with a remote store. It is asked only where there is no file.
    #[must_use]
    pub fn with_remote(self, remote: Arc<dyn HistoryStore>) -> Self {
        Self {
            remote: Some(remote),
            ..self
        }
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&FileStore> {
        self.file.as_ref()
    }

    /// What is read before the ring, by series.
    async fn older(&self, query: &HistoryQuery) -> BTreeMap<SeriesKey, Older> {
        let older = match (&self.file, &self.remote) {
            (Some(file), _) => older_in_file(file, query),
            (None, Some(remote)) => self.older_in_remote(remote.as_ref(), query).await,
            (None, None) => return BTreeMap::new(),
        };
        older.unwrap_or_else(|error| {
            tracing::debug!(%error, "the memory ring answers alone");
            BTreeMap::new()
        })
    }

    async fn older_in_remote(
        &self,
        remote: &dyn HistoryStore,
        query: &HistoryQuery,
    ) -> Result<BTreeMap<SeriesKey, Older>, HistoryError> {
        let complete_since = self.ring.complete_since(&query.selector);
        let complete_since = complete_since.and_then(|it| Timestamp::from_millisecond(it).ok());
        let end = complete_since.map_or(query.end, |it| it.min(query.end));
        if end <= query.start {
            return Ok(BTreeMap::new());
        }
        let before = HistoryQuery {
            end,
            ..query.clone()
        };
        let after = end.as_millisecond().saturating_sub(1);
        let series = remote.query(&before).await?.into_iter();
        let older = |it: SeriesPoints| {
            let source = Source::Stream(it.points);
            (it.key, Older { source, after })
        };
        Ok(series.map(older).collect())
    }
}

/// Points older than those of the ring.
struct Older {
    source: Source,
    /// Until when it has everything, in Unix milliseconds.
    after: i64,
}

fn older_in_file(
    file: &FileStore,
    query: &HistoryQuery,
) -> Result<BTreeMap<SeriesKey, Older>, HistoryError> {
    let series = file.file().series(&query.selector)?;
    let older = |it: StoredSeries| {
        let mut cursor = it.cursor(query);
        cursor.end = cursor.end.min(it.newest.saturating_add(1));
        let source = Source::File(Arc::clone(file.file()), cursor);
        let after = it.newest;
        (it.key, Older { source, after })
    };
    Ok(series.into_iter().map(older).collect())
}

#[async_trait]
impl HistoryStore for History {
    fn append(&self, batch: &SampleBatch) {
        self.ring.append(batch);
        if let Some(file) = &self.file {
            file.append(batch);
        }
        if let Some(remote) = &self.remote {
            remote.append(batch);
        }
    }

    async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        let mut keys = self.ring.keys(selector);
        let more = match (&self.file, &self.remote) {
            (Some(file), _) => file.series(selector).await,
            (None, Some(remote)) => remote.series(selector).await,
            (None, None) => return Ok(keys),
        };
        match more {
            Ok(more) => keys.extend(more),
            Err(error) => tracing::debug!(%error, "the memory ring answers alone"),
        }
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        let (start, _) = answer::range(query)?;
        let mut older = self.older(query).await;
        let in_ring = self.ring.keys(&query.selector).into_iter();
        let mut series: BTreeMap<SeriesKey, Option<Older>> = in_ring
            .map(|key| (key.clone(), older.remove(&key)))
            .collect();
        series.extend(older.into_iter().map(|(key, it)| (key, Some(it))));
        let answer = |(key, older): (SeriesKey, Option<Older>)| {
            let covered = self.ring.reaches(&key, start);
            let older = older.filter(|_| !covered).unwrap_or(Older {
                source: Source::Nothing,
                after: i64::MIN,
            });
            Reading::new(query, older.source)
                .then(&self.ring, &key, older.after)
                .of(key)
        };
        Ok(series.into_iter().map(answer).collect())
    }
}

impl StatSource for History {
    fn stats(&self) -> Vec<Stat> {
        let mut stats = self.ring.stats();
        if let Some(file) = &self.file {
            stats.extend(file.stats());
        }
        stats
    }
}

#[cfg(test)]
mod tests;
