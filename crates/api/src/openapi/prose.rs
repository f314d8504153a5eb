//! Sentences of the sources, said for readers of JSON.

/// A comment as a description: without links into the sources, and with JSON's word for what is not there.
pub(super) fn of_json(comment: &str) -> String {
    without_links(comment).replace("`None`", "null")
}

/// Without the brackets around links, and without where these lead.
fn without_links(comment: &str) -> String {
    let mut plain = String::with_capacity(comment.len());
    let mut rest = comment;
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else {
            plain.push_str("[`");
            rest = link;
            continue;
        };
        plain.push('`');
        plain.push_str(name);
        plain.push('`');
        rest = without_target(after);
    }
    plain.push_str(rest);
    plain
}

fn without_target(after: &str) -> &str {
    let target = after.strip_prefix('(');
    let rest = target.and_then(|target| target.split_once(')'));
    rest.map_or(after, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_nowhere_and_none_is_null() {
        assert_eq!(
            of_json("At most [`LIMIT`](crate::LIMIT); [`Subject::key`] (or `None`), [x]."),
            "At most `LIMIT`; `Subject::key` (or null), [x]."
        );
        assert_eq!(of_json("[`open"), "[`open");
    }
}
