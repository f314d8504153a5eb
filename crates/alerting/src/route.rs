//! Routing: a tree of matchers that says which channels hear of an alert, and at what pace.

mod check;

use std::sync::LazyLock;
use std::time::Duration;

use crate::alert::Alert;
use crate::matcher::{Matcher, all_match};
pub use check::RouteError;

/// What makes a group where no route says it.
static DEFAULT_GROUP_BY: LazyLock<[String; 2]> =
    LazyLock::new(|| ["cluster".to_owned(), "rule".to_owned()]);

/// A node of the routing tree, as in Alertmanager. An alert that matches goes to the first child that matches (and to
/// the next ones while these say `continues`), and stays here when none does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Route {
    /// All must match; none matches everything.
    pub matchers: Vec<Matcher>,
    /// Names of the channels; `None`: those of the parent. None of them: nobody is told.
    pub channels: Option<Vec<String>>,
    /// Labels whose values make a group; `None`: those of the parent, and `cluster`, `rule` at the root. The one entry
    /// `...` makes a group of every alert.
    pub group_by: Option<Vec<String>>,
    /// The pace; what is `None` is taken from the parent.
    pub timing: RouteTiming,
    /// Whether siblings after this one are looked at as well.
    pub continues: bool,
    /// Names of maintenance windows during which nothing goes this way, and so to none of the children.
    pub mute_during: Vec<String>,
    /// The children.
    pub routes: Vec<Route>,
}

/// How fast additions to a group are told. None of it delays a resolve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteTiming {
    /// How long the first message of a group waits while its cluster has another open group that is as severe. Default 30 s.
    pub group_wait: Option<Duration>,
    /// The time between two messages about additions to a group. Default 5 min.
    pub group_interval: Option<Duration>,
    /// When what still fires is told again. Default 4 h.
    pub repeat_interval: Option<Duration>,
}

/// The pace of a leaf, with nothing left to inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ResolvedTiming {
    /// How long the first message of a group waits while its cluster has another open group that is as severe.
    pub group_wait: Duration,
    /// The time between two messages about additions to a group.
    pub group_interval: Duration,
    /// When what still fires is told again.
    pub repeat_interval: Duration,
}

/// Where an alert goes: one channel, and how it is grouped and paced there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// Labels whose values make a group; `...` alone: every alert is one.
    pub group_by: &'a [String],
    /// The pace.
    pub timing: ResolvedTiming,
    /// Names of the maintenance windows during which nothing goes this way, from the root down.
    pub mute_during: Vec<&'a str>,
}

impl Default for ResolvedTiming {
    fn default() -> Self {
        Self {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_mins(5),
            repeat_interval: Duration::from_hours(4),
        }
    }
}

impl ResolvedTiming {
    /// The same with what a route says laid over it.
    fn with(self, own: RouteTiming) -> Self {
        Self {
            group_wait: own.group_wait.unwrap_or(self.group_wait),
            group_interval: own.group_interval.unwrap_or(self.group_interval),
            repeat_interval: own.repeat_interval.unwrap_or(self.repeat_interval),
        }
    }
}

impl Route {
    /// A root that sends everything to these channels.
    pub fn to(channels: Vec<String>) -> Self {
        Self {
            channels: Some(channels),
            ..Self::matching(Vec::new())
        }
    }

    /// A route for the alerts that these matchers fit, which takes everything else from its parent.
    pub fn matching(matchers: Vec<Matcher>) -> Self {
        Self {
            matchers,
            channels: None,
            group_by: None,
            timing: RouteTiming::default(),
            continues: false,
            mute_during: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Where an alert goes, each channel once: where several leaves name the same one, the first counts.
    pub fn targets(&self, alert: &Alert) -> Vec<Target<'_>> {
        let mut targets = Vec::new();
        if all_match(&self.matchers, alert) {
            Way::default().through(self).walk(alert, &mut targets);
        }
        targets
    }
}

/// A node with everything that it takes from those above.
#[derive(Debug, Clone)]
struct Way<'a> {
    routes: &'a [Route],
    channels: &'a [String],
    group_by: &'a [String],
    timing: ResolvedTiming,
    mute_during: Vec<&'a str>,
}

impl Default for Way<'_> {
    fn default() -> Self {
        Self {
            routes: &[],
            channels: &[],
            group_by: DEFAULT_GROUP_BY.as_slice(),
            timing: ResolvedTiming::default(),
            mute_during: Vec::new(),
        }
    }
}

impl<'a> Way<'a> {
    /// The way on to a node.
    fn through(&self, route: &'a Route) -> Self {
        let windows = route.mute_during.iter().map(String::as_str);
        Self {
            routes: &route.routes,
            channels: route.channels.as_deref().unwrap_or(self.channels),
            group_by: route.group_by.as_deref().unwrap_or(self.group_by),
            timing: self.timing.with(route.timing),
            mute_during: self.mute_during.iter().copied().chain(windows).collect(),
        }
    }

