//! Loads of known shape by name: what Kubernetes does to etcd, and the traffic of etcd's own robustness tests.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::benchmark::Options;
use crate::error::BenchError;
use crate::keys::{KeyOrder, KeyPicker};
use crate::request::RangeShape;
use crate::standard::{Standard, StandardKind};
use crate::workload::{Deletes, Mixture, Ranges, Reads, Transactions, TxnStyle, Workload, Writes};

/// Pairs of one page of a list: what the API server asks for at once.
const PAGE: i64 = 500;

/// One of so many keys is the lease object of a node.
const KEYS_PER_NODE: u64 = 100;

/// A load of known shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PresetKind {
    /// Objects are made, get a status and are deleted, under four watches: many jobs at once.
    JobStorm,
    /// The same in the proportions of pods that live for a while.
    PodChurn,
    /// What an API server asks with watches on: reads beside its cache, pages of lists, writes, and leases of nodes.
    ApiserverMix,
    /// Large custom resources that are made, changed and deleted.
    CrdChurn,
    /// The traffic of etcd's robustness tests, without leases and streams: all kinds of reads and writes.
    Robustness,
    /// The same tests' traffic of puts and deletions.
    RobustnessDelete,
    /// The same tests' Kubernetes traffic: optimistic updates, pages and stale lists.
    RobustnessKubernetes,
}

/// A load of known shape, with what can be said about it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Preset {
    /// Which one.
    pub kind: PresetKind,
    /// Prefix, sizes, key space and seed; its kind is passed over.
    pub standard: Standard,
}

/// A step of a preset.
#[derive(Debug, Clone, Copy)]
enum Step {
    Get,
    StaleGet,
    /// All, from a key on, one page.
    Page,
    StalePage,
    PageOfKeys,
    Put,
    Create,
    Update,
    /// An optimistic update of the lease object of a node.
    RenewNode,
    Delete,
    Puts(usize),
}

impl PresetKind {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::JobStorm,
        Self::PodChurn,
        Self::ApiserverMix,
        Self::CrdChurn,
        Self::Robustness,
        Self::RobustnessDelete,
        Self::RobustnessKubernetes,
    ];

    /// Its name, as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JobStorm => "job-storm",
            Self::PodChurn => "pod-churn",
            Self::ApiserverMix => "apiserver-mix",
            Self::CrdChurn => "crd-churn",
            Self::Robustness => "robustness",
            Self::RobustnessDelete => "robustness-delete",
            Self::RobustnessKubernetes => "robustness-kubernetes",
        }
    }

    /// Watches of all its keys that belong to it.
    pub fn watchers(self) -> u32 {
        match self {
            Self::JobStorm | Self::PodChurn | Self::ApiserverMix => 4,
            Self::CrdChurn | Self::RobustnessKubernetes => 1,
            Self::Robustness | Self::RobustnessDelete => 0,
        }
    }

    /// Bytes of its values.
    pub fn value_size(self) -> usize {
        match self {
            Self::JobStorm | Self::PodChurn | Self::ApiserverMix | Self::RobustnessKubernetes => {
                3_072
            }
            Self::CrdChurn => 32 << 10,
            Self::Robustness | Self::RobustnessDelete => 256,
        }
    }

    /// True where all keys are there before it begins.
    fn is_populated(self) -> bool {
        !matches!(self, Self::JobStorm | Self::PodChurn | Self::CrdChurn)
    }

    /// Weights, from the sources of etcd's `tests/robustness` and the stress scenarios of its infrastructure.
    fn steps(self) -> &'static [(u32, Step)] {
        match self {
            Self::JobStorm => &[(40, Step::Create), (40, Step::Update), (20, Step::Delete)],
            Self::PodChurn => &[
                (20, Step::Create),
                (50, Step::Update),
                (15, Step::Delete),
                (15, Step::Get),
            ],
            Self::ApiserverMix => &[
                (35, Step::Get),
                (5, Step::Page),
                (20, Step::Update),
                (40, Step::RenewNode),
            ],
            Self::CrdChurn => &[
                (20, Step::Create),
                (60, Step::Update),
                (10, Step::Delete),
                (10, Step::Get),
            ],
            Self::Robustness => &[
                (15, Step::Get),
                (8, Step::Page),
                (7, Step::PageOfKeys),
                (10, Step::StaleGet),
                (10, Step::StalePage),
                (5, Step::Delete),
                (10, Step::Puts(4)),
                (5, Step::Update),
                (20, Step::Put),
            ],
            Self::RobustnessDelete => &[(50, Step::Put), (50, Step::Delete)],
            Self::RobustnessKubernetes => &[
                (13, Step::Get),
                (2, Step::StaleGet),
                (5, Step::StalePage),
                (10, Step::Page),
                (90, Step::Update),
                (5, Step::Delete),
                (5, Step::Create),
            ],
        }
    }
}

