//! Matchers: which alerts a route, a silence, a maintenance window or an inhibition is about.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alert::Alert;

/// Longest value of a matcher in bytes: an alternative of a hundred names fits.
const VALUE_BYTES_MAX: usize = 4 << 10;

/// Most memory that one compiled expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// One condition on a label of an alert: `severity="critical"`, `cluster=~"prod-.*"`.
///
/// As in Alertmanager: an expression must match the whole value, and a label that an alert does not have is the empty
/// text. Expressions have no look-around and no back references, and run in time linear to the label's length.
#[derive(Debug, Clone)]
pub struct Matcher {
    label: String,
    op: MatchOp,
    value: String,
    /// The compiled value, for the two operators with expressions.
    regex: Option<Regex>,
}

/// How the value of a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchOp {
    /// `=`: it is the value.
    Equal,
    /// `!=`: it is not the value.
    NotEqual,
    /// `=~`: the expression matches all of it.
    Matches,
    /// `!~`: the expression does not match all of it.
    MatchesNot,
}

/// Why a text is no matcher. The message quotes it, and says what one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatcherError(String);

impl MatchOp {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }

    fn has_expression(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesNot)
    }

    /// The operator at the head of a text, and what follows.
    fn split(text: &str) -> Option<(Self, &str)> {
        // `=~` and `!=` before `=`, of which the one begins with it.
        [Self::Matches, Self::MatchesNot, Self::NotEqual, Self::Equal]
            .into_iter()
            .find_map(|op| Some((op, text.strip_prefix(op.as_str())?)))
    }
}

impl Matcher {
    /// A matcher of its parts.
    ///
    /// # Errors
    ///
    /// When the label is no label's name, the value is longer than 4 KiB, or the expression is not one, or would take
    /// more than 1 MiB when compiled.
    pub fn new(
        label: impl Into<String>,
        op: MatchOp,
        value: impl Into<String>,
    ) -> Result<Self, MatcherError> {
        let (label, value) = (label.into(), value.into());
        if !is_label_name(&label) {
            return Err(MatcherError(format!(
                "{label:?} is no name of a label; names have letters, digits and _, and begin with no digit"
            )));
        }
        let regex = op.has_expression().then(|| compiled(&label, &value));
        let regex = regex.transpose()?;
        let matcher = Self {
            label,
            op,
            value,
            regex,
        };
        matcher.checked()
    }

    /// Reads `label OP value`, the value with or without double quotes: `severity=~"warning|critical"`. Within quotes
    /// `\"`, `\\` and `\n` stand for a quote, a backslash and a line break; a backslash before anything else is itself,
    /// so that expressions need no doubled ones.
    ///
    /// # Errors
    ///
    /// When the text has no operator, a quote is not closed, or as [`new`](Self::new) says.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let wrong = |what: &str| MatcherError(format!("{text:?} {what}; {LOOKS}"));
        let label_end = text.find(['=', '!']).unwrap_or(text.len());
        let (label, rest) = text.split_at(label_end);
        let (op, value) = MatchOp::split(rest).ok_or_else(|| wrong("has no operator"))?;
        let value = unquoted(value.trim()).ok_or_else(|| wrong("has a quote out of place"))?;
        Self::new(label.trim(), op, value)
    }

    /// The label's name.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How its value is compared.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether an alert fulfils the condition.
    pub fn matches(&self, alert: &Alert) -> bool {
        let value = alert.label(&self.label);
        self.matches_value(value.as_deref().unwrap_or_default())
    }

    /// Whether an alert without the label fulfils the condition.
    pub(crate) fn matches_missing(&self) -> bool {
        self.matches_value("")
    }

    /// Whether a value of the label fulfils the condition.
    pub(crate) fn matches_value(&self, value: &str) -> bool {
        let alike = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        alike == matches!(self.op, MatchOp::Equal | MatchOp::Matches)
    }

    fn checked(self) -> Result<Self, MatcherError> {
        if self.value.len() > VALUE_BYTES_MAX {
            return Err(MatcherError(format!(
                "the value for {} has {} bytes, more than the {VALUE_BYTES_MAX} of a matcher; use several rules, or a label of your own",
                self.label,
                self.value.len()
            )));
        }
        Ok(self)
    }
}

/// Said where a text is none.
const LOOKS: &str = "a matcher looks like severity=\"critical\", with =, !=, =~ or !~";

