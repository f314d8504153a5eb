//! The six usual loads by name, as the command line, the daemon and its API offer them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::benchmark::Options;
use crate::error::BenchError;
use crate::keys::{KeyOrder, KeyPicker, KeyShape, Values};
use crate::request::RangeShape;
use crate::workload::{Deletes, Mixed, Ranges, Reads, Transactions, TxnStyle, Workload, Writes};

/// Where keys go when nobody says otherwise.
pub const PREFIX_DEFAULT: &str = "/etcd-bench/";

/// Puts of one transaction at most: etcd's own default limit of operations is 128.
const TXN_PUTS_MAX: usize = 128;

/// Values may be so large at most: etcd's default limit of a request is 1.5 MiB, and other limits are rare.
const VALUE_SIZE_MAX: usize = 64 << 20;

/// A usual kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkType))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StandardKind {
    /// Writes of single keys.
    Write,
    /// Reads of single keys, which are written first.
    Read,
    /// Reads and writes of the same keys.
    Mixed,
    /// Reads of ranges of keys, which are written first.
    Range,
    /// Deletions of single keys, which are written first.
    Delete,
    /// Transactions.
    Txn,
}

/// A usual load, with what can be said about it. Fields that do not matter to its kind are passed over.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Standard {
    /// Which one.
    pub kind: StandardKind,
    /// What all keys begin with.
    pub prefix: String,
    /// Bytes of a key, the prefix included.
    pub key_size: usize,
    /// Bytes of a value.
    pub value_size: usize,
    /// Different keys.
    pub key_space: u64,
    /// In which order keys are taken.
    pub key_order: KeyOrder,
    /// What random choices follow from.
    pub seed: u64,
    /// Of reads: how they are asked; of single keys only whether a quorum is needed counts.
    pub range: RangeShape,
    /// Of ranges: keys of one.
    pub range_size: u64,
    /// Of the mixed load: the share of the reads, from 0 to 1.
    pub read_share: f64,
    /// Of transactions: what they do.
    pub txn: TxnStyle,
}

impl Standard {
    /// A usual load with the usual sizes: keys of 32 and values of 256 bytes, 10,000 keys in random order, half of the mixed
    /// ones reads, ranges of 100 keys, transactions that compare and swap.
    pub fn new(kind: StandardKind) -> Self {
        Self {
            kind,
            prefix: PREFIX_DEFAULT.to_owned(),
            key_size: 32,
            value_size: 256,
            key_space: 10_000,
            key_order: KeyOrder::Random,
            seed: 1,
            range: RangeShape::default(),
            range_size: 100,
            read_share: 0.5,
            txn: TxnStyle::CompareAndSwap,
        }
    }

    /// What it asks.
    pub fn workload(&self) -> Result<Arc<dyn Workload>, BenchError> {
        self.check()?;
        Ok(match self.kind {
            StandardKind::Write => Arc::new(self.writes()?),
            StandardKind::Read => Arc::new(self.reads()?),
            StandardKind::Mixed => Arc::new(Mixed {
                reads: self.reads()?,
                writes: self.writes()?,
                read_share: self.read_share,
            }),
            StandardKind::Range => Arc::new(Ranges {
                keys: self.keys()?,
                picker: self.picker()?,
                space: self.key_space,
                size: self.range_size,
                shape: self.range,
            }),
            StandardKind::Delete => Arc::new(Deletes {
                keys: self.keys()?,
                space: self.key_space,
            }),
            StandardKind::Txn => Arc::new(Transactions {
                keys: self.keys()?,
                picker: self.picker()?,
                space: self.key_space,
                values: self.values(),
                style: self.txn,
            }),
        })
    }

    /// What a benchmark of it does beside.
    pub fn options(&self) -> Result<Options, BenchError> {
        self.check()?;
        let mut options = Options::new(&*self.prefix, self.keys()?, self.value_size);
        options.parameters = self.parameters();
        Ok(options)
    }

