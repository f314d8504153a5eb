//! What is asked of etcd: the requests of a load, one after the other.

mod delete;
mod mixed;
mod mixture;
mod read;
mod txn;
mod write;

use std::fmt::Debug;

use rand::SeedableRng;
use rand::rngs::SmallRng;

pub use delete::Deletes;
pub use mixed::Mixed;
pub use mixture::Mixture;
pub use read::{Ranges, Reads};
pub use txn::{Transactions, TxnStyle};
pub use write::Writes;

use crate::request::{Answer, Request};

/// A kind of load. Implement it to measure what your own programs do.
pub trait Workload: Debug + Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Keys that have to be there before it begins: those of the numbers from 0 to before this one.
    fn populated(&self) -> u64 {
        0
    }

    /// The requests of one worker. Workers have different seeds, and the same ones in each run of the same seed.
    fn requests(&self, seed: u64) -> Box<dyn Requests>;
}

/// The requests of one worker.
pub trait Requests: Send {
    /// Fills in the next request. `number` counts the requests of the whole load from 0, so that no two workers get the same.
    fn next(&mut self, number: u64, request: &mut Request);

    /// Hears what came of a request, where that matters for later ones.
    fn answered(&mut self, request: &Request, answer: &Answer) {
        let _ = (request, answer);
    }
}

/// A generator that is fast and repeatable, but no secret.
fn rng(seed: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed)
}
