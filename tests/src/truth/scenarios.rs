//! What is done to etcd, and what must be told of it.

mod benign;
mod coverage;
mod data;
mod identity;
mod load;
mod members;
mod membership;
mod network;
mod space;
mod trust;

use std::time::Duration;

use etcd_monitor_testkit::{Cluster, ClusterBuilder};
use futures_util::future::{LocalBoxFuture, try_join_all};
use serde_json::Value;

use super::profile::Profile;
use super::stage::Stage;

/// For a cluster to start on a machine that does other things.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// Plays a scenario on its stage; an error is what did not come true.
pub(super) type Act = for<'a> fn(&'a mut Stage) -> LocalBoxFuture<'a, anyhow::Result<()>>;

/// One fault, or something harmless that must not look like one.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name, for people and for `--only`.
    pub name: &'static str,
    /// Played on older versions in the fast profile too.
    pub smoke: bool,
    /// About how long it takes in the fast profile, in seconds: for the order of play alone.
    pub(super) about_seconds: u32,
    /// It takes all of the machine, so that nothing is played beside it.
    alone: bool,
    pub(super) setting: Setting,
    /// Rules that may fire beside what is expected: consequences that are no other cause.
    pub tolerated: &'static [&'static str],
    pub(super) act: Act,
}

/// The clusters of a scenario.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    /// Three members, which the scenario leaves as it found them.
    Shared,
    /// A cluster of its own.
    Own(fn(ClusterBuilder) -> ClusterBuilder),
    /// A cluster of its own, of the minor version before.
    Older,
    /// Two clusters: one with this many members, and one with a single one.
    Two(usize),
}

impl Setting {
    pub(super) async fn clusters(&self, profile: &Profile) -> anyhow::Result<Vec<Cluster>> {
        let builder = Cluster::builder()
            .version(&profile.version)
            .ready_within(READY_WITHIN);
        let builders = match self {
            Self::Shared => vec![builder],
            Self::Own(shape) => vec![shape(builder)],
            Self::Older => {
                vec![builder.version(older(&profile.version).unwrap_or(&profile.version))]
            }
            Self::Two(members) => vec![builder.clone().members(*members), builder.members(1)],
        };
        Ok(try_join_all(builders.into_iter().map(ClusterBuilder::start)).await?)
    }
}

impl Scenario {
    fn shared(name: &'static str, act: Act) -> Self {
        Self::new(name, Setting::Shared, act)
    }

    fn own(name: &'static str, shape: fn(ClusterBuilder) -> ClusterBuilder, act: Act) -> Self {
        Self::new(name, Setting::Own(shape), act)
    }

    fn new(name: &'static str, setting: Setting, act: Act) -> Self {
        Self {
            name,
            smoke: false,
            about_seconds: 15,
            alone: false,
            setting,
            tolerated: &[],
            act,
        }
    }

    fn on_all_versions(mut self) -> Self {
        self.smoke = true;
        self
    }

    fn lasting(mut self, seconds: u32) -> Self {
        self.about_seconds = seconds;
        self
    }

    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Whether nothing may be played beside it: it has two clusters, or loads the machine.
    pub(super) fn has_the_machine(&self) -> bool {
        self.alone || matches!(self.setting, Setting::Two(_))
    }

    fn tolerating(mut self, rules: &'static [&'static str]) -> Self {
        self.tolerated = rules;
        self
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    let groups = [
        members::scenarios(),
        network::scenarios(),
        space::scenarios(),
        membership::scenarios(),
        trust::scenarios(),
        identity::scenarios(),
        data::scenarios(),
        load::scenarios(),
        coverage::scenarios(),
        benign::scenarios(),
    ];
    groups.into_iter().flatten().collect()
}

/// The latest version of the minor line before, from which etcd can be upgraded to this one; `None` where it is not tested.
fn older(version: &str) -> Option<&'static str> {
    match version {
        version if version.starts_with("3.7.") => Some("3.6.16"),
        version if version.starts_with("3.6.") => Some("3.5.35"),
        _ => None,
    }
}

/// No parameters beside those of the profile.
fn defaults() -> Value {
    serde_json::json!({})
}

/// The name of the member with this index, as the test clusters give it.
fn member(index: usize) -> String {
    format!("m{index}")
}
