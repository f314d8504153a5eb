use std::path::PathBuf;

use etcd_monitor_core::{ClusterName, Parameters, Recording, RecordingHead};
use jiff::{SignedDuration, Timestamp};

use super::*;

/// The examples that the manual shows.
fn documented() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("docs/rule-tests/alerts.test.yaml")
}

/// The outcomes of a file with this text, beside whatever was put there.
fn outcomes_of(text: &str) -> Result<Vec<RuleTestOutcome>, String> {
    let folder = tempfile::tempdir().unwrap();
    in_folder(folder.path(), text)
}

fn in_folder(folder: &Path, text: &str) -> Result<Vec<RuleTestOutcome>, String> {
    let path = folder.join("t.yaml");
    std::fs::write(&path, text).unwrap();
    let outcome = file(&path).map(|file| file.tests);
    outcome.map_err(|error| {
        error
            .to_string()
            .replace(&path.display().to_string(), "t.yaml")
    })
}

fn refused(text: &str) -> String {
    outcomes_of(text).unwrap_err()
}

#[test]
fn the_examples_of_the_manual_pass() {
    let outcome = file(&documented()).unwrap();
    let report = text::report(&[outcome]);
    assert!(report.ends_with("\n4 ok, 0 FAILED\n"), "{report}");
}

#[test]
fn the_manual_shows_the_examples_as_they_are() {
    let path = documented();
    let page = std::fs::read_to_string(path.parent().unwrap().with_extension("md")).unwrap();
    for name in ["etcd-monitor.yaml", "alerts.test.yaml"] {
        let example = std::fs::read_to_string(path.with_file_name(name)).unwrap();
        let shown = format!("```yaml\n{example}```");
        assert!(
            page.contains(&shown),
            "docs/rule-tests.md does not show {name} as it is"
        );
    }
}

#[test]
fn what_differs_is_shown_with_what_was_expected() {
    let tests = outcomes_of(
        "tests:\n- name: down\n  findings: [{rule: MemberDown, member: m1, status: true}]\n  expect:\n  - {at: 5s, alerts: []}\n  - {at: 1m, alerts: [{rule: MemberDown, severity: critical}], notifications: []}\n",
    );
    let files = [FileOutcome {
        file: "t.yaml".to_owned(),
        tests: tests.unwrap(),
    }];
    assert_eq!(
        text::report(&files),
        "t.yaml
  FAILED down
         at 1m, alerts
           expected:
             MemberDown firing critical
           got:
             MemberDown firing warning default m1
         at 1m, notifications
           expected: none
           got:
             console fired warning MemberDown
0 ok, 1 FAILED
"
    );
    assert_eq!(text::lines(&files), "t.yaml: FAILED down\n");
    let json = serde_json::to_value(&files).unwrap();
    assert_eq!(json[0]["tests"][0]["mismatches"][0]["at_seconds"], 60.0);
}

#[test]
fn a_recording_is_judged_again_and_played() {
    let folder = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let seen = (0..10_i64).map(|cycle| {
        let at = start + SignedDuration::from_secs(5 * cycle);
        let refused = serde_json::json!({"at": at, "took_seconds": 0.0,
            "result": {"Err": {"kind": "refused", "message": "no"}}});
        let seen = serde_json::json!({
            "cluster": "default", "cycle": cycle + 1, "started_at": at, "ended_at": at, "interval_seconds": 5.0,
            "monitor": {"timer_lag_seconds": 0.0, "deadline_seconds": 2.0},
            "members": [{"endpoint": "http://x:2379", "origin": "configured", "status": refused}],
        });
        serde_json::from_value(seen).unwrap()
    });
    let head = RecordingHead::new(ClusterName::new("default"), Parameters::default());
    let path = folder.path().join("down.recording");
    Recording::of(head, seen.collect::<Vec<_>>())
        .save(&path)
        .unwrap();
    let text = "tests:\n- name: down\n  recording: down.recording\n  expect:\n  - {at: 8s, alerts: []}\n  - {at: 9s, alerts: [{rule: ClusterUnreachable, severity: critical}]}\n";
    let tests = in_folder(folder.path(), text).unwrap();
    assert!(tests[0].passed(), "{tests:?}");

    let both = text.replace("  expect", "  interval: 5s\n  expect");
    let error = in_folder(folder.path(), &both).unwrap_err();
    assert!(
        error.contains("line 3 column 14: a recording has its own times"),
        "{error}"
    );
    let missing = text.replace("down.recording", "up.recording");
    let error = in_folder(folder.path(), &missing).unwrap_err();
    assert!(error.contains("line 3 column 14: recording: "), "{error}");
}

