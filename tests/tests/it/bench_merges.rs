//! `etcd-bench merge`, as its users run it.

use etcd_monitor_tests::harness::{Ended, bench_binary, run_program_to_end};
use serde_json::Value;

use crate::one;

async fn bench<A: AsRef<str>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    run_program_to_end(bench_binary(), arguments).await
}

#[tokio::test]
async fn logs_of_workers_add_up_and_reports_of_other_times_do_not() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (worker, total) in [("1", "60"), ("2", "40")] {
        let (report, log) = (
            file(&format!("{worker}.json")),
            file(&format!("{worker}.hlog")),
        );
        let load = ["write", "--total", total, "--endpoints", endpoint];
        let files = ["-w", "json", "-o", &report, "--hdr-log", &log];
        let ended = bench([&load[..], &files].concat()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let logs = [file("1.hlog"), file("2.hlog")];
    let merged = bench(["merge", &logs[0], &logs[1], "-w", "json"]).await;
    assert_eq!(merged.code, Some(0), "{}", merged.stderr);
    let merged: Value = serde_json::from_str(&merged.stdout).unwrap();
    assert_eq!(merged["latencies"]["put"]["count"], 100);
    assert_eq!(merged["reports"], Value::Null);
    // A merged log is one like any other.
    let all = file("all.hlog");
    let written = bench(["merge", &logs[0], &logs[1], "-w", "hlog", "-o", &all]).await;
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let again = bench(["merge", &all, "-w", "json"]).await;
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["latencies"], merged["latencies"]);

    // One ran after the other.
    let apart = bench(["merge", &file("1.json"), &file("2.json")]).await;
    assert_eq!((apart.code, apart.stdout.as_str()), (Some(1), ""));
    assert!(apart.stderr.contains("do not add up"), "{}", apart.stderr);
    let both = bench(["merge", &file("1.json"), &logs[0]]).await;
    assert_eq!(both.code, Some(0), "{}", both.stderr);
    for part in ["(60 of 60 requests succeeded)", "LATENCY (ms)"] {
        assert!(both.stdout.contains(part), "{}", both.stdout);
    }
    let foreign = file("foreign.hlog");
    let text = std::fs::read_to_string(&logs[0]).unwrap();
    std::fs::write(&foreign, text.replace("nanoseconds", "milliseconds")).unwrap();
    let refused = bench(["merge", &logs[1], &foreign]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    for part in ["foreign.hlog", "milliseconds"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    let none = bench(["merge", &file("1.json"), "-w", "hlog"]).await;
    assert_eq!(none.code, Some(1));
    assert_eq!(bench(["merge"]).await.code, Some(2));
}
