//! Puts.

use rand::rngs::SmallRng;

use super::{Requests, Workload, rng};
use crate::keys::{KeyPicker, KeyShape, Values};
use crate::request::Request;

/// Puts of one key each.
#[derive(Debug, Clone)]
pub struct Writes {
    /// How keys look.
    pub keys: KeyShape,
    /// Which key is next.
    pub picker: KeyPicker,
    /// The values.
    pub values: Values,
}

impl Workload for Writes {
    fn name(&self) -> &'static str {
        "write"
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        Box::new(Puts {
            plan: self.clone(),
            rng: rng(seed),
        })
    }
}

struct Puts {
    plan: Writes,
    rng: SmallRng,
}

impl Requests for Puts {
    fn next(&mut self, number: u64, request: &mut Request) {
        let picked = self.plan.picker.pick(number, &mut self.rng);
        let (key, value) = request.begin_put();
        self.plan.keys.write(picked, key);
        self.plan.values.write(&mut self.rng, value);
    }
}