    /// What makes it what it is, as far as it matters to its kind.
    fn parameters(&self) -> BTreeMap<String, String> {
        let reads = matches!(self.kind, StandardKind::Read | StandardKind::Mixed);
        let ranges = self.kind == StandardKind::Range;
        let is_txn = self.kind == StandardKind::Txn;
        let order = match self.key_order {
            KeyOrder::Sequential => "sequential".to_owned(),
            KeyOrder::Random => "random".to_owned(),
            KeyOrder::Zipf { exponent } => format!("zipf {exponent}"),
        };
        let txn = match self.txn {
            TxnStyle::CompareAndSwap => "compare and swap".to_owned(),
            TxnStyle::Create => "create".to_owned(),
            TxnStyle::MultiplePuts(puts) => format!("{puts} puts"),
        };
        let range = &self.range;
        let all = [
            (true, "key_size_bytes", self.key_size.to_string()),
            (true, "value_size_bytes", self.value_size.to_string()),
            (true, "key_space", self.key_space.to_string()),
            (self.kind != StandardKind::Delete, "key_order", order),
            (
                reads || ranges,
                "serializable",
                range.serializable.to_string(),
            ),
            (
                self.kind == StandardKind::Mixed,
                "read_share",
                self.read_share.to_string(),
            ),
            (ranges, "range_size", self.range_size.to_string()),
            (ranges, "limit", range.limit.to_string()),
            (ranges, "keys_only", range.keys_only.to_string()),
            (ranges, "count_only", range.count_only.to_string()),
            (is_txn, "txn", txn),
        ];
        let matter = all.into_iter().filter(|(matters, _, _)| *matters);
        matter
            .map(|(_, name, value)| (name.to_owned(), value))
            .collect()
    }

    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let bad = |name, reason: String| Err(BenchError::BadPlan { name, reason });
        if self.key_space == 0 {
            return bad("key space", "there must be at least one key".to_owned());
        }
        if self.value_size > VALUE_SIZE_MAX {
            return bad(
                "value size",
                format!("{} bytes are more than {VALUE_SIZE_MAX}", self.value_size),
            );
        }
        if !(0.0..=1.0).contains(&self.read_share) {
            return bad(
                "read share",
                format!("{} is not between 0 and 1", self.read_share),
            );
        }
        if self.range.limit < 0 {
            return bad("limit", format!("{} is below 0", self.range.limit));
        }
        match self.txn {
            TxnStyle::MultiplePuts(puts) if !(1..=TXN_PUTS_MAX).contains(&puts) => bad(
                "puts",
                format!("{puts} is not between 1 and {TXN_PUTS_MAX}"),
            ),
            // A transaction may not write a key twice.
            TxnStyle::MultiplePuts(puts) if puts as u64 > self.key_space => bad(
                "puts",
                format!(
                    "{puts} different keys are needed, and the key space has {}",
                    self.key_space
                ),
            ),
            _ => Ok(()),
        }
    }

    pub(crate) fn keys(&self) -> Result<KeyShape, BenchError> {
        KeyShape::new(&self.prefix, self.key_size, self.key_space)
    }

    pub(crate) fn picker(&self) -> Result<KeyPicker, BenchError> {
        KeyPicker::new(self.key_order, self.key_space)
    }

    pub(crate) fn values(&self) -> Values {
        Values::new(self.value_size, self.seed)
    }

    pub(crate) fn writes(&self) -> Result<Writes, BenchError> {
        Ok(Writes {
            keys: self.keys()?,
            picker: self.picker()?,
            values: self.values(),
        })
    }

    pub(crate) fn reads(&self) -> Result<Reads, BenchError> {
        Ok(Reads {
            keys: self.keys()?,
            picker: self.picker()?,
            space: self.key_space,
            serializable: self.range.serializable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_workload_of_its_name() {
        for kind in ["write", "read", "mixed", "range", "delete", "txn"] {
            let named: StandardKind = serde_json::from_value(kind.into()).unwrap();
            let workload = Standard::new(named).workload().unwrap();
            assert_eq!(workload.name(), kind);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let wrong: [&dyn Fn(&mut Standard); 7] = [
            &|standard| standard.key_space = 0,
            &|standard| standard.key_size = 12,
            &|standard| standard.value_size = usize::MAX,
            &|standard| standard.read_share = 1.5,
            &|standard| standard.range.limit = -1,
            &|standard| standard.txn = TxnStyle::MultiplePuts(129),
            &|standard| {
                standard.key_space = 2;
                standard.txn = TxnStyle::MultiplePuts(3);
            },
        ];
        for change in wrong {
            let mut standard = Standard::new(StandardKind::Mixed);
            change(&mut standard);
            assert!(standard.workload().is_err(), "{standard:?}");
        }
    }
}
