//! What can be wrong with a routing tree.

use std::time::Duration;

use super::{Route, RouteTiming};
use crate::matcher::is_label_name;
use crate::suggestion::hint;

/// Nodes from the root to a leaf: nobody reads deeper trees.
const DEPTH_MAX: usize = 16;

/// Nodes of a tree: every alert is matched against all of them at worst.
const ROUTES_MAX: usize = 1_000;

/// What is told again a month later is told by nobody's wish.
const INTERVAL_MAX: Duration = Duration::from_hours(24 * 31);

/// Why a routing tree cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", place(path))]
pub struct RouteError {
    /// The way to the node: the index among the children at each step from the root, from 0.
    pub path: Vec<usize>,
    /// What is wrong there, and what to do.
    pub problem: String,
}

/// As the configuration spells the way: `route.routes[2].routes[0]`.
fn place(path: &[usize]) -> String {
    let steps = path.iter().map(|index| format!(".routes[{index}]"));
    std::iter::once("route".to_owned()).chain(steps).collect()
}

impl Route {
    /// Sees that the tree can be used with the channels and the maintenance windows of these names.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, from the root down: a channel or window that does not exist, a root with matchers
    /// or without channels, a `group_by` that makes no groups, an interval of zero or of more than 31 days, or a tree
    /// that is too large.
    pub fn validate(&self, channels: &[&str], windows: &[&str]) -> Result<(), RouteError> {
        let at_root = |problem: Option<String>| Check::at(&[], problem);
        at_root(self.wrong_root())?;
        let mut check = Check {
            channels,
            windows,
            routes: 0,
        };
        check.node(self, &mut Vec::new())
    }

    fn wrong_root(&self) -> Option<String> {
        if self.channels.is_none() {
            Some("the root names no channels; name those that hear of everything else, or [] for nobody".to_owned())
        } else if !self.matchers.is_empty() {
            Some(
                "the root takes every alert, so it has no matchers; put them into routes below it"
                    .to_owned(),
            )
        } else if self.continues {
            Some("the root has no siblings to continue with; leave `continue` out".to_owned())
        } else {
            None
        }
    }
}

struct Check<'a> {
    channels: &'a [&'a str],
    windows: &'a [&'a str],
    /// Nodes seen so far.
    routes: usize,
}

impl Check<'_> {
    fn at(path: &[usize], problem: Option<String>) -> Result<(), RouteError> {
        let path = path.to_vec();
        problem.map_or(Ok(()), |problem| Err(RouteError { path, problem }))
    }

    fn node(&mut self, route: &Route, path: &mut Vec<usize>) -> Result<(), RouteError> {
        self.routes += 1;
        Self::at(path, self.problem(route, path.len()))?;
        for (index, child) in route.routes.iter().enumerate() {
            path.push(index);
            self.node(child, path)?;
            path.pop();
        }
        Ok(())
    }

    fn problem(&self, route: &Route, depth: usize) -> Option<String> {
        if self.routes > ROUTES_MAX || depth >= DEPTH_MAX {
            return Some(format!(
                "the tree has more than {ROUTES_MAX} routes, or more than {DEPTH_MAX} levels; let expressions take the place of routes"
            ));
        }
        let named = route.channels.as_deref().unwrap_or_default();
        unknown("channel", named, self.channels)
            .or_else(|| unknown("maintenance window", &route.mute_during, self.windows))
            .or_else(|| wrong_group(route.group_by.as_deref()?))
            .or_else(|| wrong_timing(route.timing))
    }
}

fn unknown(what: &str, named: &[String], known: &[&str]) -> Option<String> {
    let name = named.iter().find(|name| !known.contains(&name.as_str()))?;
    let hint = hint(name, known.iter().copied());
    Some(format!("no {what} is named {name:?}{hint}"))
}

fn wrong_group(group_by: &[String]) -> Option<String> {
    if group_by == ["..."] {
        return None;
    }
    let wrong = group_by.iter().find(|label| !is_label_name(label))?;
    Some(match wrong.as_str() {
        "..." => "group_by: `...` stands alone: it makes a group of every alert".to_owned(),
        wrong => format!(
            "group_by: {wrong:?} is no name of a label; for example cluster, rule, severity"
        ),
    })
}

