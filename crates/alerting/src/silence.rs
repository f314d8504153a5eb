//! Silences and acknowledgements: what people decide about alerts while the monitor runs.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_model::plain_text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Acknowledgement, Alert, Fingerprint};
use crate::matcher::{Matcher, all_match};

/// Silences that are kept at a time, those to come and those just over included: each alert is held against all of them.
pub const MAX_SILENCES: usize = 1_000;

/// How long a silence is kept after it is over, so that people can see what was silenced.
pub const SILENCE_RETENTION: Duration = Duration::from_hours(5 * 24);

/// Longest silence: what shall not be told for longer belongs into the configuration, where it is seen.
const LENGTH_MAX: Duration = Duration::from_hours(366 * 24);

/// Matchers of one silence.
const MATCHERS_MAX: usize = 16;

/// Characters of a comment: some lines.
const COMMENT_CHARS_MAX: usize = 1_000;

/// Characters of a name.
const AUTHOR_CHARS_MAX: usize = 100;

/// Nothing new is told about the alerts that fit all of its matchers, for some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Silence {
    /// What it is found by: 16 lower-case hex digits, drawn at random.
    pub id: String,
    /// All must match; at least one.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it is over: the first instant at which it does not hold.
    pub ends_at: Timestamp,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// Where a silence stands at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// It begins later.
    Pending,
    /// It holds.
    Active,
    /// It is over.
    Expired,
}

impl SilenceState {
    /// The state in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence cannot be made. A variant is what to correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// It would hold for every alert there is.
    #[error(
        "a silence needs a matcher that names something, such as cluster=\"prod\" or rule=~\"Disk.*\": this one would hold for every alert"
    )]
    Unlimited,
    /// There are too many matchers.
    #[error(
        "a silence has at most {MATCHERS_MAX} matchers, and this one has {0}; make several silences"
    )]
    TooManyMatchers(usize),
    /// It would end before it begins, or go on for longer than anybody would remember.
    #[error(
        "a silence ends after it begins, and within 366 days; this one would hold from {starts_at} to {ends_at}"
    )]
    Length {
        /// Its begin.
        starts_at: Timestamp,
        /// Its end.
        ends_at: Timestamp,
    },
    /// Nobody, or nothing, is named.
    #[error("a silence says who made it and why: the {0} is empty")]
    Missing(&'static str),
    /// A text is too long.
    #[error("the {what} has more than {most} characters; be brief")]
    TooLong {
        /// Which.
        what: &'static str,
        /// What it may have.
        most: usize,
    },
}

impl Silence {
    /// A silence with a new id.
    ///
    /// What cannot be shown is taken out of author and comment.
    ///
    /// # Errors
    ///
    /// When no matcher names anything, or there are more than 16; when it does not end after it begins and within 366
    /// days; when author (100 characters) or comment (1,000) is empty or too long.
    pub fn new(
        matchers: Vec<Matcher>,
        starts_at: Timestamp,
        ends_at: Timestamp,
        author: &str,
        comment: &str,
    ) -> Result<Self, SilenceError> {
        check_matchers(&matchers)?;
        check_length(starts_at, ends_at)?;
        Ok(Self {
            id: format!("{:016x}", rand::random::<u64>()),
            matchers,
            starts_at,
            ends_at,
            author: checked_text("author", author, AUTHOR_CHARS_MAX)?,
            comment: checked_text("comment", comment, COMMENT_CHARS_MAX)?,
        })
    }

    /// Where it stands at a time.
    pub fn state_at(&self, now: Timestamp) -> SilenceState {
        if now >= self.ends_at {
            SilenceState::Expired
        } else if now >= self.starts_at {
            SilenceState::Active
        } else {
            SilenceState::Pending
        }
    }

    /// Whether it holds for an alert at a time.
    pub fn mutes(&self, alert: &Alert, now: Timestamp) -> bool {
        self.state_at(now) == SilenceState::Active && all_match(&self.matchers, alert)
    }

    /// Whether it has been over for so long that nobody needs it any more.
    pub(crate) fn is_forgotten(&self, now: Timestamp) -> bool {
        self.ends_at
            .checked_add(SILENCE_RETENTION)
            .is_ok_and(|end| end <= now)
    }
}

/// Everything that people decided about alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutes {
    /// Silences, in the order in which they were made; those to come and those just over included.
    #[serde(default)]
    pub silences: Vec<Silence>,
    /// Alerts that somebody takes care of.
    #[serde(default)]
    pub acknowledgements: BTreeMap<Fingerprint, Acknowledgement>,
}

impl Mutes {
    /// The first silence that holds for an alert at a time.
    pub fn silence_of(&self, alert: &Alert, now: Timestamp) -> Option<&Silence> {
        self.silences
            .iter()
            .find(|silence| silence.mutes(alert, now))
    }

    /// When a silence begins or ends next; `None` when none does.
    pub fn next_change_after(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = |silence: &Silence| [silence.starts_at, silence.ends_at];
        let changes = self.silences.iter().flat_map(ends);
        changes.filter(|change| *change > now).min()
    }
}

