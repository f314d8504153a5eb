use super::*;
use crate::load::{Arrivals, Rate};
use crate::report::sample::report;

/// Runs in turns: those of A begin at even seconds. Each second answers `per_second` and some that differ from run to run.
fn side(offset: u32, runs: u32, per_second: u64, p99: f64) -> Vec<Report> {
    (0..runs)
        .map(|run| {
            let more = u64::from(run * 7 % 5);
            let seconds = vec![per_second + more; 12];
            report(
                2 * run + offset,
                &seconds,
                p99 * (1.0 + 0.002 * f64::from(run * 3 % 5)),
            )
        })
        .collect()
}

fn compare(a: &[Report], b: &[Report]) -> Comparison {
    Comparison::of(a, b, &CompareOptions::default()).unwrap()
}

fn verdicts(comparison: &Comparison) -> Vec<MetricVerdict> {
    comparison
        .metrics
        .iter()
        .map(|metric| metric.verdict)
        .collect()
}

#[test]
fn a_slower_side_is_a_regression_and_a_faster_one_is_not() {
    let (fast, slow) = (side(0, 6, 1_000, 4.0), side(1, 6, 800, 5.0));
    let worse = compare(&fast, &slow);
    assert_eq!(worse.outcome, CompareOutcome::Regression);
    assert_eq!(verdicts(&worse), [MetricVerdict::Slower; 5]);
    let throughput = &worse.metrics[0];
    assert!(
        (throughput.change_share + 0.2).abs() < 0.01,
        "{throughput:?}"
    );
    assert!((throughput.shift + 200.0).abs() < 5.0);
    assert!(throughput.change_low_share.unwrap() <= throughput.change_share);
    // 2 of the 924 ways to choose 6 of 12, times 5 metrics.
    let p = 2.0 / 924.0;
    assert!((throughput.p.unwrap() - p).abs() < 1e-12);
    assert!((throughput.p_adjusted.unwrap() - 5.0 * p).abs() < 1e-12);
    let better = compare(&slow, &fast);
    assert_eq!(better.outcome, CompareOutcome::SameOrBetter);
    assert_eq!(verdicts(&better), [MetricVerdict::Faster; 5]);
    assert!(worse.to_table().contains("REGRESSION: B is slower"));
}

#[test]
fn what_differs_by_less_than_matters_is_no_regression() {
    let (one, other) = (side(0, 6, 1_000, 4.0), side(1, 6, 980, 4.0));
    let comparison = compare(&one, &other);
    assert_eq!(comparison.metrics[0].verdict, MetricVerdict::Slower);
    assert_eq!(
        comparison.metrics[1].verdict,
        MetricVerdict::NoDifferenceShown
    );
    assert_eq!(comparison.outcome, CompareOutcome::SameOrBetter);
    let strict = CompareOptions {
        threshold_share: 0.01,
        ..CompareOptions::default()
    };
    let comparison = Comparison::of(&one, &other, &strict).unwrap();
    assert_eq!(comparison.outcome, CompareOutcome::Regression);
}

#[test]
fn the_same_twice_is_the_same_and_noise_is_called_noise() {
    let same = compare(&side(0, 6, 1_000, 4.0), &side(1, 6, 1_000, 4.0));
    assert_eq!(same.outcome, CompareOutcome::SameOrBetter);
    assert_eq!(verdicts(&same), [MetricVerdict::NoDifferenceShown; 5]);
    assert_eq!(
        same.to_json().unwrap(),
        compare(&side(0, 6, 1_000, 4.0), &side(1, 6, 1_000, 4.0))
            .to_json()
            .unwrap()
    );
    let noisy = |offset| -> Vec<Report> {
        let p99 = [4.0, 9.0, 2.0, 7.0, 3.0, 6.0];
        let runs = (0_u32..).zip(p99);
        runs.map(|(run, p99)| report(2 * run + offset, &[1_000; 12], p99))
            .collect()
    };
    let comparison = compare(&noisy(0), &noisy(1));
    assert_eq!(comparison.outcome, CompareOutcome::TooNoisy);
    assert!(comparison.metrics[3].detectable_share.unwrap() > 0.3);
    let throughput_alone = CompareOptions {
        metrics: vec![MetricKind::Throughput],
        ..CompareOptions::default()
    };
    let comparison = Comparison::of(&noisy(0), &noisy(1), &throughput_alone).unwrap();
    assert_eq!(comparison.outcome, CompareOutcome::SameOrBetter);
}

#[test]
fn too_few_runs_show_nothing_and_say_so() {
    let comparison = compare(&side(0, 3, 1_000, 4.0), &side(1, 3, 500, 8.0));
    assert_eq!(comparison.outcome, CompareOutcome::TooNoisy);
    assert_eq!(comparison.metrics[0].detectable_share, None);
    assert!(
        comparison
            .doubts
            .iter()
            .any(|doubt| doubt.contains("too few"))
    );
}

