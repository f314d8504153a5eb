//! The answer as text.

use std::fmt::Write;

use etcd_monitor_alerting::{Mismatch, RuleTestOutcome};
use etcd_monitor_model::plain_text;

use super::FileOutcome;

/// Each test with what differs, and how many there are.
pub(super) fn report(files: &[FileOutcome]) -> String {
    let mut report = String::new();
    for file in files {
        // Writing to a String cannot fail.
        let _ = writeln!(report, "{}", file.file);
        for test in &file.tests {
            let _ = writeln!(report, "  {}", line(test));
            report.extend(test.mismatches.iter().map(mismatch));
        }
    }
    let tests = || files.iter().flat_map(|file| &file.tests);
    let failed = tests().filter(|test| !test.passed()).count();
    let passed = tests().count() - failed;
    let _ = writeln!(report, "{passed} ok, {failed} FAILED");
    report
}

/// One line for each test.
pub(super) fn lines(files: &[FileOutcome]) -> String {
    let mut lines = String::new();
    for file in files {
        for test in &file.tests {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{}: {}", file.file, line(test));
        }
    }
    lines
}

fn line(test: &RuleTestOutcome) -> String {
    let word = if test.passed() { "ok    " } else { "FAILED" };
    format!("{word} {}", plain_text(&test.name))
}

fn mismatch(mismatch: &Mismatch) -> String {
    format!(
        "         at {}, {}\n           expected:{}\n           got:{}\n",
        mismatch.at_in_words(),
        mismatch.of,
        listed(&mismatch.expected),
        listed(&mismatch.got)
    )
}

fn listed(lines: &[String]) -> String {
    if lines.is_empty() {
        return " none".to_owned();
    }
    let indented = lines.iter().map(|line| plain_text(line));
    let indented = indented.flat_map(|line| ["\n             ".to_owned(), line]);
    indented.collect()
}
