//! Deletions.

use super::{Requests, Workload};
use crate::keys::KeyShape;
use crate::request::{OperationKind, Request};

/// Deletions of one key each, of keys that were written before: each key once, then from the beginning again, where none is
/// there any more.
#[derive(Debug, Clone)]
pub struct Deletes {
    /// How keys look.
    pub keys: KeyShape,
    /// Keys that are there.
    pub space: u64,
}

impl Workload for Deletes {
    fn name(&self) -> &'static str {
        "delete"
    }

    fn populated(&self) -> u64 {
        self.space
    }

    fn requests(&self, _seed: u64) -> Box<dyn Requests> {
        Box::new(OneByOne(self.clone()))
    }
}

struct OneByOne(Deletes);

impl Requests for OneByOne {
    fn next(&mut self, number: u64, request: &mut Request) {
        let (key, _) = request.begin_span(OperationKind::Delete);
        self.0.keys.write(number % self.0.space.max(1), key);
    }
}
