//! What is told while the store has not been read: what it has may be known, or overtaken, by then.

use std::collections::{BTreeMap, BTreeSet};

use crate::dispatch::waiting::Waiting;
use crate::store::ReceiptKey;

/// What was told since the start; nothing, as a rule.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The first number of this run.
    pub(super) first_number: u64,
    /// The messages by their ids: a commit that said that it failed may have kept them.
    ids: BTreeSet<String>,
    /// By channel and group, whether the newest message said that all of it is over.
    is_over: BTreeMap<ReceiptKey, bool>,
}

impl Unread {
    /// Nothing yet; what comes has numbers from this one on.
    pub(super) fn since(first_number: u64) -> Self {
        Self {
            first_number,
            ..Self::default()
        }
    }

    /// This is told.
    pub(super) fn note(&mut self, waiting: &Waiting) {
        if !waiting.passing {
            self.ids.insert(waiting.id.clone());
        }
        self.is_over.insert(waiting.key.clone(), waiting.resolves);
    }

    /// Whether one that the store has is to be told still.
    pub(super) fn is_news(&self, stored: &Waiting) -> bool {
        if self.ids.contains(&stored.id) {
            return false;
        }
        let overtaken = self.is_overtaken(stored);
        if overtaken {
            let id = &stored.id;
            tracing::info!(id, "a stored notification was overtaken by a newer one");
        }
        !overtaken
    }

    /// Whether what was told of its group since then makes it wrong. A resolve after a resolve is right: it may be of
    /// other alerts.
    fn is_overtaken(&self, stored: &Waiting) -> bool {
        let newest = self.is_over.get(&stored.key);
        newest.is_some_and(|is_over| !(*is_over && stored.resolves))
    }
}
