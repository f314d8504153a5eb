//! Plays scripts of lines `SECOND WHAT…` in a world, and compares what was told.

#![allow(
    dead_code,
    reason = "each test binary that includes the module uses a part of it"
)]

use etcd_monitor_alerting::{AlertPolicy, ChannelPace};
use etcd_monitor_model::Severity;

use super::scenario::{Says, World};

/// Plays a script with the default policy and one channel.
#[track_caller]
pub(crate) fn check(script: &str, expected: &str) -> World {
    check_in(World::new(), script, expected)
}

/// Plays a script with a policy.
#[track_caller]
pub(crate) fn check_with(policy: AlertPolicy, script: &str, expected: &str) -> World {
    check_in(World::with(policy), script, expected)
}

#[track_caller]
fn check_in(mut world: World, script: &str, expected: &str) -> World {
    for line in lines(script) {
        let words: Vec<&str> = line.split_whitespace().collect();
        world.run_until(words[0].parse().unwrap());
        act(&mut world, &words[1..]);
    }
    let expected: Vec<&str> = lines(expected).collect();
    let told = world.told_lines();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    world
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// One act: `MEMBER SAYS` or `RULE/MEMBER SAYS` for what a finding says, else about the world.
fn act(world: &mut World, words: &[&str]) {
    match words {
        ["end"] => {}
        ["restart"] => world.restart(),
        ["clock", by] => world.clock_error += by.parse::<i64>().unwrap(),
        ["probes", what] => world.probing = *what == "go",
        ["process", what] => world.running = *what == "go",
        ["silence", matcher, seconds] => world.silence(&[matcher], seconds.parse().unwrap()),
        ["unsilence"] => {
            world.mutes.silences.clear();
            world.apply_mutes();
        }
        ["ack", whom] => {
            let (rule, member) = finding(whom);
            world.acknowledge(rule, member);
        }
        [whom, says] => {
            let (rule, member) = finding(whom);
            world.say(rule, member, meaning(says));
        }
        _ => panic!("the script says {words:?}"),
    }
}

fn finding(whom: &str) -> (&str, &str) {
    whom.split_once('/').unwrap_or(("MemberDown", whom))
}

fn meaning(word: &str) -> Says {
    match word {
        "info" => Says::True(Severity::Info),
        "down" => Says::True(Severity::Warning),
        "critical" => Says::True(Severity::Critical),
        "up" => Says::False,
        "unknown" => Says::Unknown,
        "explained" => Says::Explained,
        "gone" => Says::Gone,
        "missing" => Says::Missing,
        _ => panic!("the script says {word:?}"),
    }
}

/// Everything by the defaults to one channel.
pub(crate) fn pager() -> AlertPolicy {
    AlertPolicy::to_channels(["pager"])
}

/// The default policy with another pace of its one channel.
pub(crate) fn paced(change: impl FnOnce(&mut ChannelPace)) -> AlertPolicy {
    let mut policy = pager();
    change(policy.channels.get_mut("pager").unwrap());
    policy
}
