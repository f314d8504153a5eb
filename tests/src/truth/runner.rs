//! Plays scenarios: two clusters at a time at most.

use std::panic::AssertUnwindSafe;

use etcd_monitor_testkit::Cluster;
use futures_util::FutureExt;

use super::outcome::Outcome;
use super::profile::Profile;
use super::scenarios::{Scenario, Setting};
use super::stage::Stage;

/// Plays the scenarios: those that heal one after another on one cluster, beside them those that need their own, and at
/// the end those that need two. `report` hears of each outcome at once.
pub async fn run(
    scenarios: &[Scenario],
    profile: &Profile,
    report: impl Fn(&Outcome),
) -> Vec<Outcome> {
    let of = |wanted: fn(&Setting) -> bool| -> Vec<&Scenario> {
        scenarios
            .iter()
            .filter(|scenario| wanted(&scenario.setting))
            .collect()
    };
    let shared = of(|setting| matches!(setting, Setting::Shared));
    let own = of(|setting| matches!(setting, Setting::Own(_) | Setting::Older));
    let two = of(|setting| matches!(setting, Setting::Two(_)));
    let (mut outcomes, beside) = tokio::join!(
        on_one_cluster(&shared, profile, &report),
        one_after_another(&own, profile, &report)
    );
    outcomes.extend(beside);
    outcomes.extend(one_after_another(&two, profile, &report).await);
    outcomes
}

/// Each scenario finds the cluster as the one before left it: healed. After one that failed it is made anew.
async fn on_one_cluster(
    scenarios: &[&Scenario],
    profile: &Profile,
    report: &impl Fn(&Outcome),
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut left: Vec<Cluster> = Vec::new();
    for scenario in scenarios {
        let clusters = std::mem::take(&mut left);
        let (outcome, clusters) = play(scenario, profile, clusters).await;
        if outcome.passed() {
            left = clusters;
        }
        report(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

async fn one_after_another(
    scenarios: &[&Scenario],
    profile: &Profile,
    report: &impl Fn(&Outcome),
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let (outcome, _) = play(scenario, profile, Vec::new()).await;
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
    // The harness panics where a daemon does not start; that is this scenario's failure and no other's.
    let played = AssertUnwindSafe((scenario.act)(&mut stage))
        .catch_unwind()
        .await;
    let failure = match played {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(panic) => Some(said(&*panic)),
    };
    let ended = AssertUnwindSafe(stage.end(scenario.tolerated))
        .catch_unwind()
        .await;
    let unended = match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(panic) => Some(said(&*panic)),
    };
    stage.outcome.failure = failure.or(unended);
    if stage.outcome.skipped.is_some() {
        stage.outcome.failure = None;
    }
    (stage.outcome, stage.clusters)
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
