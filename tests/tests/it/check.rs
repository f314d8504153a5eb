//! `etcd-monitor check`: one look, one answer, one exit code.

use std::fs;
use std::time::{Duration, Instant};

use etcd_monitor_testkit::{AlarmKind, Cluster, TestCa, TlsMode};
use etcd_monitor_tests::harness::{Ended, daemon_binary, run_to_end};
use serde_json::Value;

use crate::shared::shared;
use crate::{items, one, started, text, three, true_finding};

/// What the check promises, also where a member hangs.
const PROMISED: Duration = Duration::from_secs(3);

async fn check(arguments: &[&str]) -> Ended {
    run_to_end([&["check"], arguments].concat()).await
}

/// Checks the members given, and returns the document; the exit code must be the one that is expected.
async fn document(code: i32, arguments: &[&str]) -> Value {
    let ended = check(&[arguments, &["-w", "json"]].concat()).await;
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["exit_code"], code);
    document
}

async fn document_of(code: i32, cluster: &Cluster) -> Value {
    document(code, &["--endpoints", cluster.member(0).client_url()]).await
}

#[tokio::test]
async fn a_healthy_cluster_is_0_in_every_form() {
    let endpoint = shared().cluster.member(0).client_url();
    let healthy = document_of(0, &shared().cluster).await;
    assert_eq!(
        (text(&healthy, "verdict"), &healthy["healthy"]),
        ("ok", &Value::Bool(true))
    );
    assert_eq!(items(&healthy, "members").len(), 3, "the others were found");
    assert!(healthy["leader"]["id"].is_string(), "{healthy:#}");
    let gaps = items(&healthy["coverage"], "rules");
    assert!(
        !gaps.is_empty(),
        "what compares over minutes is not known in one look"
    );

    let table = check(&["--endpoints", endpoint]).await;
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""));
    for part in [
        "Cluster default: OK.",
        "MEMBER",
        "leader",
        "Not evaluable",
        "LinkFailing",
    ] {
        assert!(
            table.stdout.contains(part),
            "{part:?} is not in: {}",
            table.stdout
        );
    }
    let simple = check(&["--endpoints", endpoint, "-w", "simple"]).await;
    assert!(
        simple.stdout.starts_with("Cluster default: OK."),
        "{simple:#?}"
    );
    assert_eq!(table.left_behind, [""; 0], "it keeps nothing");
}

#[tokio::test]
async fn the_answer_goes_to_a_file_where_one_is_named() {
    let endpoint = shared().cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    let path = file.to_str().unwrap();
    let ended = check(&["--endpoints", endpoint, "-w", "json", "-o", path]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["cluster"], "default");
    let nowhere = check(&["--endpoints", endpoint, "-o", "/nowhere/at/all"]).await;
    assert_eq!(nowhere.code, Some(3));
    assert!(
        nowhere.stderr.contains("--output /nowhere/at/all"),
        "{nowhere:#?}"
    );
}

#[tokio::test]
async fn a_dead_member_and_a_lost_quorum_are_2_and_named() {
    let cluster = three().await;
    cluster.member(1).kill().await.unwrap();
    let down = document_of(2, &cluster).await;
    let finding = true_finding(&down, "MemberDown").unwrap();
    assert_eq!(finding["subject"]["name"], cluster.member(1).name());
    assert!(true_finding(&down, "QuorumLost").is_none(), "{down:#}");

    cluster.member(2).kill().await.unwrap();
    let lost = document_of(2, &cluster).await;
    assert!(
        text(&lost, "sentence").starts_with("Quorum lost"),
        "{lost:#}"
    );
    let simple = check(&[
        "--endpoints",
        cluster.member(0).client_url(),
        "-w",
        "simple",
    ])
    .await;
    let line = |line: &str| line.starts_with("critical QuorumLost cluster default: Quorum lost");
    assert!(simple.stdout.lines().any(line), "{}", simple.stdout);
}

#[tokio::test]
async fn a_member_that_hangs_is_a_warning_in_time_while_one_more_may_fail() {
    let cluster = started(Cluster::builder().members(5).links(false)).await;
    cluster.member(4).stop().unwrap();
    let began = Instant::now();
    let hanging = document_of(1, &cluster).await;
    let took = began.elapsed();
    assert!(took <= PROMISED, "it took {took:?}");
    let finding = true_finding(&hanging, "MemberDown").unwrap();
    assert_eq!(finding["subject"]["name"], cluster.member(4).name());
    assert_eq!(finding["severity"], "warning");
    assert!(
        text(finding, "cause").contains("no answer within the deadline"),
        "{finding:#}"
    );
}

