//! Routing: a tree of matchers that says which channels hear of an alert, and at what pace.

use std::time::Duration;

use crate::matcher::Matcher;

/// A node of the routing tree. An alert that matches goes to the first child that matches (and to the next ones while
/// these say `continues`), and stays here when none does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Route {
    /// All must match; none matches everything.
    pub matchers: Vec<Matcher>,
    /// Names of the channels; `None`: those of the parent.
    pub channels: Option<Vec<String>>,
    /// Labels whose values make a group; `None`: those of the parent, and `cluster`, `rule` at the root. The one entry
    /// `...` makes a group of every alert.
    pub group_by: Option<Vec<String>>,
    /// The pace; what is `None` is taken from the parent.
    pub timing: RouteTiming,
    /// Whether siblings after this one are looked at as well.
    pub continues: bool,
    /// Names of maintenance windows during which nothing goes this way.
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

impl Route {
    /// A root that sends everything to these channels.
    pub fn to(channels: Vec<String>) -> Self {
        Self {
            matchers: Vec::new(),
            channels: Some(channels),
            group_by: None,
            timing: RouteTiming::default(),
            continues: false,
            mute_during: Vec::new(),
            routes: Vec::new(),
        }
    }
}
