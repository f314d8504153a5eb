//! The pages of `etcd-bench`: they stand alone.

use etcd_monitor_tests::harness::{bench_binary, run_program_to_end};

use crate::one;

/// What would load something, or run it.
const NOT_ALONE: [&str; 6] = ["<script", "<link", "<img", "src=", "href=", "url("];

#[tokio::test]
async fn a_report_is_a_page_at_once_and_later() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let [document, page] = ["report.json", "report.html"].map(|name| folder.path().join(name));
    let [document, page] = [document.to_str().unwrap(), page.to_str().unwrap()];
    let load = [
        "mixed",
        "--duration",
        "2s",
        "--rate",
        "50",
        "--key-space",
        "50",
    ];
    for flags in [["-w", "html", "-o", page], ["-w", "json", "-o", document]] {
        let arguments = [&load[..], &flags, &["--endpoints", endpoint]].concat();
        let ended = run_program_to_end(bench_binary(), arguments).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let later = run_program_to_end(bench_binary(), ["report", document]).await;
    assert_eq!(later.code, Some(0), "{}", later.stderr);
    for text in [std::fs::read_to_string(page).unwrap(), later.stdout] {
        for part in [
            "<polyline",
            "<rect",
            "Answers per second",
            "nothing lost",
            endpoint,
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        for part in NOT_ALONE {
            assert!(!text.contains(part), "{part:?} in {text}");
        }
    }
    let table = run_program_to_end(bench_binary(), ["report", document, "-w", "table"]).await;
    assert!(table.stdout.contains("LATENCY (ms)"), "{}", table.stdout);
    let wrong = run_program_to_end(bench_binary(), ["report", page]).await;
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("is no report of etcd-bench"),
        "{}",
        wrong.stderr
    );
}
