//! Benchmarks that are asked for by the API.

use std::time::Duration;

use etcd_client::{Client, ConnectOptions, GetOptions, Permission, PermissionType};
use etcd_monitor_testkit::{AlarmKind, Cluster};
use etcd_monitor_tests::harness::{Daemon, Events, Reply, until};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::muting::{NO_SPACE, changed, watched};
use crate::openapi::Description;
use crate::{SOON, items, number, one, started, text};

const BENCHMARK: &str = "/api/v1/performance/benchmark";
const BY_ID: &str = "/api/v1/performance/benchmark/{id}";

/// A supervisor's patience: a promise to users.
const PROMISED: Duration = Duration::from_secs(5);

async fn ask(daemon: &Daemon, body: &Value) -> Reply {
    changed(daemon, Method::POST, BENCHMARK, body).await
}

/// Asks for one that is taken in, and returns where it is.
async fn begun(daemon: &Daemon, body: &Value) -> String {
    let reply = ask(daemon, body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    text(&reply.json(), "url").to_owned()
}

/// One that would take 25 s.
fn long() -> Value {
    json!({"benchmark_type": "write", "operations": 10_000, "rate_limit": 400})
}

async fn in_state(daemon: &Daemon, url: &str, state: &str) -> Value {
    let is = |job: &Value| (job["state"] == state).then(|| job.clone());
    let what = format!("{url} is {state}");
    daemon.until(SOON, url, &what, is).await
}

/// Waits until it has written some keys.
async fn measuring(daemon: &Daemon, url: &str) {
    let writes = |job: &Value| {
        let progress = &job["progress"];
        let writes = progress["phase"] == "measuring" && number(progress, "succeeded") > 0.0;
        writes.then_some(())
    };
    daemon.until(SOON, url, "it measures", writes).await;
}

async fn keys(cluster: &Cluster) -> i64 {
    let login = cluster.user().map(|user| {
        let password = cluster.password().unwrap_or_default();
        ConnectOptions::new().with_user(user, password)
    });
    let client = Client::connect([cluster.member(0).client_url()], login).await;
    let all = GetOptions::new().with_all_keys().with_count_only();
    client.unwrap().get("", Some(all)).await.unwrap().count()
}

async fn cancel(daemon: &Daemon, url: &str) -> Reply {
    changed(daemon, Method::DELETE, url, &json!({})).await
}

#[tokio::test]
async fn one_runs_to_its_end_and_is_kept_with_its_report_and_no_key_stays() {
    let (cluster, daemon) = watched().await;
    let description = Description::of(&daemon).await;
    let body = json!({"benchmark_type": "mixed", "operations": 300});
    let reply = ask(&daemon, &body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    description.holds("post", BENCHMARK, &reply);
    let asked = reply.json();
    let url = text(&asked, "url");
    assert_eq!(reply.header("location"), url);
    assert_eq!(asked["asked"]["clients"], 10);

    // The stream ends with the benchmark.
    let mut events = Events::follow(&daemon, &format!("{url}/events")).await;
    let mut last = Value::Null;
    while let Some(event) = events.next(SOON).await {
        assert_eq!(event.kind, "benchmark");
        last = event.data;
    }
    assert_eq!(last["state"], "finished", "{last:#}");
    let job = daemon.get(url).await;
    description.holds("get", BY_ID, &job);
    let job = job.json();
    assert_eq!(job, last);
    let report = &job["report"];
    assert_eq!(
        (&report["succeeded"], &report["failed"]),
        (&300.into(), &0.into())
    );
    assert_eq!(report["accounting"]["verdict"], "nothing_lost");
    assert_eq!(report["plan"]["prefix"], job["prefix"]);
    assert_eq!(
        (&job["reason"], &job["keys_left"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(keys(&cluster).await, 0);

    let listed = daemon.get(BENCHMARK).await;
    description.holds("get", BENCHMARK, &listed);
    let listed = listed.json();
    assert_eq!(listed["limits"]["operations"]["most"], 10_000);
    let line = &items(&listed, "benchmarks")[0];
    assert_eq!((&line["id"], &line["state"]), (&job["id"], &job["state"]));
    // Read from the report's text and written again, a number may differ in its last digit.
    let (line, whole) = (number(line, "per_second"), number(report, "per_second"));
    assert!((line / whole - 1.0).abs() < 1e-12, "{line} {whole}");
    let counted = "etcd_monitor_benchmarks_total{cluster=\"default\",outcome=\"finished\"} 1";
    let page = daemon.get("/metrics").await.text();
    assert!(page.contains(counted), "{page}");
}

#[tokio::test]
async fn there_is_one_at_a_time_within_limits_and_it_can_be_cancelled() {
    let (cluster, daemon) = watched().await;
    let description = Description::of(&daemon).await;
    for (body, status, code) in [
        (
            json!({"benchmark_type": "write", "operations": 10_001}),
            422,
            "benchmark_limit",
        ),
        (
            json!({"benchmark_type": "write", "rate_limit": 1_001}),
            422,
            "benchmark_limit",
        ),
        (
            json!({"benchmark_type": "write", "rate_limit": 10}),
            422,
            "benchmark_limit",
        ),
        (
            json!({"benchmark_type": "write", "duration": 5}),
            400,
            "bad_body",
        ),
        (json!({"benchmark_type": "watch"}), 400, "bad_body"),
        (json!({"operations": 5}), 400, "bad_body"),
    ] {
        let refused = ask(&daemon, &body).await;
        description.holds("post", BENCHMARK, &refused);
        let problem = refused.json();
        assert_eq!(
            (refused.status, text(&problem, "code")),
            (status, code),
            "{problem:#}"
        );
    }

    let url = begun(&daemon, &long()).await;
    let second = ask(&daemon, &long()).await;
    description.holds("post", BENCHMARK, &second);
    let problem = second.json();
    assert_eq!(
        (
            second.status,
            text(&problem, "code"),
            text(&problem, "benchmark")
        ),
        (409, "benchmark_under_way", url.as_str())
    );
    measuring(&daemon, &url).await;

    let cancelled = cancel(&daemon, &url).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    description.holds("delete", BY_ID, &cancelled);
    let job = cancelled.json();
    assert_eq!(
        (text(&job, "state"), text(&job["reason"], "code")),
        ("cancelled", "cancelled")
    );
    assert_eq!(job["report"]["ended_early"], "stopped");
    assert!(number(&job["report"], "succeeded") > 0.0);
    assert_eq!(keys(&cluster).await, 0);
    let again = cancel(&daemon, &url).await;
    description.holds("delete", BY_ID, &again);
    assert_eq!(again.json()["code"], "benchmark_over");
    let unknown = cancel(&daemon, &format!("{BENCHMARK}/nothing")).await;
    description.holds("delete", BY_ID, &unknown);
    assert_eq!(unknown.json()["code"], "benchmark_unknown");
}

#[tokio::test]
async fn an_alarm_ends_the_one_that_runs_and_lets_no_other_begin() {
    let (cluster, daemon) = watched().await;
    // Writes hear of the alarm themselves, reads do not.
    for kind in ["write", "read"] {
        let body = json!({"benchmark_type": kind, "operations": 2_000, "rate_limit": 500});
        let url = begun(&daemon, &body).await;
        measuring(&daemon, &url).await;
        cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
        let job = in_state(&daemon, &url, "aborted").await;
        assert_eq!(job["reason"]["code"], "alarm_raised", "{job:#}");
        assert!(number(&job["report"], "succeeded") > 0.0, "{job:#}");
        assert_eq!(job["keys_left"], Value::Null);
        assert_eq!(keys(&cluster).await, 0);

        crate::finding_of(&daemon, NO_SPACE).await;
        let refused = ask(&daemon, &long()).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert_eq!(text(&refused.json(), "code"), "alarm_raised");
        Description::of(&daemon)
            .await
            .holds("post", BENCHMARK, &refused);
        cluster.disarm_alarms().await.unwrap();
        crate::healthy(&daemon, 1).await;
    }
}

#[tokio::test]
async fn what_would_fill_the_database_is_refused() {
    let small = Cluster::builder().members(1).quota_backend_bytes(16 << 20);
    let cluster = started(small).await;
    let endpoint = cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "500ms"]).await;
    crate::healthy(&daemon, 1).await;
    let body = json!({"benchmark_type": "write", "operations": 5_000, "value_size": 4_096});
    let refused = ask(&daemon, &body).await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, text(&problem, "code")),
        (409, "quota_nearly_reached"),
        "{problem:#}"
    );
}

#[tokio::test]
async fn results_outlive_the_daemon_and_what_it_left_is_deleted() {
    let (cluster, first) = watched().await;
    let finished = begun(
        &first,
        &json!({"benchmark_type": "write", "operations": 20}),
    )
    .await;
    let before = in_state(&first, &finished, "finished").await;
    let stopped = begun(&first, &long()).await;
    measuring(&first, &stopped).await;
    first.signal(Signal::TERM);
    assert_eq!(
        first.ended(PROMISED).await.code(),
        Some(0),
        "{}",
        first.log().text()
    );
    assert_eq!(keys(&cluster).await, 0);

    let arguments = [
        "--endpoints",
        cluster.member(0).client_url(),
        "--interval",
        "500ms",
    ];
    let second = Daemon::start_on(first.data_dir(), arguments).await;
    assert_eq!(second.json(&finished).await, before);
    let job = second.json(&stopped).await;
    assert_eq!(
        (text(&job, "state"), text(&job["reason"], "code")),
        ("cancelled", "daemon_stopped")
    );
    assert!(number(&job["report"], "succeeded") > 0.0, "{job:#}");
    let killed = begun(&second, &long()).await;
    measuring(&second, &killed).await;
    second.signal(Signal::KILL);
    second.ended(PROMISED).await;
    assert!(keys(&cluster).await > 0);

    let third = Daemon::start_on(first.data_dir(), arguments).await;
    let job = in_state(&third, &killed, "failed").await;
    assert_eq!(text(&job["reason"], "code"), "daemon_killed");
    let clean = |job: &Value| job["keys_left"].is_null().then_some(());
    third
        .until(SOON, &killed, "its keys are deleted", clean)
        .await;
    assert_eq!(keys(&cluster).await, 0);
    assert_eq!(items(&third.json(BENCHMARK).await, "benchmarks").len(), 3);
}

/// A daemon on the member as a user who may read, and write nothing.
async fn watched_by_a_reader(cluster: &Cluster, folder: &std::path::Path) -> Daemon {
    let endpoint = cluster.member(0).client_url();
    let login =
        ConnectOptions::new().with_user(cluster.user().unwrap(), cluster.password().unwrap());
    let mut root = Client::connect([endpoint], Some(login)).await.unwrap();
    root.role_add("reader").await.unwrap();
    let all = Permission::new(PermissionType::Read, "\0").with_from_key();
    root.role_grant_permission("reader", all).await.unwrap();
    root.user_add("reader", "only-reads", None).await.unwrap();
    root.user_grant_role("reader", "reader").await.unwrap();
    let password = folder.join("password");
    std::fs::write(&password, "only-reads").unwrap();
    let password = password.to_str().unwrap();
    let login = ["--user", "reader", "--password-file", password];
    Daemon::start(
        [
            &["--endpoints", endpoint, "--interval", "500ms"],
            &login[..],
        ]
        .concat(),
    )
    .await
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let cluster = started(Cluster::builder().members(1).auth(true)).await;
    let folder = tempfile::tempdir().unwrap();
    let daemon = watched_by_a_reader(&cluster, folder.path()).await;
    crate::healthy(&daemon, 1).await;
    for kind in ["write", "read"] {
        let url = begun(&daemon, &json!({"benchmark_type": kind, "operations": 20})).await;
        let job = in_state(&daemon, &url, "failed").await;
        let reason = &job["reason"];
        assert_eq!(text(reason, "code"), "permission_denied", "{job:#}");
        assert!(
            text(reason, "detail").contains("permission denied"),
            "{reason:#}"
        );
    }
    assert_eq!(keys(&cluster).await, 0);
}

#[tokio::test]
async fn what_a_user_may_write_but_a_member_does_not_answer_is_cut_off_in_time() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "500ms"]).await;
    crate::healthy(&daemon, 1).await;
    let url = begun(&daemon, &long()).await;
    measuring(&daemon, &url).await;
    cluster.member(0).stop().unwrap();
    daemon.signal(Signal::TERM);
    assert_eq!(
        daemon.ended(PROMISED).await.code(),
        Some(0),
        "{}",
        daemon.log().text()
    );
    cluster.member(0).cont().unwrap();

    let again = Daemon::start_on(
        daemon.data_dir(),
        ["--endpoints", endpoint, "--interval", "500ms"],
    )
    .await;
    let job = again.json(&url).await;
    assert_eq!(text(&job, "state"), "cancelled", "{job:#}");
    until(SOON, "its keys are deleted", async || {
        match keys(&cluster).await {
            0 => Ok(()),
            left => Err(format!("{left} are there")),
        }
    })
    .await;
}