impl Preset {
    /// A preset with its own sizes, and 10,000 keys.
    pub fn new(kind: PresetKind) -> Self {
        let mut standard = Standard::new(StandardKind::Write);
        standard.value_size = kind.value_size();
        Self { kind, standard }
    }

    /// What it asks.
    pub fn workload(&self) -> Result<Arc<dyn Workload>, BenchError> {
        self.standard.check()?;
        let mut parts = Vec::new();
        for (weight, step) in self.kind.steps() {
            parts.push((*weight, self.part(*step)?));
        }
        let space = self.standard.key_space;
        Ok(Arc::new(Mixture {
            name: self.kind.as_str().to_owned(),
            populated: if self.kind.is_populated() { space } else { 0 },
            parts,
        }))
    }

    /// What a benchmark of it does beside.
    pub fn options(&self) -> Result<Options, BenchError> {
        self.standard.options()
    }

    fn part(&self, step: Step) -> Result<Arc<dyn Workload>, BenchError> {
        Ok(match step {
            Step::Get => Arc::new(self.reads(false)?),
            Step::StaleGet => Arc::new(self.reads(true)?),
            Step::Page => Arc::new(self.page(RangeShape::default())?),
            Step::StalePage => Arc::new(self.page(RangeShape {
                serializable: true,
                ..RangeShape::default()
            })?),
            Step::PageOfKeys => Arc::new(self.page(RangeShape {
                keys_only: true,
                ..RangeShape::default()
            })?),
            Step::Put => {
                let writes: Writes = self.standard.writes()?;
                Arc::new(writes)
            }
            Step::Create => {
                let all = self.standard.key_space;
                let picker = KeyPicker::new(KeyOrder::Sequential, all)?;
                Arc::new(self.txn(TxnStyle::Create, picker, all)?)
            }
            Step::Update => {
                let picker = self.standard.picker()?;
                let all = self.standard.key_space;
                Arc::new(self.txn(TxnStyle::CompareAndSwap, picker, all)?)
            }
            Step::RenewNode => {
                let nodes = (self.standard.key_space / KEYS_PER_NODE).max(1);
                let picker = KeyPicker::new(KeyOrder::Random, nodes)?;
                Arc::new(self.txn(TxnStyle::CompareAndSwap, picker, nodes)?)
            }
            Step::Delete => Arc::new(Deletes {
                keys: self.standard.keys()?,
                space: self.standard.key_space,
            }),
            Step::Puts(count) => {
                let space = self.standard.key_space;
                // A transaction may not write a key twice.
                let count = count.min(usize::try_from(space).unwrap_or(count));
                let picker = self.standard.picker()?;
                Arc::new(self.txn(TxnStyle::MultiplePuts(count), picker, space)?)
            }
        })
    }

    fn reads(&self, serializable: bool) -> Result<Reads, BenchError> {
        Ok(Reads {
            serializable,
            ..self.standard.reads()?
        })
    }

    fn page(&self, shape: RangeShape) -> Result<Ranges, BenchError> {
        Ok(Ranges {
            keys: self.standard.keys()?,
            picker: self.standard.picker()?,
            space: self.standard.key_space,
            size: self.standard.key_space,
            shape: RangeShape {
                limit: PAGE,
                ..shape
            },
        })
    }

    fn txn(
        &self,
        style: TxnStyle,
        picker: KeyPicker,
        space: u64,
    ) -> Result<Transactions, BenchError> {
        Ok(Transactions {
            keys: self.standard.keys()?,
            picker,
            space,
            values: self.standard.values(),
            style,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_a_workload_of_its_name() {
        for name in [
            "job-storm",
            "pod-churn",
            "apiserver-mix",
            "crd-churn",
            "robustness",
            "robustness-delete",
            "robustness-kubernetes",
        ] {
            let kind: PresetKind = serde_json::from_value(name.into()).unwrap();
            assert_eq!(kind.as_str(), name);
            let mut preset = Preset::new(kind);
            assert_eq!(preset.workload().unwrap().name(), name);
            preset.standard.key_space = 1;
            assert!(preset.workload().is_ok(), "{name}");
        }
    }
}
