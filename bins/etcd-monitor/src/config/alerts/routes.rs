//! Routes: which alerts go to which channels, as written and checked.

use etcd_monitor_alerting::{Matcher, Route};
use serde::Deserialize;

use crate::config::duration;
use crate::config::place::{At, Remark};

/// A node of the tree as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteFile {
    /// Which alerts it takes, such as `severity="critical"`; all must match. The root takes all.
    matchers: Vec<At<String>>,
    /// Who is told; left out: those of the route above.
    channels: Option<Vec<At<String>>>,
    /// Labels whose alerts are told together.
    group_by: Option<Vec<At<String>>>,
    /// Time for which a further group of a cluster is held back to be told with others.
    group_wait: Option<At<String>>,
    /// Time between two messages on one group.
    group_interval: Option<At<String>>,
    /// Time after which what still fires is told again.
    repeat_interval: Option<At<String>>,
    /// Whether the routes after this one are tried too.
    #[serde(rename = "continue")]
    continues: bool,
    /// Maintenance windows by name, in which it tells nothing new.
    mute_during: Vec<At<String>>,
    /// Routes below it; the first that matches takes the alert.
    routes: Vec<At<RouteFile>>,
}

/// What a route may name.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub(super) channels: Vec<&'a str>,
    pub(super) windows: Vec<&'a str>,
}

impl RouteFile {
    /// Whether this node or one below it names a channel.
    pub(super) fn names_channel(&self, name: &str) -> bool {
        let mut own = self.channels.iter().flatten();
        let here = own.any(|channel| channel.value == name);
        here || self.routes.iter().any(|child| child.names_channel(name))
    }

    /// Whether this node or one below it names a maintenance window.
    pub(super) fn names_window(&self, name: &str) -> bool {
        let here = self.mute_during.iter().any(|window| window.value == name);
        here || self.routes.iter().any(|child| child.names_window(name))
    }

    /// The matchers of this node and of those below it.
    pub(super) fn all_matchers(&self) -> Vec<&At<String>> {
        let below = self.routes.iter().flat_map(|child| child.all_matchers());
        self.matchers.iter().chain(below).collect()
    }

    /// The names of labels that groups are made by, here and below.
    pub(super) fn labels(&self) -> Vec<&At<String>> {
        let below = self.routes.iter().flat_map(|child| child.labels());
        let here = self.group_by.iter().flatten();
        here.filter(|label| label.value != EACH)
            .chain(below)
            .collect()
    }
}

/// The name among labels that means every alert by itself.
const EACH: &str = "...";

/// The tree of these, checked.
pub(super) fn check(file: &At<RouteFile>, names: &Names<'_>) -> Result<Route, Remark> {
    let route = node(file, names)?;
    route
        .validate(&names.channels, &names.windows)
        .map_err(|error| at(file, &error.path).remark(error.problem))?;
    Ok(route)
}

/// The node that a way of indexes leads to.
fn at<'a>(root: &'a At<RouteFile>, path: &[usize]) -> &'a At<RouteFile> {
    let down = |node: &'a At<RouteFile>, index: &usize| node.value.routes.get(*index);
    path.iter().try_fold(root, down).unwrap_or(root)
}

/// Names are looked up here, and not by the library alone, since here it is known where each stands.
fn node(file: &RouteFile, names: &Names<'_>) -> Result<Route, Remark> {
    let mut route = Route::matching(matchers(&file.matchers)?);
    let channels = file.channels.as_ref();
    route.channels = channels
        .map(|list| known(list, "channel", &names.channels))
        .transpose()?;
    route.mute_during = known(&file.mute_during, "maintenance window", &names.windows)?;
    route.group_by = file.group_by.as_ref().map(|labels| texts(labels));
    let interval = |key, text: &Option<At<String>>| {
        let text = text.as_ref();
        text.map(|text| text.parsed_as(key, duration::hold))
            .transpose()
    };
    route.timing.group_wait = interval("group_wait", &file.group_wait)?;
    route.timing.group_interval = interval("group_interval", &file.group_interval)?;
    route.timing.repeat_interval = interval("repeat_interval", &file.repeat_interval)?;
    route.continues = file.continues;
    let children = file.routes.iter();
    route.routes = children
        .map(|child| node(child, names))
        .collect::<Result<_, _>>()?;
    Ok(route)
}

/// Matchers of a list, each told with its place where it is none.
pub(super) fn matchers(texts: &[At<String>]) -> Result<Vec<Matcher>, Remark> {
    let texts = texts.iter();
    texts
        .map(|text| text.parsed(|text| Matcher::parse(text)))
        .collect()
}

fn known(list: &[At<String>], what: &str, names: &[&str]) -> Result<Vec<String>, Remark> {
    for name in list {
        name.one_of(what, names.iter().copied())?;
    }
    Ok(texts(list))
}

fn texts(list: &[At<String>]) -> Vec<String> {
    list.iter().map(|text| text.value.clone()).collect()
}
