//! Reads of single keys, and of ranges of them.

use rand::rngs::SmallRng;

use super::{Requests, Workload, rng};
use crate::keys::{KeyPicker, KeyShape};
use crate::request::{OperationKind, RangeShape, Request};

/// Reads of one key each, of keys that were written before.
#[derive(Debug, Clone)]
pub struct Reads {
    /// How keys look.
    pub keys: KeyShape,
    /// Which key is next.
    pub picker: KeyPicker,
    /// Keys that are there.
    pub space: u64,
    /// Answered by the member alone, without a quorum.
    pub serializable: bool,
}

impl Workload for Reads {
    fn name(&self) -> &'static str {
        "read"
    }

    fn populated(&self) -> u64 {
        self.space
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        Box::new(Gets {
            plan: self.clone(),
            rng: rng(seed),
        })
    }
}

struct Gets {
    plan: Reads,
    rng: SmallRng,
}

impl Requests for Gets {
    fn next(&mut self, number: u64, request: &mut Request) {
        let picked = self.plan.picker.pick(number, &mut self.rng);
        request.range = RangeShape {
            serializable: self.plan.serializable,
            ..RangeShape::default()
        };
        let (key, _) = request.begin_span(OperationKind::Range);
        self.plan.keys.write(picked, key);
    }
}

/// Reads of `size` neighbouring keys each, of keys that were written before.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// How keys look.
    pub keys: KeyShape,
    /// Which key is the first.
    pub picker: KeyPicker,
    /// Keys that are there.
    pub space: u64,
    /// Keys of a range; near the end of the space it has fewer.
    pub size: u64,
    /// What of them is wanted.
    pub shape: RangeShape,
}

impl Workload for Ranges {
    fn name(&self) -> &'static str {
        "range"
    }

    fn populated(&self) -> u64 {
        self.space
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        Box::new(Spans {
            plan: self.clone(),
            rng: rng(seed),
        })
    }
}

struct Spans {
    plan: Ranges,
    rng: SmallRng,
}

impl Requests for Spans {
    fn next(&mut self, number: u64, request: &mut Request) {
        let first = self.plan.picker.pick(number, &mut self.rng);
        let last = first + self.plan.size.max(1) - 1;
        request.range = self.plan.shape;
        let (key, end) = request.begin_span(OperationKind::Range);
        self.plan.keys.write(first, key);
        self.plan
            .keys
            .write(last.min(self.plan.space.saturating_sub(1)), end);
        // Behind the last key there is none before the same with a zero byte.
        end.push(0);
    }
}