/// Whether an alert fulfils all of the conditions; with none it does.
pub(crate) fn all_match(matchers: &[Matcher], alert: &Alert) -> bool {
    matchers.iter().all(|matcher| matcher.matches(alert))
}

/// Whether a text can be a label's name.
pub(crate) fn is_label_name(text: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(starts) && text.chars().all(|c| starts(c) || c.is_ascii_digit())
}

fn compiled(label: &str, expression: &str) -> Result<Regex, MatcherError> {
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        let limited = builder.size_limit(REGEX_BYTES_MAX);
        limited.dfa_size_limit(REGEX_BYTES_MAX).build()
    };
    // By itself first: `a)|(b` would be one within the brackets that anchor it.
    build(expression)
        .and_then(|_| build(&format!("^(?:{expression})$")))
        .map_err(|error| {
            MatcherError(format!(
                "the expression for {label} cannot be used: {error}"
            ))
        })
}

/// The text without its quotes; `None` when there is one quote alone, or one within.
fn unquoted(text: &str) -> Option<String> {
    let Some(opened) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let mut value = String::with_capacity(opened.len());
    let mut rest = opened.chars();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(value),
            '\\' => unescape(&mut rest, &mut value)?,
            c => value.push(c),
        }
    }
}

/// Takes what follows a backslash.
fn unescape(rest: &mut std::str::Chars<'_>, value: &mut String) -> Option<()> {
    match rest.next()? {
        'n' => value.push('\n'),
        c @ ('"' | '\\') => value.push(c),
        c => value.extend(['\\', c]),
    }
    Some(())
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        // The compiled expression follows from the value.
        (&self.label, self.op, &self.value) == (&other.label, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        let value = value.replace('\n', "\\n");
        write!(f, "{}{}\"{value}\"", self.label, self.op.as_str())
    }
}

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, value: &str) -> bool {
        Matcher::parse(text).unwrap().matches_value(value)
    }

    fn refused(text: &str) -> String {
        Matcher::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_four_operators_compare_the_whole_value() {
        assert!(matches("a=b", "b") && !matches("a=b", "bb"));
        assert!(matches("a!=b", "c") && !matches("a!=b", "b"));
        assert!(matches(r#"a=~"b|c.*""#, "cd") && !matches(r#"a=~"b|c""#, "bc"));
        assert!(matches(r#"a!~"b|c""#, "bc") && !matches(r#"a!~"b|c""#, "b"));
        assert!(!matches("a=~b", "b\n"), "anchored at the very end");
    }

    #[test]
    fn a_label_that_is_missing_is_the_empty_text() {
        assert!(matches(r#"a="""#, "") && matches("a=", ""));
        assert!(matches("a!=b", "") && matches("a=~.*", "") && matches("a!~.+", ""));
        assert!(!matches("a=~.+", ""));
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for text in [
            r#"a="b""#,
            r#"a!="b \"c\" \\ d\ne""#,
            r#"a=~"\\d+\\.x""#,
            r#"a!~"""#,
        ] {
            let matcher = Matcher::parse(text).unwrap();
            assert_eq!(matcher.to_string(), text);
            assert_eq!(
                Matcher::parse(&matcher.to_string()).unwrap().value(),
                matcher.value()
            );
        }
        let json = serde_json::to_string(&Matcher::parse(" a =~ b ").unwrap()).unwrap();
        assert_eq!(json, r#""a=~\"b\"""#);
        assert!(serde_json::from_str::<Matcher>(r#""a=~(""#).is_err());
    }

    #[test]
    fn expressions_need_no_doubled_backslashes() {
        assert!(matches(r#"a=~"\d+""#, "42") && matches(r"a=~\d+", "42"));
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_what_one_looks_like() {
        for text in ["", "a", r#"a="b"#, r#"a=b""#, r#"a="b"c"#, r#"a="b\"#] {
            assert!(refused(text).contains("looks like"), "{text:?}");
        }
        assert!(refused("1a=b").contains("no name of a label"));
        assert!(refused("=b").contains("no name of a label"));
        assert!(refused("a-b=c").contains("no name of a label"));
    }

    #[test]
    fn an_expression_cannot_escape_its_anchors_or_grow_without_bound() {
        assert!(refused("a=~b)|(c").contains("the expression for a"));
        assert!(refused("a=~(b").contains("unclosed group"));
        assert!(refused("a=~(b{1000}){1000}").contains("size limit"));
        assert!(refused(&format!("a={}", "x".repeat(5_000))).contains("4096"));
    }
}
