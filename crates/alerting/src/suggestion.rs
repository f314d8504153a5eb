//! What a misspelt name most likely meant.

/// The known name most like a written one; `None` when none is like it at all.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(written, name);
    let best = known
        .into_iter()
        .max_by(|left, right| likeness(left).total_cmp(&likeness(right)))?;
    (likeness(best) > 0.8).then_some(best)
}

/// `; did you mean NAME?` where a known name is like the written one, else nothing.
pub(crate) fn hint<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let meant = nearest(written, known);
    meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_nothing_has_no_suggestion() {
        assert_eq!(nearest("pagr", ["mail", "pager"]), Some("pager"));
        assert_eq!(nearest("xyzzy", ["mail", "pager"]), None);
        assert_eq!(hint("pagr", ["pager"]), "; did you mean pager?");
        assert_eq!(hint("xyzzy", ["pager"]), "");
    }
}