#[test]
fn what_cannot_be_a_test_is_refused_with_line_column_and_suggestion() {
    let one = |key: &str| {
        refused(&format!(
            "tests:\n- name: x\n  findings: [{{rule: MemberDown, member: m1, status: true}}]\n  expect:\n  - {key}\n"
        ))
    };
    for (error, wanted) in [
        (refused("test: []"), "did you mean `tests`?"),
        (refused("tests: []"), "there are no tests in it"),
        (
            refused("interval: 1ms\ntests: [{name: x, expect: []}]"),
            "line 1 column 11: interval: ",
        ),
        (
            refused("tests: [{name: x, expect: []}]"),
            "line 1 column 16: series: there are no series",
        ),
        (one("{at: soon}"), "line 5 column 10: at: \"soon\""),
        (
            one("{at: 5s}"),
            "line 5 column 10: nothing is expected here",
        ),
        (one("{at: 5s, alert: []}"), "did you mean `alerts`?"),
        (
            one("{at: 5s, alerts: [{rule: MemberDwon}]}"),
            "line 5 column 30: no rule is named \"MemberDwon\"; did you mean MemberDown?",
        ),
        (
            one("{at: 5s, alerts: [{rule: MemberDown, state: resolved}]}"),
            "no state of an alert is named \"resolved\"",
        ),
        (
            one("{at: 5s, notifications: [{channel: consol, kind: fired}]}"),
            "did you mean console?",
        ),
        (
            one("{at: 5s, notifications: [{channel: console, kind: fire}]}"),
            "did you mean fired?",
        ),
        (
            one("{at: 10d, alerts: []}"),
            "line 5 column 10: at: it is later than 100000 cycles",
        ),
        (
            refused("config: none.yaml\ntests: [{name: x, expect: []}]"),
            "line 1 column 9: config: cannot read the configuration file",
        ),
    ] {
        assert!(
            error.starts_with("t.yaml: ") && error.contains(wanted),
            "{wanted}\n{error}"
        );
    }
}

#[test]
fn what_is_put_in_is_checked_where_it_stands() {
    let series = |series: &str| {
        refused(&format!(
            "tests:\n- name: x\n  series:\n  - {series}\n  expect: []\n"
        ))
    };
    for (error, wanted) in [
        (
            series("{metric: read_second, member: a, values: 1}"),
            "line 4 column 14: metric: there is no metric \"read_second\"; did you mean read_seconds?",
        ),
        (
            series("{metric: read_seconds, values: 1}"),
            "say which by `member`",
        ),
        (
            series("{metric: read_seconds, member: a, values: 1 one}"),
            "line 4 column 47: values: \"one\"",
        ),
        (
            series("{metric: read_seconds, member: a, from: b, values: 1}"),
            "line 4 column 14: this is about one thing",
        ),
    ] {
        assert!(error.contains(wanted), "{wanted}\n{error}");
    }
    let finding = |finding: &str| {
        refused(&format!(
            "tests:\n- name: x\n  findings:\n  - {finding}\n  expect: []\n"
        ))
    };
    for (error, wanted) in [
        (
            finding("{rule: MemberDwon, member: a, status: true}"),
            "line 4 column 12: rule: no finding has the rule \"MemberDwon\"; did you mean MemberDown?",
        ),
        (
            finding("{rule: MemberDown, member: a, status: maybe}"),
            "line 4 column 43: status: \"maybe\"",
        ),
        (
            finding("{rule: MemberDown, member: a, status: true, severity: high}"),
            "no severity is named \"high\"",
        ),
        (
            finding("{rule: MemberDown, member: a, status: true, caused_by: QuorumLst}"),
            "did you mean QuorumLost?",
        ),
    ] {
        assert!(error.contains(wanted), "{wanted}\n{error}");
    }
}

#[test]
fn clusters_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let with = |clusters: &str, cluster: &str| {
        std::fs::write(folder.path().join("c.yaml"), clusters).unwrap();
        in_folder(
            folder.path(),
            &format!(
                "config: c.yaml\ntests:\n- name: x\n  findings: [{{rule: NoLeader, status: true{cluster}}}]\n  expect: [{{at: 2m, alerts: [{{rule: NoLeader, cluster: b}}]}}]\n"
            ),
        )
    };
    let one = "clusters: [{name: b}]";
    let two = "clusters: [{name: a}, {name: b}]";
    assert!(with(one, "").unwrap()[0].passed());
    assert!(with(two, ", cluster: b").unwrap()[0].passed());
    assert!(
        with(two, "")
            .unwrap_err()
            .contains("say which by `cluster`")
    );
    let unknown = with(two, ", cluster: c").unwrap_err();
    assert!(
        unknown.contains("no cluster is named \"c\"; known: a, b"),
        "{unknown}"
    );
}

#[test]
fn exit_codes_tell_passed_failed_and_unusable_apart() {
    let folder = tempfile::tempdir().unwrap();
    let run_on = |text: &str| {
        let path = folder.path().join("t.yaml");
        std::fs::write(&path, text).unwrap();
        let arguments = TestRulesArgs {
            files: vec![path],
            output: crate::cli::OutputArgs {
                format: OutputFormat::Simple,
                output: Some(folder.path().join("answer")),
            },
        };
        run(&arguments)
    };
    let test = "tests: [{name: x, findings: [{rule: NoLeader, status: true}], expect: [{at: 2m, alerts: [ALERT]}]}]";
    let passing = test.replace("ALERT", "{rule: NoLeader}");
    assert_eq!(run_on(&passing), ExitCode::SUCCESS);
    assert_eq!(run_on(&test.replace("ALERT", "")), ExitCode::FAILURE);
    let answer = std::fs::read_to_string(folder.path().join("answer")).unwrap();
    assert!(answer.ends_with("t.yaml: FAILED x\n"), "{answer}");
    assert_eq!(run_on("nothing"), ExitCode::from(2));
}
