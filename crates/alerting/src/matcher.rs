//! Matchers: which alerts a route, a silence or an inhibition is about.

/// One condition on a label of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
}
