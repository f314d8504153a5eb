//! Expressions as text.

/// An expression with the values that Grafana would put in for its variables.
pub(super) fn substituted(expression: &str, cluster: &str) -> String {
    let values = [
        ("$cluster", cluster),
        ("$job", "etcd"),
        ("$member", ".+"),
        // Four scrape intervals, as Grafana takes.
        ("$__rate_interval", "40s"),
        ("$__range", "1h"),
    ];
    let written = values
        .iter()
        .fold(expression.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
    assert!(!written.contains('$'), "a variable is left in {written}");
    written
}

/// An alert's expression without the comparison that makes it an alert, which is the last outside of all parentheses.
pub(super) fn without_last_comparison(expression: &str) -> String {
    let mut depth = 0;
    let mut last = None;
    for (place, letter) in expression.char_indices() {
        match letter {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            '<' | '>' | '=' | '!' if depth == 0 => {
                // The first sign of the operator.
                let before = expression[..place].chars().next_back();
                last = if before == Some(' ') {
                    Some(place)
                } else {
                    last
                };
            }
            _ => {}
        }
    }
    let place = last.unwrap_or_else(|| panic!("no comparison in {expression}"));
    expression[..place].trim_end().to_owned()
}

/// The names of metrics in an expression: what begins as they do, outside of quotes.
pub(super) fn metric_names(expression: &str) -> Vec<&str> {
    let outside = expression.split('"').step_by(2);
    let words = outside.flat_map(|part| part.split(|letter: char| !is_of_name(letter)));
    words.filter(|word| is_metric(word)).collect()
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

fn is_metric(word: &str) -> bool {
    const BEGINNINGS: [&str; 4] = ["etcd_", "grpc_server_", "process_", "go_"];
    word == "up"
        || BEGINNINGS
            .iter()
            .any(|beginning| word.starts_with(beginning))
}

#[test]
fn the_last_comparison_is_the_one_outside() {
    for (expression, rest) in [
        ("etcd_up == 0", "etcd_up"),
        ("(a > 2) > 0.5", "(a > 2)"),
        (
            "a{b!=\"c\"} and on (b) (c >= 1) != 3",
            "a{b!=\"c\"} and on (b) (c >= 1)",
        ),
    ] {
        assert_eq!(without_last_comparison(expression), rest);
    }
}

#[test]
fn names_of_labels_and_functions_are_no_metrics() {
    let expression =
        r#"sum by (grpc_code) (rate(grpc_server_handled_total{job="etcd_x"}[5m])) + up"#;
    assert_eq!(
        metric_names(expression),
        ["grpc_server_handled_total", "up"]
    );
}
