//! Reads and writes in a ratio.

use rand::RngExt;
use rand::rngs::SmallRng;

use super::{Reads, Requests, Workload, Writes, rng};
use crate::request::{Answer, Request};

/// Reads and writes of the same keys.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// The reads.
    pub reads: Reads,
    /// The writes.
    pub writes: Writes,
    /// The share of the reads, from 0 to 1.
    pub read_share: f64,
}

impl Workload for Mixed {
    fn name(&self) -> &'static str {
        "mixed"
    }

    fn populated(&self) -> u64 {
        self.reads.populated()
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        Box::new(Mix {
            reads: self.reads.requests(seed.wrapping_add(1)),
            writes: self.writes.requests(seed.wrapping_add(2)),
            read_share: self.read_share.clamp(0.0, 1.0),
            rng: rng(seed),
        })
    }
}

struct Mix {
    reads: Box<dyn Requests>,
    writes: Box<dyn Requests>,
    read_share: f64,
    rng: SmallRng,
}

impl Requests for Mix {
    fn next(&mut self, number: u64, request: &mut Request) {
        if self.rng.random_bool(self.read_share) {
            self.reads.next(number, request);
        } else {
            self.writes.next(number, request);
        }
    }

    fn answered(&mut self, request: &Request, answer: &Answer) {
        self.writes.answered(request, answer);
    }
}
