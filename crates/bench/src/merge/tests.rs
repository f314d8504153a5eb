use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::report::sample::report;

fn latencies(micros: &[u64]) -> Latencies {
    let mut latencies = Latencies::default();
    for micros in micros {
        latencies.record(Duration::from_micros(*micros));
    }
    latencies
}

fn log(name: &str, began_seconds: f64, micros: &[u64]) -> MergeInput {
    let log = HdrLog {
        began_seconds,
        window_seconds: 10.0,
        comments: Vec::new(),
        latencies: BTreeMap::from([("put".to_owned(), latencies(micros))]),
    };
    MergeInput::new(name, log.text())
}

fn document(name: &str, began_second: u32, change: impl Fn(&mut Report)) -> MergeInput {
    let mut report = report(began_second, &[1_000; 10], 4.0);
    change(&mut report);
    MergeInput::new(name, report.to_json().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn merged_quantiles_are_those_of_all_samples_together(
        workers in prop::collection::vec(prop::collection::vec(1_u64..80_000_000, 1..200), 1..5),
    ) {
        let inputs: Vec<MergeInput> = (0_u32..)
            .zip(&workers)
            .map(|(index, micros)| log("w", f64::from(index), micros))
            .collect();
        let merged = Merged::of(&inputs).unwrap();
        let all: Vec<u64> = workers.concat();
        prop_assert_eq!(&merged.latencies["put"], &LatencyFigures::of(&latencies(&all)));
        let text = merged.to_hdr_log().unwrap();
        let again = Merged::of(&[MergeInput::new("again", text)]).unwrap();
        prop_assert_eq!(&again.latencies, &merged.latencies);
    }
}

#[test]
fn throughputs_of_the_same_time_add_up() {
    let merged = Merged::of(&[
        document("one.json", 0, |_| {}),
        document("two.json", 1, |report| {
            report.failed = 3;
            report.errors.insert(
                "timeout".to_owned(),
                crate::Errors {
                    count: 3,
                    example: "late".to_owned(),
                },
            );
        }),
        log("one.hlog", 0.0, &[1_000, 2_000]),
    ])
    .unwrap();
    let reports = merged.reports.as_ref().unwrap();
    assert_eq!(
        (reports.workers, reports.succeeded, reports.failed),
        (2, 20_000, 3)
    );
    assert!((reports.per_second.unwrap() - 2_000.0).abs() < 1e-9);
    assert!((reports.overlap_share - 0.9).abs() < 1e-9);
    assert_eq!(reports.operations[0].histogram[0].count, 20_000);
    assert_eq!(reports.errors["timeout"].count, 3);
    assert_eq!(merged.latencies["put"].count, 2);
    let table = merged.to_table();
    for part in ["2000.0/s", "90 % of the time at once", "LATENCY (ms)"] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    let without = Merged::of(&[document("one.json", 0, |_| {})]).unwrap();
    assert!(without.to_table().contains("do not add up"));
    assert_eq!(without.to_hdr_log(), None);
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let one = || document("one.json", 0, |_| {});
    let other_size = document("two.json", 0, |report| {
        let parameters = &mut report.plan.parameters;
        parameters.insert("key_size_bytes".to_owned(), "64".to_owned());
    });
    let other_cluster = document("two.json", 0, |report| {
        report.environment.before.id = Some("other".to_owned());
    });
    let other_load = document("two.json", 0, |report| {
        report.plan.workload = "read".to_owned();
    });
    for (inputs, said) in [
        (
            vec![one(), document("two.json", 5, |_| {})],
            "50 % of the longest",
        ),
        (
            vec![one(), document("two.json", 50, |_| {})],
            "0 % of the longest",
        ),
        (vec![one(), document("two.json", 0, |_| {})], "the same run"),
        (
            vec![one(), other_size],
            "key_size_bytes differs: 32 in one.json, 64 in two.json",
        ),
        (vec![one(), other_cluster], "the cluster differs"),
        (vec![one(), other_load], "the workload differs"),
        (
            vec![MergeInput::new("a.txt", "hello")],
            "a.txt cannot be merged",
        ),
        (
            vec![MergeInput::new("b.json", "{}")],
            "b.json cannot be merged",
        ),
        (
            vec![log("a", 0.0, &[1]), log("b", 0.0, &[1])],
            "b cannot be merged: it is there twice",
        ),
        (vec![], "0 files"),
    ] {
        let error = Merged::of(&inputs).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}
