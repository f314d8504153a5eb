//! Wrong usage: exit code 2, one message with place and remedy, nothing started. What the system refuses: exit code 1.

use std::fs;
use std::net::TcpListener;

use etcd_monitor_tests::harness::{Daemon, Ended, run_to_end};

use crate::shared::shared;

/// Runs it; it must refuse with this code, say all of this, and leave nothing behind.
async fn assert_refused(arguments: &[&str], code: i32, said: &[&str]) {
    let Ended {
        code: ended,
        stdout,
        stderr,
        left_behind,
    } = run_to_end(arguments).await;
    assert_eq!(ended, Some(code), "{arguments:?}: {stderr}");
    assert_eq!(stderr.matches("error:").count(), 1, "one message: {stderr}");
    for part in said {
        assert!(stderr.contains(part), "{part:?} is not in: {stderr}");
    }
    assert!(
        !stderr.contains(" INFO ") && stdout.is_empty(),
        "something started: {stderr}{stdout}"
    );
    assert_eq!(left_behind, [""; 0], "{arguments:?}");
}

#[tokio::test]
async fn wrong_flags_are_named_with_what_was_meant() {
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--endpoint", "a:1"], &["--endpoint", "--endpoints"]),
        (
            &["--endpoints", "127.0.0.1:notaport"],
            &["127.0.0.1:notaport", "port"],
        ),
        (&["--endpoints", "ftp://a:1"], &["ftp"]),
        (&["--api-port", "99999"], &["99999", "--api-port"]),
        (&["--interval", "5"], &["--interval", "5s"]),
        (&["--user", "root"], &["--password-file"]),
        (&["--webhook-url", "nonsense"], &["--webhook-url", "http"]),
        (
            &["--external-url", "nonsense"],
            &["--external-url", "https://"],
        ),
        (&["--metrics-url", "http://a:2381"], &["{host}"]),
    ];
    for (arguments, said) in cases {
        assert_refused(arguments, 2, said).await;
    }
}

#[tokio::test]
async fn files_that_are_missing_are_named() {
    let cases: [&[&str]; 4] = [
        &["--config", "/nowhere/at-all.yaml"],
        &["--cacert", "/nowhere/at-all.crt"],
        &[
            "--cert",
            "/nowhere/at-all.crt",
            "--key",
            "/nowhere/at-all.key",
        ],
        &["--user", "root", "--password-file", "/nowhere/at-all"],
    ];
    for arguments in cases {
        let file = arguments.last().unwrap();
        let file = file.strip_suffix(".key").unwrap_or(file);
        assert_refused(arguments, 2, &[file]).await;
    }
}

#[tokio::test]
async fn a_wrong_configuration_file_is_named_with_its_line_and_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monitor.yaml");
    let path = file.to_str().unwrap();
    let cases: [(&str, &[&str]); 6] = [
        (
            "api_port: 1\nintervall: 5s\n",
            &["intervall", "line 2", "did you mean `interval`?"],
        ),
        (
            "clusters:\n  - name: a\n    endpoint: [b:1]\n",
            &["line 3", "did you mean `endpoints`?"],
        ),
        ("clusters:\n  - name: [\n", &["line "]),
        (
            "clusters: [{name: a, endpoints: ['a:b:c']}]\n",
            &["\"a\"", "a:b:c"],
        ),
        (
            "clusters: [{name: a}, {name: a}]\n",
            &["two are named \"a\""],
        ),
        ("interval: soon\n", &["interval", "soon", "5s"]),
    ];
    for (text, said) in cases {
        fs::write(&file, text).unwrap();
        let arguments = ["--config", path];
        assert_refused(&arguments, 2, said).await;
        let Ended { stderr, .. } = run_to_end(arguments).await;
        assert!(
            stderr.contains(path) || !stderr.contains("line"),
            "a line of which file? {stderr}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_refused(&["--api-port", &port], 1, &[&port, "in use", "--api-port"]).await;
}

#[tokio::test]
async fn an_address_of_another_host_is_named_with_the_remedy() {
    let arguments = ["--listen", "192.0.2.1", "--api-port", "0"];
    assert_refused(&arguments, 1, &["192.0.2.1", "--listen"]).await;
}

#[tokio::test]
async fn a_second_daemon_on_the_same_data_is_refused_and_told_who_is_first() {
    let endpoint = shared().cluster.member(0).client_url();
    let first = Daemon::start(["--endpoints", endpoint]).await;
    let data_dir = first.data_dir().to_str().unwrap();
    let said = [&first.pid().to_string(), data_dir, "--data-dir"];
    assert_refused(&["--data-dir", data_dir, "--api-port", "0"], 1, &said).await;
    assert_eq!(first.get("/health").await.status, 200);
}

#[tokio::test]
async fn the_version_names_commit_and_target() {
    let Ended { code, stdout, .. } = run_to_end(["--version"]).await;
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("commit ") && stdout.contains("target "),
        "{stdout}"
    );
}
