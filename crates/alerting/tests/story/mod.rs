//! Random stories: what happens to the world, and when.

use std::time::Duration;

use etcd_monitor_alerting::{AlertPolicy, Inhibition, MaintenanceWindow, Matcher, Route, Rule};
use etcd_monitor_model::Severity;
use proptest::prelude::*;

use super::scenario::{Says, World};

pub(crate) const MEMBERS: [&str; 3] = ["m1", "m2", "m3"];
pub(crate) const RULES: [&str; 3] = ["MemberDown", "TlsFailed", "NetworkPartition"];

/// A channel that is told everything again each minute.
pub(crate) const FORGETFUL: &str = "forgetful";

/// A channel that is told of no end.
pub(crate) const SILENT: &str = "silent";

/// How many policies there are.
pub(crate) const POLICIES: usize = 5;

/// What happens to the world between two spans of time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Tick,
    Says(usize, usize, Says),
    Probing(bool),
    Running(bool),
    SetClock(i64),
    Silence(usize, u64),
    Unsilence,
    Acknowledge(usize, usize),
    Policy(usize),
    Restart,
}

impl Act {
    pub(crate) fn perform(self, world: &mut World) {
        match self {
            Self::Says(rule, member, says) => world.say(RULES[rule], MEMBERS[member], says),
            Self::Probing(on) => world.probing = on,
            Self::Running(on) => world.running = on,
            Self::SetClock(by) => world.clock_error += by,
            // People and processes act while the process runs.
            _ if !world.running => {}
            Self::Silence(member, seconds) => {
                let matcher = format!("member={}", MEMBERS[member]);
                world.silence(&[&matcher], seconds);
            }
            Self::Unsilence => {
                world.mutes.silences.clear();
                world.apply_mutes();
            }
            Self::Acknowledge(rule, member) => world.acknowledge(RULES[rule], MEMBERS[member]),
            Self::Policy(number) => world.set_policy(policy(number)),
            Self::Restart => world.restart(),
            Self::Tick => world.tick(),
        }
    }

    pub(crate) fn is_of_findings(&self) -> bool {
        matches!(self, Self::Says(..))
    }

    pub(crate) fn is_of_people(&self) -> bool {
        matches!(
            self,
            Self::Silence(..) | Self::Unsilence | Self::Acknowledge(..)
        )
    }

    pub(crate) fn is_of_process(&self) -> bool {
        matches!(self, Self::Restart)
    }

    pub(crate) fn is_of_policy(&self) -> bool {
        matches!(self, Self::Policy(_))
    }

    pub(crate) fn is_of_clock(&self) -> bool {
        matches!(self, Self::SetClock(_))
    }

    /// The same, but for a restart, in whose place the engine is asked what is due, as before a restart.
    pub(crate) fn without_restart(self) -> Self {
        match self {
            Self::Restart => Self::Tick,
            other => other,
        }
    }
}

pub(crate) fn says() -> impl Strategy<Value = Says> {
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

pub(crate) fn act_of_any_kind() -> impl Strategy<Value = Act> {
    prop_oneof![
        16 => (0..RULES.len(), 0..MEMBERS.len(), says()).prop_map(|(rule, member, says)| Act::Says(rule, member, says)),
        1 => any::<bool>().prop_map(Act::Probing),
        1 => any::<bool>().prop_map(Act::Running),
        1 => prop_oneof![Just(3_600), Just(-3_600), Just(60), Just(-3)].prop_map(Act::SetClock),
        2 => (0..MEMBERS.len(), 10_u64..400).prop_map(|(member, seconds)| Act::Silence(member, seconds)),
        1 => Just(Act::Unsilence),
        2 => (0..RULES.len(), 0..MEMBERS.len()).prop_map(|(rule, member)| Act::Acknowledge(rule, member)),
        2 => (0..POLICIES).prop_map(Act::Policy),
        3 => Just(Act::Restart),
    ]
}

/// Acts of some kinds only.
pub(crate) fn acts(kinds: &'static [fn(&Act) -> bool]) -> impl Strategy<Value = Act> {
    act_of_any_kind().prop_filter("of the kinds", |act| kinds.iter().any(|is| is(act)))
}

/// Acts with the seconds that pass after each.
pub(crate) fn story_of(act: impl Strategy<Value = Act>) -> impl Strategy<Value = Vec<(u64, Act)>> {
    prop::collection::vec((1_u64..90, act), 1..40)
}

/// How long a finding must hold before its alert fires, in all policies.
pub(crate) fn hold(rule: &str) -> u64 {
    match rule {
        "MemberDown" => 9,
        "NetworkPartition" => 15,
        _ => 0,
    }
}

/// One of the policies, which all have the same channels.
pub(crate) fn policy(number: usize) -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(["pager", FORGETFUL, SILENT]);
    let pace = |name: &str| policy.channels[name];
    let (mut pager, mut forgetful, mut silent) = (pace("pager"), pace(FORGETFUL), pace(SILENT));
    pager.sends_acknowledged = true;
    forgetful.resend_every = Some(Duration::from_mins(1));
    silent.sends_resolved = false;
    for (name, pace) in [("pager", pager), (FORGETFUL, forgetful), (SILENT, silent)] {
        policy.channels.insert(name.to_owned(), pace);
    }
    policy.rules = RULES.map(rule).to_vec();
    match number {
        0 => {}
        1 => policy.route.group_by = Some(vec!["cluster".to_owned()]),
        2 => policy.route.routes = vec![criticals()],
        3 => policy.inhibitions = vec![inhibition()],
        _ => {
            policy.rules.truncate(2);
            policy.maintenance = vec![window()];
        }
    }
    policy
}

fn rule(name: &str) -> Rule {
    Rule::new(name, Duration::from_secs(hold(name)))
}

fn matchers(text: &str) -> Vec<Matcher> {
    vec![Matcher::parse(text).unwrap()]
}

fn criticals() -> Route {
    let mut criticals = Route::matching(matchers("severity=critical"));
    criticals.channels = Some(vec!["pager".to_owned()]);
    criticals
}

fn inhibition() -> Inhibition {
    let equal = vec!["member".to_owned()];
    let (source, target) = (matchers("rule=TlsFailed"), matchers("rule=MemberDown"));
    Inhibition::new(source, target, equal).unwrap()
}

/// Two minutes of each ten.
fn window() -> MaintenanceWindow {
    let named = Some(matchers("rule=MemberDown"));
    MaintenanceWindow::new(
        "often",
        "*/10 * * * *",
        Duration::from_mins(2),
        "UTC",
        named,
    )
    .unwrap()
}
