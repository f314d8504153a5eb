//! Loads of known shape.

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{Preset, PresetKind};

use super::CommonArgs;

/// A load of known shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetArg {
    /// Kubernetes: many objects are made, get a status and are deleted
    JobStorm,
    /// Kubernetes: objects that live for a while
    PodChurn,
    /// Kubernetes: reads beside the cache, pages of lists, updates, leases of nodes
    ApiserverMix,
    /// Kubernetes: large objects that are made, changed and deleted
    CrdChurn,
    /// etcd's robustness tests: all kinds of reads and writes
    Robustness,
    /// etcd's robustness tests: puts and deletions
    RobustnessDelete,
    /// etcd's robustness tests: optimistic updates, pages and stale lists
    RobustnessKubernetes,
}

impl PresetArg {
    /// The preset.
    pub(crate) fn kind(self) -> PresetKind {
        match self {
            Self::JobStorm => PresetKind::JobStorm,
            Self::PodChurn => PresetKind::PodChurn,
            Self::ApiserverMix => PresetKind::ApiserverMix,
            Self::CrdChurn => PresetKind::CrdChurn,
            Self::Robustness => PresetKind::Robustness,
            Self::RobustnessDelete => PresetKind::RobustnessDelete,
            Self::RobustnessKubernetes => PresetKind::RobustnessKubernetes,
        }
    }
}

/// Of presets.
#[derive(Debug, Args)]
#[command(mut_arg("value_size", |value_size| value_size
    .default_value("0")
    .hide_default_value(true)
    .help("Bytes of a value [default: that of the preset: 3072, crd-churn 32768, robustness and robustness-delete 256]")))]
pub(crate) struct PresetArgs {
    /// Which one
    #[arg(value_name = "PRESET")]
    preset: PresetArg,

    /// What all have.
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Watches of all keys, each on a stream of its own [default: that of the preset: 4 of most, 1 of crd-churn and
    /// robustness-kubernetes, none of the others]
    #[arg(long, value_name = "N")]
    watchers: Option<u32>,
}

impl PresetArgs {
    /// The preset, with what the flags say about it.
    pub(crate) fn preset(&self) -> Preset {
        let mut preset = Preset::new(self.preset.kind());
        let own_size = preset.standard.value_size;
        preset.standard = self.common.load.standard(preset.standard.kind);
        if preset.standard.value_size == 0 {
            preset.standard.value_size = own_size;
        }
        preset
    }

    /// Watches of all keys.
    pub(crate) fn watchers(&self) -> u32 {
        self.watchers.unwrap_or(self.preset.kind().watchers())
    }
}