fn wrong_timing(timing: RouteTiming) -> Option<String> {
    let intervals = [
        ("group_wait", timing.group_wait, Duration::ZERO),
        (
            "group_interval",
            timing.group_interval,
            Duration::from_secs(1),
        ),
        (
            "repeat_interval",
            timing.repeat_interval,
            Duration::from_mins(1),
        ),
    ];
    let (key, _, least) = intervals.into_iter().find(|(_, interval, least)| {
        interval.is_some_and(|interval| !(*least..=INTERVAL_MAX).contains(&interval))
    })?;
    Some(format!(
        "{key} is not between {}s and 31 days",
        least.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::matchers;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn root() -> Route {
        Route::to(names(&["mail"]))
    }

    fn refused(root: &Route) -> String {
        let checked = root.validate(&["mail", "pager"], &["sunday"]);
        checked.unwrap_err().to_string()
    }

    fn with_child(change: impl FnOnce(&mut Route)) -> Route {
        let mut child = Route::matching(matchers(&["severity=critical"]));
        change(&mut child);
        let mut root = root();
        root.routes = vec![Route::matching(Vec::new()), child];
        root
    }

    #[test]
    fn names_that_do_not_exist_are_refused_with_the_place_and_the_nearest() {
        let error = refused(&with_child(|it| it.channels = Some(names(&["pagr"]))));
        assert_eq!(
            error,
            "route.routes[1]: no channel is named \"pagr\"; did you mean pager?"
        );
        let error = refused(&with_child(|it| it.mute_during = names(&["xyzzy"])));
        assert_eq!(
            error,
            "route.routes[1]: no maintenance window is named \"xyzzy\""
        );
        let good = with_child(|it| {
            it.channels = Some(names(&["pager"]));
            it.mute_during = names(&["sunday"]);
        });
        assert_eq!(good.validate(&["mail", "pager"], &["sunday"]), Ok(()));
    }

    #[test]
    fn the_root_takes_everything_and_says_where_to() {
        assert!(refused(&Route::matching(Vec::new())).contains("names no channels"));
        let mut matching = root();
        matching.matchers = matchers(&["cluster=a"]);
        assert!(refused(&matching).contains("no matchers"));
        let mut continuing = root();
        continuing.continues = true;
        assert!(refused(&continuing).contains("continue"));
    }

    #[test]
    fn groups_are_made_by_labels_or_by_three_dots_alone() {
        let by = |labels: &[&str]| {
            let labels = names(labels);
            with_child(|it| it.group_by = Some(labels))
        };
        assert!(refused(&by(&["cluster", "..."])).contains("stands alone"));
        assert!(refused(&by(&["clus ter"])).contains("no name of a label"));
        for good in [&["..."][..], &["cluster", "team"], &[]] {
            assert_eq!(by(good).validate(&["mail"], &[]), Ok(()));
        }
    }

    #[test]
    fn intervals_have_bounds() {
        let error = refused(&with_child(|it| {
            it.timing.group_interval = Some(Duration::ZERO);
        }));
        assert!(
            error.contains("group_interval is not between 1s"),
            "{error}"
        );
        let error = refused(&with_child(|it| {
            it.timing.repeat_interval = Some(Duration::from_hours(24 * 32));
        }));
        assert!(error.contains("repeat_interval"), "{error}");
    }

    #[test]
    fn trees_that_are_too_deep_or_too_large_are_refused() {
        let deep = (0..DEPTH_MAX).fold(Route::matching(Vec::new()), |inner, _| {
            let mut outer = Route::matching(Vec::new());
            outer.routes = vec![inner];
            outer
        });
        assert!(refused(&with_child(|it| it.routes = vec![deep])).contains("levels"));
        let mut wide = root();
        wide.routes = vec![Route::matching(Vec::new()); ROUTES_MAX];
        assert!(refused(&wide).contains("1000 routes"));
    }
}
