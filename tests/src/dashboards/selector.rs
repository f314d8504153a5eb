//! The short words for selectors in expressions.

/// Codes of RPCs that blame the server.
const FAULT: &str =
    "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded";

const WORDS: [(&str, &str); 6] = [
    (
        "[etcd]",
        r#"job=~"$job",cluster="$cluster",member=~"$member""#,
    ),
    ("[whole]", r#"job=~"$job",cluster="$cluster""#),
    ("[cluster]", r#"cluster="$cluster""#),
    ("[member]", r#"cluster="$cluster",member=~"$member""#),
    ("[clusters]", r#"cluster=~"$cluster""#),
    ("[fault]", FAULT),
];

/// The expression with each word replaced by what it stands for.
pub(super) fn written_out(expression: &str) -> String {
    WORDS
        .iter()
        .fold(expression.to_owned(), |text, (word, selector)| {
            text.replace(word, selector)
        })
}