impl Acknowledgement {
    /// Somebody takes care, from now on. What cannot be shown is taken out of the texts.
    ///
    /// # Errors
    ///
    /// When nobody is named, or a name has more than 100 or a comment more than 1,000 characters. A comment may be
    /// empty.
    pub fn new(by: &str, at: Timestamp, comment: &str) -> Result<Self, SilenceError> {
        Ok(Self {
            by: checked_text("author", by, AUTHOR_CHARS_MAX)?,
            at,
            comment: short_text("comment", comment, COMMENT_CHARS_MAX)?,
        })
    }
}

fn check_matchers(matchers: &[Matcher]) -> Result<(), SilenceError> {
    if matchers.len() > MATCHERS_MAX {
        return Err(SilenceError::TooManyMatchers(matchers.len()));
    }
    // As in Alertmanager: what every label fulfils that an alert does not have names nothing.
    let named = matchers.iter().any(|matcher| !matcher.matches_missing());
    named.then_some(()).ok_or(SilenceError::Unlimited)
}

fn check_length(starts_at: Timestamp, ends_at: Timestamp) -> Result<(), SilenceError> {
    let length = Duration::try_from(ends_at.duration_since(starts_at)).ok();
    let fits = length.is_some_and(|length| !length.is_zero() && length <= LENGTH_MAX);
    let wrong = SilenceError::Length { starts_at, ends_at };
    fits.then_some(()).ok_or(wrong)
}

fn checked_text(what: &'static str, text: &str, most: usize) -> Result<String, SilenceError> {
    let text = short_text(what, text, most)?;
    (!text.is_empty())
        .then_some(text)
        .ok_or(SilenceError::Missing(what))
}

fn short_text(what: &'static str, text: &str, most: usize) -> Result<String, SilenceError> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(SilenceError::TooLong { what, most });
    }
    Ok(plain_text(text).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Severity;

    use super::*;
    use crate::fixtures::{alert, matchers};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn silence(texts: &[&str], from: i64, to: i64) -> Result<Silence, SilenceError> {
        Silence::new(matchers(texts), at(from), at(to), "eve", "upgrade")
    }

    #[test]
    fn a_silence_holds_from_its_begin_up_to_its_end_for_what_it_names() {
        let silence = silence(&["cluster=a", "rule=~Member.*"], 100, 200).unwrap();
        let named = alert("a", "MemberDown", Severity::Critical);
        let holds = |second| silence.mutes(&named, at(second));
        assert_eq!([99, 100, 199, 200].map(holds), [false, true, true, false]);
        let states = [99, 100, 200].map(|second| silence.state_at(at(second)).as_str());
        assert_eq!(states, ["pending", "active", "expired"]);
        assert!(!silence.mutes(&alert("b", "MemberDown", Severity::Critical), at(100)));
        assert!(!silence.mutes(&alert("a", "NoLeader", Severity::Critical), at(100)));
    }

    #[test]
    fn no_silence_holds_for_everything() {
        for unlimited in [&[][..], &["cluster=~.*"], &["team=", "rule!=x"]] {
            assert_eq!(silence(unlimited, 0, 1), Err(SilenceError::Unlimited));
        }
        assert!(silence(&["cluster=~.*", "rule=~.+"], 0, 1).is_ok());
        let many = vec!["cluster=a"; 17];
        assert_eq!(silence(&many, 0, 1), Err(SilenceError::TooManyMatchers(17)));
    }

    #[test]
    fn a_silence_ends_after_it_begins_and_within_a_year() {
        for (from, to) in [(10, 10), (10, 9), (0, 367 * 86_400)] {
            let error = silence(&["cluster=a"], from, to).unwrap_err();
            assert!(matches!(error, SilenceError::Length { .. }), "{error}");
        }
    }

    #[test]
    fn author_and_comment_are_there_and_can_be_shown() {
        let make = |author: &str, comment: &str| {
            Silence::new(matchers(&["cluster=a"]), at(0), at(1), author, comment)
        };
        assert_eq!(make(" ", "x"), Err(SilenceError::Missing("author")));
        assert_eq!(make("x", "\u{200b}"), Err(SilenceError::Missing("comment")));
        let long = make("x", &"y".repeat(1_001)).unwrap_err().to_string();
        assert_eq!(long, "the comment has more than 1000 characters; be brief");
        assert_eq!(make(" e\u{1b}ve ", "x").unwrap().author, "e ve");
        assert!(Acknowledgement::new("eve", at(0), "").is_ok());
        assert!(Acknowledgement::new("", at(0), "x").is_err());
    }

    #[test]
    fn ids_differ() {
        let make = || silence(&["cluster=a"], 0, 1).unwrap().id;
        assert_ne!(make(), make());
        assert_eq!(make().len(), 16);
    }

    #[test]
    fn the_next_change_is_the_nearest_begin_or_end_to_come() {
        let mutes = Mutes {
            silences: vec![
                silence(&["cluster=a"], 100, 200).unwrap(),
                silence(&["cluster=b"], 150, 300).unwrap(),
            ],
            ..Mutes::default()
        };
        let next = |second| {
            mutes
                .next_change_after(at(second))
                .map(Timestamp::as_second)
        };
        let expected = [Some(100), Some(150), Some(200), Some(300), None];
        assert_eq!([0, 100, 150, 299, 300].map(next), expected);
        let named = alert("b", "NoLeader", Severity::Info);
        assert_eq!(mutes.silence_of(&named, at(160)), mutes.silences.last());
        assert_eq!(mutes.silence_of(&named, at(100)), None);
    }
}
