//! Searches on systems that are made up.

use proptest::prelude::*;

use super::*;
use crate::slo::{LatencyTarget, Percentile};

/// Probes that a search may take here: the ramp from 100/s to a million takes 24.
const PROBES_MAX: usize = 90;

fn options() -> SloOptions {
    SloOptions::new(LatencyTarget::new(Percentile::P99, 0.01))
}

/// Lets a search run on a system that answers each probe; what it asked.
fn run(
    options: SloOptions,
    mut system: impl FnMut(Purpose, f64) -> ProbeVerdict,
) -> (Search, Vec<(Purpose, f64)>) {
    let mut search = Search::new(options);
    let mut asked = Vec::new();
    while let Some((purpose, plan)) = search.next() {
        asked.push((purpose, plan.rate_per_second));
        assert!(asked.len() <= PROBES_MAX, "{asked:?}");
        search.hear(system(purpose, plan.rate_per_second));
    }
    (search, asked)
}

fn holds(is_held: bool) -> ProbeVerdict {
    if is_held {
        ProbeVerdict::Held
    } else {
        ProbeVerdict::Missed
    }
}

proptest! {
    #[test]
    fn the_most_that_holds_is_found_to_two_per_cent(capacity in 2.0..1e6_f64) {
        let (search, asked) = run(options(), |_, rate| holds(rate <= capacity));
        let found = search.verified_per_second().unwrap();
        prop_assert!(found <= capacity && found * 1.021 >= capacity, "{found} of {capacity}");
        prop_assert_eq!(search.limit_by(), SloLimit::Target);
        prop_assert!(search.ceiling_per_second().unwrap() > capacity);
        let verifying = asked.iter().filter(|(purpose, _)| *purpose == Purpose::Verify);
        prop_assert_eq!(verifying.count(), 3);
    }

    #[test]
    fn a_generator_that_is_late_is_no_limit_of_the_cluster(late in 150.0..1e5_f64) {
        let (search, _) = run(options(), |_, rate| {
            if rate > late { ProbeVerdict::GeneratorLate } else { ProbeVerdict::Held }
        });
        let found = search.verified_per_second().unwrap();
        prop_assert!(found <= late && found * 1.021 >= late, "{found} of {late}");
        prop_assert_eq!(search.limit_by(), SloLimit::Generator);
    }
}

#[test]
fn the_steps_are_ramp_bisection_and_three_verifications() {
    let (_, asked) = run(options(), |_, rate| holds(rate <= 160.0));
    let ramp: Vec<f64> = asked
        .iter()
        .take_while(|(purpose, _)| *purpose == Purpose::Ramp)
        .map(|(_, rate)| *rate)
        .collect();
    assert_eq!(ramp, [100.0, 150.0, 225.0]);
    assert_eq!(asked[3].0, Purpose::Bisect);
    assert!((asked[3].1 - (150.0_f64 * 225.0).sqrt()).abs() < 1e-9);
    assert!(
        asked
            .iter()
            .rev()
            .take(3)
            .all(|(purpose, _)| *purpose == Purpose::Verify)
    );
    assert!(asked.len() < 15, "{asked:?}");
}

#[test]
fn probes_are_long_enough_for_their_samples() {
    let mut search = Search::new(options());
    let (purpose, plan) = search.next().unwrap();
    assert_eq!(
        (purpose, plan.seconds, plan.settle_seconds),
        (Purpose::Ramp, 5.0, 2.0)
    );
    search.hear(ProbeVerdict::Held);
    search.hear(ProbeVerdict::Missed);
    let (purpose, plan) = search.next().unwrap();
    assert_eq!(purpose, Purpose::Bisect);
    assert!((plan.seconds * plan.rate_per_second - 10_000.0).abs() < 1e-6);
    let mut fast = options();
    fast.first_per_second = 1e5;
    let mut search = Search::new(fast);
    search.hear(ProbeVerdict::Held);
    search.hear(ProbeVerdict::Missed);
    assert!((search.next().unwrap().1.seconds - 10.0).abs() < 1e-9);
}

#[test]
fn a_hiccup_in_a_short_probe_does_not_end_the_ramp() {
    let mut hiccups = 1;
    let (search, asked) = run(options(), |purpose, rate| {
        if purpose == Purpose::Ramp && rate > 200.0 && hiccups > 0 {
            hiccups -= 1;
            return ProbeVerdict::Missed;
        }
        holds(rate <= 1_000.0)
    });
    assert!(search.verified_per_second().unwrap() > 980.0);
    assert!(
        asked
            .iter()
            .any(|(purpose, _)| *purpose == Purpose::Confirm)
    );
}

#[test]
fn what_does_not_hold_thrice_is_not_verified() {
    // Above 900 one verification in three misses.
    let mut verifications = 0;
    let (search, _) = run(options(), |purpose, rate| {
        verifications += u32::from(purpose == Purpose::Verify);
        let is_bad = purpose == Purpose::Verify && rate > 900.0 && verifications % 3 == 0;
        holds(rate <= 1_000.0 && !is_bad)
    });
    let found = search.verified_per_second().unwrap();
    assert!((800.0..=900.0).contains(&found), "{found}");
    let (search, asked) = run(options(), |purpose, rate| {
        holds(rate <= 1_000.0 && purpose != Purpose::Verify)
    });
    assert_eq!(search.verified_per_second(), None);
    assert!(search.held_per_second().is_some_and(|rate| rate < 900.0));
    let verifying = asked
        .iter()
        .filter(|(purpose, _)| *purpose == Purpose::Verify);
    assert_eq!(verifying.count(), 6);
}

#[test]
fn nothing_may_hold_and_no_more_may_be_asked() {
    let (search, _) = run(options(), |_, _| ProbeVerdict::Missed);
    assert_eq!(
        (search.verified_per_second(), search.held_per_second()),
        (None, None)
    );
    assert!(search.ceiling_per_second().unwrap() < 4.0);
    let mut bounded = options();
    bounded.most_per_second = Some(500.0);
    let (search, _) = run(bounded, |_, _| ProbeVerdict::Held);
    assert_eq!(search.verified_per_second(), Some(500.0));
    assert_eq!(search.limit_by(), SloLimit::MostAsked);
    let (search, _) = run(options(), |_, _| ProbeVerdict::GeneratorLate);
    assert_eq!(
        (search.held_per_second(), search.limit_by()),
        (None, SloLimit::Generator)
    );
}

#[test]
fn a_generator_that_is_late_once_is_asked_again() {
    let mut lates = 1;
    let (search, _) = run(options(), |_, rate| {
        if rate > 300.0 && lates > 0 {
            lates -= 1;
            return ProbeVerdict::GeneratorLate;
        }
        holds(rate <= 2_000.0)
    });
    assert!(search.verified_per_second().unwrap() > 1_950.0);
    assert_eq!(search.limit_by(), SloLimit::Target);
}

#[test]
fn what_is_known_before_the_end_can_be_asked() {
    let mut search = Search::new(options());
    assert_eq!(
        (search.held_per_second(), search.limit_by()),
        (None, SloLimit::Unknown)
    );
    search.hear(ProbeVerdict::Held);
    search.hear(ProbeVerdict::Held);
    assert_eq!(
        (search.held_per_second(), search.limit_by()),
        (Some(150.0), SloLimit::Unknown)
    );
    assert_eq!(search.verified_per_second(), None);
}