#[test]
fn one_run_a_side_judges_the_throughput_alone() {
    let seconds =
        |base: u64| -> Vec<u64> { (0..30).map(|second| base + second * 7 % 20).collect() };
    let a = [report(0, &seconds(1_000), 4.0)];
    let worse = compare(&a, &[report(40, &seconds(800), 9.0)]);
    assert_eq!(worse.method, CompareMethod::Seconds);
    assert_eq!(worse.outcome, CompareOutcome::Regression);
    assert_eq!(worse.metrics[0].verdict, MetricVerdict::Slower);
    assert_eq!(worse.metrics[3].verdict, MetricVerdict::NotJudged);
    assert!(
        worse
            .doubts
            .iter()
            .any(|doubt| doubt.contains("not judged"))
    );
    let same = compare(&a, &[report(40, &seconds(1_001), 4.0)]);
    assert_eq!(same.outcome, CompareOutcome::SameOrBetter);
    let short = compare(&[report(0, &[900; 5], 4.0)], &[report(9, &[100; 5], 4.0)]);
    assert_eq!(short.outcome, CompareOutcome::TooNoisy);
    let waves: Vec<u64> = (0..30)
        .map(|second| 300 + 1_500 * (second / 5 % 2))
        .collect();
    let noisy = compare(
        &[report(0, &waves, 4.0)],
        &[report(40, &seconds(1_000), 4.0)],
    );
    assert_eq!(noisy.metrics[0].verdict, MetricVerdict::TooNoisy);
}

/// What is said of five runs a side of which those of B, and one of A, are changed.
fn refused(change: impl Fn(&mut Report)) -> NotComparable {
    let (mut a, mut b) = (side(0, 5, 1_000, 4.0), side(1, 5, 1_000, 4.0));
    b.iter_mut().for_each(&change);
    change(&mut a[0]);
    let error = Comparison::of(&a, &b, &CompareOptions::default()).unwrap_err();
    let anyway = CompareOptions {
        anyway: true,
        ..CompareOptions::default()
    };
    let comparison = Comparison::of(&a, &b, &anyway).unwrap();
    assert!(
        comparison.doubts[0].starts_with("NOT COMPARABLE"),
        "{error}"
    );
    error
}

#[test]
fn other_loads_and_what_is_no_result_are_refused() {
    let size = |report: &mut Report| {
        let parameters = &mut report.plan.parameters;
        parameters.insert("value_size_bytes".to_owned(), "1024".to_owned());
    };
    let rate = |report: &mut Report| {
        report.plan.load.rate = Some(Rate {
            per_second: 5.0,
            arrivals: Arrivals::Uniform,
        });
    };
    for (said, error) in [
        ("value_size_bytes differs", refused(size)),
        ("rate differs", refused(rate)),
        (
            "clients differs",
            refused(|report| report.plan.load.clients = 3),
        ),
        (
            "workload differs",
            refused(|report| report.plan.workload = "read".to_owned()),
        ),
        ("is invalid", refused(|report| report.valid = false)),
        (
            "ended early",
            refused(|report| report.ended_early = Some("stopped".to_owned())),
        ),
        (
            "lost",
            refused(|report| report.accounting.verdict = crate::AccountingVerdict::Lost),
        ),
    ] {
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}

#[test]
fn sizes_that_nobody_says_are_not_taken_for_equal() {
    let (mut a, mut b) = (side(0, 5, 1_000, 4.0), side(1, 5, 1_000, 4.0));
    for report in a.iter_mut().chain(&mut b) {
        report.plan.parameters.clear();
    }
    assert!(compare(&a, &b).doubts[0].contains("do not say the sizes"));
    let error = Comparison::of(&a, &side(1, 5, 1_000, 4.0), &CompareOptions::default());
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("key_size_bytes differs: unknown and 32"),
        "{error}"
    );
}

#[test]
fn a_run_counts_once_and_a_side_has_some() {
    let a = side(0, 5, 1_000, 4.0);
    let anyway = CompareOptions {
        anyway: true,
        ..CompareOptions::default()
    };
    let error = Comparison::of(&a, &a, &anyway).unwrap_err();
    assert!(error.to_string().contains("twice") && !error.can_be_overruled);
    assert!(Comparison::of(&a, &[], &anyway).is_err());
}

#[test]
fn sides_that_did_not_take_turns_are_doubtful() {
    let early = side(0, 5, 1_000, 4.0);
    let late: Vec<Report> = (0..5)
        .map(|run| report(100 + run, &[1_000; 12], 4.0))
        .collect();
    let doubts = compare(&early, &late).doubts;
    assert!(
        doubts
            .iter()
            .any(|doubt| doubt.contains("take turns") || doubt.contains("takes turns"))
    );
    let doubts = compare(&early, &side(1, 5, 1_000, 4.0)).doubts;
    assert!(doubts.is_empty(), "{doubts:?}");
}
