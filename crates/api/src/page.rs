//! Lists that grow are answered in pages.

use crate::problem::Problem;

/// Entries of a page where the query does not say.
const LIMIT_DEFAULT: usize = 100;

/// The most entries of a page.
const LIMIT_MAX: usize = 1_000;

/// How many entries a page has.
pub(crate) fn limit(wanted: Option<usize>) -> Result<usize, Problem> {
    let limit = wanted.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        let reason = format!("limit: {limit} is not between 1 and {LIMIT_MAX}");
        Err(Problem::bad_query(&reason))
    }
}

/// The last entries of a list, and whether there are some before them.
pub(crate) fn last<T>(mut entries: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let before = entries.len().saturating_sub(limit);
    let page = entries.split_off(before);
    (page, before > 0)
}

/// The first entries of a list, and whether there are some after them.
pub(crate) fn first<T>(mut entries: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let more = entries.len() > limit;
    entries.truncate(limit);
    (entries, more)
}

/// A cursor that this server has not given.
pub(crate) fn bad_cursor(name: &str) -> Problem {
    Problem::bad_query(&format!(
        "{name}: no cursor of this list; take `next` of the page before"
    ))
}