    /// Goes down to the leaves that an alert reaches, and takes their channels.
    fn walk(self, alert: &Alert, targets: &mut Vec<Target<'a>>) {
        let mut goes_on = false;
        for route in self.routes {
            if all_match(&route.matchers, alert) {
                goes_on = true;
                self.through(route).walk(alert, targets);
                if !route.continues {
                    break;
                }
            }
        }
        if !goes_on {
            self.end(targets);
        }
    }

    fn end(&self, targets: &mut Vec<Target<'a>>) {
        for channel in self.channels {
            if targets.iter().any(|target| target.channel == channel) {
                continue;
            }
            targets.push(Target {
                channel,
                group_by: self.group_by,
                timing: self.timing,
                mute_during: self.mute_during.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Severity;

    use super::*;
    use crate::fixtures::{alert, matchers};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn child(matcher: &str, channels: &[&str]) -> Route {
        let mut route = Route::matching(matchers(&[matcher]));
        route.channels = Some(names(channels));
        route
    }

    fn tree(routes: Vec<Route>) -> Route {
        let mut root = Route::to(names(&["mail"]));
        root.routes = routes;
        root
    }

    fn reached(root: &Route, cluster: &str, severity: Severity) -> Vec<String> {
        let targets = root.targets(&alert(cluster, "MemberDown", severity));
        let channels = targets.iter().map(|target| target.channel.to_owned());
        channels.collect()
    }

    #[test]
    fn an_alert_goes_to_the_first_child_that_matches_and_stays_where_none_does() {
        let root = tree(vec![
            child("severity=critical", &["pager"]),
            child("cluster=a", &["chat"]),
        ]);
        assert_eq!(reached(&root, "a", Severity::Critical), ["pager"]);
        assert_eq!(reached(&root, "a", Severity::Warning), ["chat"]);
        assert_eq!(reached(&root, "b", Severity::Warning), ["mail"]);
    }

    #[test]
    fn a_child_that_continues_lets_its_siblings_match_as_well() {
        let mut first = child("severity=critical", &["pager"]);
        first.continues = true;
        let root = tree(vec![
            first,
            child("cluster=a", &["chat"]),
            child("cluster=a", &["log"]),
        ]);
        assert_eq!(reached(&root, "a", Severity::Critical), ["pager", "chat"]);
        // Nothing else matched: it does not fall back to the parent beside the child.
        assert_eq!(reached(&root, "b", Severity::Critical), ["pager"]);
    }

    #[test]
    fn each_channel_is_reached_once_by_the_first_leaf_that_names_it() {
        let mut first = child("cluster=a", &["chat", "mail"]);
        first.continues = true;
        first.group_by = Some(names(&["..."]));
        let root = tree(vec![first, child("cluster=a", &["mail", "log"])]);
        let alert = alert("a", "MemberDown", Severity::Info);
        let targets = root.targets(&alert);
        let groups: Vec<_> = targets.iter().map(|it| (it.channel, it.group_by)).collect();
        let (each, default) = (names(&["..."]), names(&["cluster", "rule"]));
        let expected = [("chat", &each[..]), ("mail", &each), ("log", &default)];
        assert_eq!(groups, expected);
    }

    #[test]
    fn what_a_route_does_not_say_comes_from_its_parent() {
        let mut leaf = Route::matching(matchers(&["severity=critical"]));
        leaf.timing.group_wait = Some(Duration::ZERO);
        leaf.mute_during = names(&["night"]);
        let mut middle = child("cluster=a", &["pager"]);
        middle.timing.group_interval = Some(Duration::from_mins(1));
        middle.group_by = Some(names(&["cluster"]));
        middle.mute_during = names(&["sunday"]);
        middle.routes = vec![leaf];
        let root = tree(vec![middle]);
        let alert = alert("a", "NoLeader", Severity::Critical);
        let [target] = &root.targets(&alert)[..] else {
            panic!("one leaf");
        };
        assert_eq!(
            (target.channel, target.group_by),
            ("pager", &names(&["cluster"])[..])
        );
        assert_eq!(target.timing.group_wait, Duration::ZERO);
        assert_eq!(target.timing.group_interval, Duration::from_mins(1));
        assert_eq!(target.timing.repeat_interval, Duration::from_hours(4));
        assert_eq!(target.mute_during, ["sunday", "night"]);
    }

    #[test]
    fn a_route_without_channels_of_its_own_list_tells_nobody() {
        let root = tree(vec![child("severity=info", &[])]);
        assert!(reached(&root, "a", Severity::Info).is_empty());
    }

    #[test]
    fn a_route_can_ask_for_a_label_to_be_missing() {
        let root = tree(vec![child("team=\"\"", &["chat"])]);
        assert_eq!(reached(&root, "a", Severity::Info), ["chat"]);
        let mut owned = alert("a", "MemberDown", Severity::Info);
        owned.labels.insert("team".into(), "red".into());
        assert_eq!(root.targets(&owned)[0].channel, "mail");
    }
}
