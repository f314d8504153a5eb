//! A store that forgets when the process ends.

use std::sync::{Mutex, PoisonError};

use super::{AlertStore, Changes, MAX_DEAD_LETTERS, StoreError, Stored};

/// Keeps the state of alerts and the notifications that wait in memory: for an embedder whose restart may forget, and
/// for tests.
#[derive(Debug, Default)]
pub struct MemoryAlertStore {
    stored: Mutex<Stored>,
}

impl AlertStore for MemoryAlertStore {
    fn load(&self) -> Result<Stored, StoreError> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stored.clone())
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.apply(changes);
        Ok(())
    }

    /// Nobody could look at it: it is gone.
    fn set_aside(&self, _reason: &str) -> Result<(), StoreError> {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        *stored = Stored::default();
        Ok(())
    }
}

impl Stored {
    fn apply(&mut self, changes: &Changes) {
        if changes.anew {
            *self = Self::default();
        }
        for row in &changes.rows {
            match &row.value {
                Some(value) => drop(self.rows.insert(row.key.clone(), value.clone())),
                None => drop(self.rows.remove(&row.key)),
            }
        }
        for (number, json) in &changes.waiting {
            match json {
                Some(json) => drop(self.waiting.insert(*number, json.clone())),
                None => drop(self.waiting.remove(number)),
            }
        }
        for (key, receipt) in &changes.receipts {
            match receipt {
                Some(receipt) => drop(self.receipts.insert(key.clone(), receipt.clone())),
                None => drop(self.receipts.remove(key)),
            }
        }
        let dead = changes.dead.iter();
        self.dead
            .extend(dead.map(|(number, letter)| (*number, letter.clone())));
        while self.dead.len() > MAX_DEAD_LETTERS {
            self.dead.pop_first();
        }
    }
}
