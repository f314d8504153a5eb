//! Plays scenarios: two clusters at a time at most.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;

use etcd_monitor_testkit::Cluster;
use futures_util::FutureExt;

use super::outcome::Outcome;
use super::profile::Profile;
use super::scenarios::{Scenario, Setting};
use super::stage::Stage;
use crate::harness::daemon_binary;

/// One scenario on one version of etcd.
#[derive(Debug, Clone)]
pub struct Play {
    /// What is done.
    pub scenario: Scenario,
    /// Where, and how fast.
    pub profile: Profile,
}

/// What needs one cluster at a time: a scenario, or several that leave the cluster as they found it.
type Turn = Vec<Play>;

/// Plays everything: in two lanes what needs one cluster, then one by one what needs two, or the machine for itself.
/// `report` hears of each outcome at once; the outcomes come back in the order of the plays.
pub async fn run(plays: Vec<Play>, report: impl Fn(&Outcome)) -> Vec<Outcome> {
    // Built here, not while a cluster waits for it.
    daemon_binary();
    let order: Vec<(&str, String)> = plays.iter().map(identity).collect();
    let (alone, beside): (Vec<Play>, Vec<Play>) = plays
        .into_iter()
        .partition(|play| play.scenario.has_the_machine());
    let turns = RefCell::new(turns(beside));
    let (one, other) = tokio::join!(lane(&turns, &report), lane(&turns, &report));
    let mut outcomes = [one, other].concat();
    for play in alone {
        outcomes.extend(take_turn(vec![play], &report).await);
    }
    outcomes.sort_by_key(|outcome| {
        let played = (outcome.name, outcome.version.clone());
        order.iter().position(|identity| *identity == played)
    });
    outcomes
}

fn identity(play: &Play) -> (&'static str, String) {
    (play.scenario.name, play.profile.version.clone())
}

/// The longest first, so that the two lanes end at about the same time.
fn turns(plays: Vec<Play>) -> VecDeque<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for play in plays {
        let shares = |turn: &&mut Turn| {
            matches!(play.scenario.setting, Setting::Shared)
                && matches!(turn[0].scenario.setting, Setting::Shared)
                && turn[0].profile == play.profile
        };
        match turns.iter_mut().find(shares) {
            Some(turn) => turn.push(play),
            None => turns.push(vec![play]),
        }
    }
    turns.sort_by_key(|turn| {
        let seconds = turn.iter().map(|play| play.scenario.about_seconds);
        std::cmp::Reverse(seconds.sum::<u32>())
    });
    turns.into()
}

async fn lane(turns: &RefCell<VecDeque<Turn>>, report: &impl Fn(&Outcome)) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    loop {
        let next = turns.borrow_mut().pop_front();
        match next {
            Some(turn) => outcomes.extend(take_turn(turn, report).await),
            None => return outcomes,
        }
    }
}

/// Each scenario of a turn finds the cluster as the one before left it: healed. After one that failed it is made anew.
async fn take_turn(turn: Turn, report: &impl Fn(&Outcome)) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut left: Vec<Cluster> = Vec::new();
    for Play { scenario, profile } in turn {
        let clusters = std::mem::take(&mut left);
        let (outcome, clusters) = play(&scenario, &profile, clusters).await;
        if outcome.passed() {
            left = clusters;
        }
        report(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

/// Plays one scenario on these clusters, or on new ones where there are none.
async fn play(
    scenario: &Scenario,
    profile: &Profile,
    mut clusters: Vec<Cluster>,
) -> (Outcome, Vec<Cluster>) {
    if clusters.is_empty() {
        match scenario.setting.clusters(profile).await {
            Ok(made) => clusters = made,
            Err(error) => return (failed(scenario, profile, &error.to_string()), Vec::new()),
        }
    }
    let mut stage = Stage::new(clusters, profile.clone(), scenario.name);
    let failure = failure_of((scenario.act)(&mut stage)).await;
    let unended = failure_of(stage.end(scenario.tolerated)).await;
    stage.outcome.failure = failure.or(unended);
    if stage.outcome.skipped.is_some() {
        stage.outcome.failure = None;
    }
    (stage.outcome, stage.clusters)
}

/// The harness panics where a daemon does not start; that is this scenario's failure and no other's.
async fn failure_of(part: impl Future<Output = anyhow::Result<()>>) -> Option<String> {
    match AssertUnwindSafe(part).catch_unwind().await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(panic) => Some(said(&*panic)),
    }
}

fn failed(scenario: &Scenario, profile: &Profile, reason: &str) -> Outcome {
    Outcome {
        name: scenario.name,
        version: profile.version.clone(),
        failure: Some(reason.to_owned()),
        ..Outcome::default()
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
