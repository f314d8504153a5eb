//! What holds whatever the findings say, in whatever order, with whatever clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use etcd_monitor_alerting::NotificationKind;
use etcd_monitor_model::Severity;
use proptest::prelude::*;
use scenario::{INTERVAL, Says, World};

mod scenario;

const HOLD: u64 = 9;
const WINDOW: u64 = 300;

/// What happens to the world between two spans of time.
#[derive(Debug, Clone, Copy)]
enum Act {
    Says(Says),
    Probing(bool),
    Running(bool),
    SetClock(i64),
}

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        4 => Just(Says::True(Severity::Warning)),
        2 => Just(Says::True(Severity::Critical)),
        4 => Just(Says::False),
        2 => Just(Says::Unknown),
        1 => Just(Says::Explained),
        1 => Just(Says::Gone),
        1 => Just(Says::Missing),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => says().prop_map(Act::Says),
        1 => any::<bool>().prop_map(Act::Probing),
        1 => any::<bool>().prop_map(Act::Running),
        1 => prop_oneof![Just(3_600), Just(-3_600), Just(60), Just(-3)].prop_map(Act::SetClock),
    ]
}

fn story() -> impl Strategy<Value = Vec<(u64, Act)>> {
    prop::collection::vec((1_u64..90, act()), 1..40)
}

/// Plays a story about one member; `watch` sees the world after each second.
fn play(story: &[(u64, Act)], mut watch: impl FnMut(&World)) -> World {
    let mut world = World::new();
    world.members.insert("m1".to_owned(), Says::False);
    for (seconds, act) in story {
        match act {
            Act::Says(says) => {
                world.members.insert("m1".to_owned(), *says);
            }
            Act::Probing(on) => world.probing = *on,
            Act::Running(on) => world.running = *on,
            Act::SetClock(by) => world.clock_error += by,
        }
        for _ in 0..*seconds {
            world.step();
            watch(&world);
        }
    }
    world
}

fn last_told(world: &World) -> Option<NotificationKind> {
    world.told.last().map(|(_, told)| told.kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn fired_and_resolved_alternate_and_an_update_is_worse(story in story()) {
        let world = play(&story, |_| {});
        let mut worst = None;
        for (_, told) in &world.told {
            let severity = told.alert.severity;
            match told.kind {
                NotificationKind::Fired => prop_assert!(worst.replace(severity).is_none()),
                NotificationKind::Updated => prop_assert!(worst.replace(severity) < Some(severity)),
                _ => prop_assert!(worst.take().is_some()),
            }
        }
    }

    /// After a resolve, a window holds at most one more message that it fires and none that it is over.
    #[test]
    fn a_window_after_a_resolve_has_no_duplicates(story in story()) {
        let story: Vec<_> = without_clock(&story);
        let world = play(&story, |_| {});
        let resolves: Vec<u64> = world.told.iter()
            .filter(|(_, told)| told.kind == NotificationKind::Resolved)
            .map(|(second, _)| *second)
            .collect();
        for pair in resolves.windows(2) {
            prop_assert!(pair[1] - pair[0] >= WINDOW, "{resolves:?}");
        }
    }

    #[test]
    fn the_same_incident_keeps_its_key_and_another_one_gets_its_own(story in story()) {
        let world = play(&without_clock(&story), |_| {});
        for pair in world.told.windows(2) {
            let [(before, old), (second, new)] = pair else { unreachable!() };
            let is_refire = new.kind == NotificationKind::Fired;
            let is_same = !is_refire || second - before < WINDOW;
            prop_assert_eq!(old.dedup_key == new.dedup_key, is_same);
        }
    }

    #[test]
    fn the_last_message_is_the_truth_once_it_has_not_changed_for_a_window(
        story in story(),
        down in any::<bool>(),
    ) {
        let mut world = play(&story, |_| {});
        (world.probing, world.running) = (true, true);
        let says = if down { Says::True(Severity::Warning) } else { Says::False };
        world.members.insert("m1".to_owned(), says);
        let settled = world.second + WINDOW + HOLD + 2 * INTERVAL;
        world.run_until(settled);
        let told = last_told(&world);
        let told_firing = told.is_some_and(|kind| kind != NotificationKind::Resolved);
        prop_assert_eq!(told_firing, down, "{}", world.told_lines());
        prop_assert_eq!(world.engine.alerts().len(), usize::from(down));
    }

    /// Looks at what the snapshots said in the real time before each fire.
    #[test]
    fn nothing_fires_before_it_has_held(story in story()) {
        let mut said = Vec::new();
        let world = play(&story, |world| {
            let holds = matches!(world.members["m1"], Says::True(_));
            let second = world.second - 1;
            if world.running && world.probing && second.is_multiple_of(INTERVAL) {
                said.push((second, holds));
            }
        });
        let fired = world.told.iter().filter(|(_, told)| told.kind == NotificationKind::Fired);
        for (second, _) in fired {
            let mut before = said.iter().rev().skip_while(|(at, _)| at > second);
            let held_from = before.by_ref().take_while(|(_, holds)| *holds).last();
            prop_assert!(held_from.is_some_and(|(from, _)| second - from >= HOLD));
            let latest = said.iter().rev().find(|(at, _)| at <= second).unwrap();
            prop_assert!(second - latest.0 <= 2 * INTERVAL + 2, "fired on old news");
        }
    }
}

fn without_clock(story: &[(u64, Act)]) -> Vec<(u64, Act)> {
    let stays = |act: &Act| matches!(act, Act::Says(_));
    story
        .iter()
        .copied()
        .filter(|(_, act)| stays(act))
        .collect()
}
