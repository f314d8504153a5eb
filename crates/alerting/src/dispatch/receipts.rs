//! What channels returned for the open incidents.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::notifier::Receipt;
use crate::store::{KeptReceipt, ReceiptKey};

/// Receipts that are kept; the oldest go first. As many as alerts are followed.
const RECEIPTS_MAX: usize = 10_000;

/// The receipts of all channels.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    kept: Mutex<BTreeMap<ReceiptKey, KeptReceipt>>,
}

/// Receipts that changed: what is to be kept, and what is forgotten.
pub(super) type ReceiptChanges = Vec<(ReceiptKey, Option<KeptReceipt>)>;

impl Receipts {
    /// What the store had.
    pub(super) fn restore(&self, receipts: BTreeMap<ReceiptKey, KeptReceipt>) {
        let mut kept = self.kept();
        for (key, receipt) in receipts {
            kept.entry(key).or_insert(receipt);
        }
    }

    /// The latest of an incident.
    pub(super) fn get(&self, key: &ReceiptKey, incident_at: Timestamp) -> Option<Receipt> {
        let kept = self.kept();
        let of_incident = kept.get(key).filter(|kept| kept.incident_at == incident_at);
        of_incident.map(|kept| kept.receipt.clone())
    }

    /// Keeps a receipt in place of the one before, and says what is to be stored.
    pub(super) fn keep(&self, key: &ReceiptKey, receipt: KeptReceipt) -> ReceiptChanges {
        let mut kept = self.kept();
        let mut changes = vec![(key.clone(), Some(receipt.clone()))];
        kept.insert(key.clone(), receipt);
        if kept.len() > RECEIPTS_MAX {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.at);
            let oldest = oldest.map(|(key, _)| key.clone());
            changes.extend(oldest.map(|key| {
                kept.remove(&key);
                (key, None)
            }));
        }
        changes
    }

    /// All of them.
    pub(super) fn all(&self) -> BTreeMap<ReceiptKey, KeptReceipt> {
        self.kept().clone()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<ReceiptKey, KeptReceipt>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
