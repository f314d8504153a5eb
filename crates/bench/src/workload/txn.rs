//! Transactions.

use std::collections::HashMap;

use rand::rngs::SmallRng;

use super::{Requests, Workload, rng};
use crate::keys::{KeyPicker, KeyShape, Values};
use crate::request::{Answer, Request};

/// Keys whose latest revision a worker remembers; of others it learns from an answer.
const REMEMBERED_MAX: usize = 100_000;

/// What transactions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxnStyle {
    /// Writes one key if nobody changed it since this worker last saw it; the answer of one that fails says when it was changed.
    CompareAndSwap,
    /// Writes one key if it is not there.
    Create,
    /// Writes so many keys at once, in any case.
    MultiplePuts(usize),
}

/// Transactions.
#[derive(Debug, Clone)]
pub struct Transactions {
    /// How keys look.
    pub keys: KeyShape,
    /// Which key is next.
    pub picker: KeyPicker,
    /// Keys of the space.
    pub space: u64,
    /// The values.
    pub values: Values,
    /// What they do.
    pub style: TxnStyle,
}

impl Workload for Transactions {
    fn name(&self) -> &'static str {
        "txn"
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        Box::new(Txns {
            plan: self.clone(),
            rng: rng(seed),
            modified_at: HashMap::new(),
        })
    }
}

struct Txns {
    plan: Transactions,
    rng: SmallRng,
    modified_at: HashMap<Vec<u8>, i64>,
}

impl Requests for Txns {
    fn next(&mut self, number: u64, request: &mut Request) {
        let count = match self.plan.style {
            TxnStyle::CompareAndSwap | TxnStyle::Create => 1,
            TxnStyle::MultiplePuts(count) => count.max(1),
        };
        let first = self.plan.picker.pick(number, &mut self.rng);
        // Neighbours of the first: a transaction may not write a key twice.
        for (place, (key, value)) in (0..).zip(request.begin_txn(count)) {
            self.plan
                .keys
                .write((first + place) % self.plan.space.max(1), key);
            self.plan.values.write(&mut self.rng, value);
        }
        request.if_first_modified_at = match self.plan.style {
            TxnStyle::CompareAndSwap => {
                let key = request.txn_puts().first().map(|(key, _)| key);
                let known = key.and_then(|key| self.modified_at.get(key)).copied();
                Some(known.unwrap_or(0))
            }
            TxnStyle::Create => Some(0),
            TxnStyle::MultiplePuts(_) => None,
        };
    }

    fn answered(&mut self, request: &Request, answer: &Answer) {
        let Some((key, _)) = request.txn_puts().first() else {
            return;
        };
        if self.plan.style != TxnStyle::CompareAndSwap || request.if_first_modified_at.is_none() {
            return;
        }
        if self.modified_at.len() >= REMEMBERED_MAX && !self.modified_at.contains_key(key) {
            self.modified_at.clear();
        }
        let revision = answer.first_modified_at.unwrap_or(answer.revision);
        self.modified_at.insert(key.clone(), revision);
    }
}
