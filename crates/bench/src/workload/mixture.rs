//! Several loads at once, by weight.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::SmallRng;

use super::{Requests, Workload, rng};
use crate::request::{Answer, OperationKind, Request};

/// Several loads at once: each request is one of a part, as likely as its weight is of all.
#[derive(Debug, Clone)]
pub struct Mixture {
    /// Its name in reports.
    pub name: String,
    /// Keys that have to be there before it begins.
    pub populated: u64,
    /// Weights and parts; those of weight 0 are left out.
    pub parts: Vec<(u32, Arc<dyn Workload>)>,
}

impl Workload for Mixture {
    fn name(&self) -> &str {
        &self.name
    }

    fn populated(&self) -> u64 {
        self.populated
    }

    fn requests(&self, seed: u64) -> Box<dyn Requests> {
        let mut below = 0;
        let parts = (1..).zip(&self.parts).map(|(place, (weight, part))| {
            below += weight;
            (below, part.requests(seed.wrapping_add(place)))
        });
        Box::new(Mix {
            parts: parts.collect(),
            sum: below,
            rng: rng(seed),
        })
    }
}

struct Mix {
    /// Each with the sum of the weights up to its own.
    parts: Vec<(u32, Box<dyn Requests>)>,
    sum: u32,
    rng: SmallRng,
}

impl Requests for Mix {
    fn next(&mut self, number: u64, request: &mut Request) {
        let drawn = self.rng.random_range(0..self.sum.max(1));
        let part = self.parts.iter_mut().find(|(below, _)| drawn < *below);
        if let Some((_, part)) = part {
            part.next(number, request);
        }
    }

    fn answered(&mut self, request: &Request, answer: &Answer) {
        // Transactions alone learn from answers; buffers of other requests hold what was asked before.
        if request.kind == OperationKind::Txn {
            for (_, part) in &mut self.parts {
                part.answered(request, answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Standard, StandardKind};

    #[test]
    fn parts_come_by_their_weight() {
        let part = |kind| Standard::new(kind).workload().unwrap();
        let mixture = Mixture {
            name: "both".to_owned(),
            populated: 0,
            parts: vec![
                (3, part(StandardKind::Write)),
                (0, part(StandardKind::Txn)),
                (1, part(StandardKind::Read)),
            ],
        };
        let mut requests = mixture.requests(1);
        let mut request = Request::default();
        let mut puts = 0;
        for number in 0..4_000 {
            requests.next(number, &mut request);
            assert_ne!(request.kind, OperationKind::Txn);
            puts += u32::from(request.kind == OperationKind::Put);
        }
        assert!((2_850..=3_150).contains(&puts), "{puts}");
    }
}