#[tokio::test]
async fn a_space_alarm_is_2_with_what_to_do() {
    let cluster = one().await;
    cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    let ended = check(&["--endpoints", cluster.member(0).client_url()]).await;
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    for part in ["CRITICAL", "AlarmNoSpace", "What to do:", "etcdctl"] {
        assert!(
            ended.stdout.contains(part),
            "{part:?} is not in: {}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn where_no_member_answers_nothing_is_known() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    cluster.member(0).kill().await.unwrap();
    let dead = document(3, &["--endpoints", endpoint]).await;
    assert_eq!(text(&dead, "verdict"), "no_answer");
    assert!(
        text(&dead, "sentence").contains("refused the connection"),
        "{dead:#}"
    );

    cluster.member(0).start().unwrap();
    cluster.wait_ready(crate::SOON).await.unwrap();
    cluster.member(0).stop().unwrap();
    let began = Instant::now();
    let silent = document(3, &["--endpoints", endpoint]).await;
    let took = began.elapsed();
    assert!(took <= PROMISED, "it took {took:?}");
    assert!(
        text(&silent, "sentence").contains("timed out"),
        "{silent:#}"
    );
    cluster.member(0).cont().unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_no_answer_and_named() {
    let cluster = started(Cluster::builder().members(1).tls(TlsMode::ServerOnly)).await;
    let endpoint = cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.crt");
    fs::write(&other, TestCa::new("another authority").unwrap().pem()).unwrap();
    let wrong = document(
        3,
        &["--endpoints", endpoint, "--cacert", other.to_str().unwrap()],
    )
    .await;
    let finding = true_finding(&wrong, "TlsFailed").unwrap();
    assert!(text(finding, "cause").contains("authority"), "{finding:#}");

    let right = cluster.ca_file().unwrap().to_str().unwrap();
    document(0, &["--endpoints", endpoint, "--cacert", right]).await;
}

#[tokio::test]
async fn a_wrong_password_is_no_answer_and_named_but_not_shown() {
    let cluster = started(Cluster::builder().members(1).auth(true)).await;
    let endpoint = cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "not-the-password\n").unwrap();
    let path = file.to_str().unwrap();
    let user = [
        "--endpoints",
        endpoint,
        "--user",
        "root",
        "--password-file",
        path,
    ];
    let wrong = document(3, &user).await;
    assert!(
        true_finding(&wrong, "AuthenticationFailed").is_some(),
        "{wrong:#}"
    );
    assert!(!wrong.to_string().contains("not-the-password"));

    fs::write(&file, cluster.password().unwrap()).unwrap();
    document(0, &user).await;
}

#[tokio::test]
async fn wrong_arguments_are_3_with_one_message() {
    let cases: [(&[&str], &str); 5] = [
        (&["--endpoint", "a:1"], "--endpoints"),
        (&["--endpoints", "a:notaport"], "a:notaport"),
        (&["--cacert", "/nowhere/ca.crt"], "/nowhere/ca.crt"),
        (&["--user", "root"], "--password-file"),
        (&["-w", "xml"], "table"),
    ];
    for (arguments, said) in cases {
        let ended = check(arguments).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(3), ""),
            "{arguments:?}"
        );
        assert!(
            ended.stderr.contains(said),
            "{said:?} is not in: {}",
            ended.stderr
        );
        assert_eq!(
            ended.stderr.matches("error:").count(),
            1,
            "{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn the_help_shows_examples_and_exit_codes() {
    let help = check(&["--help"]).await;
    assert_eq!(help.code, Some(0));
    for part in [
        "Examples:",
        "cron",
        "Exit codes",
        "--password-file",
        "-w, --write-out",
    ] {
        assert!(
            help.stdout.contains(part),
            "{part:?} is not in: {}",
            help.stdout
        );
    }
}

/// A pipe whose reader has gone is not a failed check.
#[tokio::test]
async fn a_reader_that_goes_away_changes_no_exit_code() {
    let endpoint = shared().cluster.member(0).client_url();
    let script = r#""$1" check --endpoints "$2" -w json | true; exit "${PIPESTATUS[0]}""#;
    let program = daemon_binary();
    let ended = tokio::process::Command::new("bash")
        .args(["-c", script, "check"])
        .arg(program)
        .arg(endpoint)
        .status()
        .await
        .unwrap();
    assert_eq!(ended.code(), Some(0));
}
