//! Trends of made series, with what statistics books give for them.

use etcd_monitor_model::Point as Kept;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::{Forecast, ForecastLimits, NoForecast, Point, Slope, compare, forecast, slope};
use super::{compare_windows, forecast_quota};

fn series(count: u32, value: impl Fn(f64) -> f64) -> Vec<Point> {
    (0..count)
        .map(|index| Point {
            seconds: f64::from(index) * 60.0,
            value: value(f64::from(index)),
        })
        .collect()
}

const LIMITS: ForecastLimits = ForecastLimits {
    samples_min: 20,
    span_min_seconds: 3_600.0,
    horizon_seconds: 86_400.0,
};

fn forecast_of(points: &[Point], limit: f64) -> Forecast {
    let value = points.last().map_or(0.0, |point| point.value);
    forecast(value, limit, slope(points).as_ref(), &LIMITS)
}

#[test]
fn a_line_has_its_slope_whatever_a_fifth_of_the_points_say() {
    let clean = slope(&series(360, |minute| 6.0 * minute)).unwrap();
    assert!((clean.per_second - 0.1).abs() < 1e-9, "{clean:?}");
    assert!(clean.low <= clean.per_second && clean.per_second <= clean.high);
    assert_eq!((clean.samples, clean.span_seconds), (360, 359.0 * 60.0));
    let wild = series(360, |minute| {
        6.0 * minute + if minute % 5.0 == 0.0 { 1e6 } else { 0.0 }
    });
    let wild = slope(&wild).unwrap();
    assert!((wild.per_second - 0.1).abs() < 0.01, "{wild:?}");
}

#[test]
fn points_without_time_between_them_have_no_slope() {
    let still = vec![
        Point {
            seconds: 5.0,
            value: 1.0
        };
        9
    ];
    assert_eq!(slope(&still), None);
    assert_eq!(slope(&still[..1]), None);
    assert_eq!(slope(&[]), None);
}

#[test]
fn steady_growth_is_forecast_with_its_range() {
    let Forecast::In {
        seconds,
        soonest_seconds,
        latest_seconds,
    } = forecast_of(&series(121, |minute| 60.0 * minute), 7_200.0 + 3_600.0)
    else {
        panic!("steady growth");
    };
    assert!((seconds - 3_600.0).abs() < 1.0, "{seconds}");
    assert!(soonest_seconds <= seconds && seconds <= latest_seconds);
}

#[test]
fn what_the_data_do_not_carry_is_unknown() {
    let grows = |minute| 60.0 * minute;
    let few = forecast_of(&series(19, grows), 1e4);
    assert!(
        matches!(
            few,
            Forecast::Unknown(NoForecast::TooFewSamples {
                samples: 19,
                needed: 20
            })
        ),
        "{few:?}"
    );
    let short = forecast_of(&series(30, grows), 1e4);
    assert!(
        matches!(short, Forecast::Unknown(NoForecast::ShortSpan { .. })),
        "{short:?}"
    );
    let up_and_down = series(120, |minute| if minute % 2.0 < 1.0 { 900.0 } else { 100.0 });
    assert_eq!(
        forecast_of(&up_and_down[..119], 1_000.0),
        Forecast::NotWithinHorizon,
        "the medians of stretches stand still"
    );
    let noise = series(120, |minute| 500.0 + 200.0 * (minute * minute).sin());
    let noise = forecast_of(&noise, 800.0);
    assert_eq!(noise, Forecast::Unknown(NoForecast::NotSignificant));
}

#[test]
fn a_slope_that_is_too_uncertain_names_no_time() {
    let uncertain = |low, high| {
        let slope = Slope {
            per_second: 1.0,
            low,
            high,
            samples: 60,
            span_seconds: 3_600.0,
        };
        forecast(0.0, 1_000.0, Some(&slope), &LIMITS)
    };
    let wide = NoForecast::WideSpread {
        soonest_seconds: 500.0,
        latest_seconds: 10_000.0,
    };
    assert_eq!(uncertain(0.1, 2.0), Forecast::Unknown(wide));
    assert_eq!(
        uncertain(-0.1, 2.0),
        Forecast::Unknown(NoForecast::NotSignificant)
    );
    assert_eq!(uncertain(-0.1, 0.01), Forecast::NotWithinHorizon);
    assert!(matches!(uncertain(0.5, 2.0), Forecast::In { .. }));
}

#[test]
fn idle_shrinking_and_slow_growth_are_far_from_the_limit() {
    for (what, points) in [
        ("idle", series(120, |_| 500.0)),
        ("shrinking", series(120, |minute| 900.0 - minute)),
        ("slow", series(120, |minute| 500.0 + minute / 60.0)),
    ] {
        assert_eq!(
            forecast_of(&points, 1_000.0),
            Forecast::NotWithinHorizon,
            "{what}"
        );
    }
    assert_eq!(forecast_of(&series(1, |_| 5.0), 5.0), Forecast::Reached);
}

#[test]
fn a_slower_window_is_told_with_its_statistics() {
    let before: Vec<f64> = (0..50).map(|index| 10.0 + f64::from(index % 7)).collect();
    let after: Vec<f64> = before.iter().map(|value| value * 2.0).collect();
    let said = compare(&before, &after).unwrap();
    assert_eq!((said.before.n, said.after.n), (50, 50));
    assert_eq!((said.before.median, said.after.median), (13.0, 26.0));
    assert_eq!(said.ratio, Some(2.0));
    assert!(said.p_value < 1e-6, "{said:?}");
    assert!(said.rose(1.5, 0.01) && !said.rose(2.5, 0.01));
    let faster = compare(&after, &before).unwrap();
    assert!(!faster.rose(1.0, 0.01), "{faster:?}");
}

/// U = 21.5 for 8 and 8 values with one tie across: z = 1.051, p = 0.2933 (normal approximation, continuity corrected).
#[test]
fn the_p_value_is_that_of_the_textbook() {
    let before = [1.0, 4.0, 5.0, 7.0, 9.0, 12.0, 13.0, 16.0];
    let after = [2.0, 5.0, 8.0, 10.0, 14.0, 15.0, 17.0, 18.0];
    let said = compare(&before, &after).unwrap();
    assert!((said.p_value - 0.293_266).abs() < 1e-5, "{said:?}");
    let same = compare(&[3.0; 9], &[3.0; 9]).unwrap();
    assert_eq!((same.p_value, same.ratio), (1.0, Some(1.0)));
}

#[test]
fn too_few_values_are_not_compared_and_wild_ones_are_left_out() {
    assert_eq!(compare(&[1.0; 7], &[1.0; 100]), None);
    let mut wild = vec![f64::NAN, f64::INFINITY];
    wild.extend([1.0; 7]);
    assert_eq!(compare(&wild, &[1.0; 100]), None);
    assert_eq!(compare(&[0.0; 8], &[1.0; 8]).unwrap().ratio, None);
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e6..1e6,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0, -0.0]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_points_give_an_ordered_interval_or_none(points in prop::collection::vec((value(), value()), 0..90)) {
        let points: Vec<Point> = points.into_iter().map(|(seconds, value)| Point { seconds, value }).collect();
        if let Some(slope) = slope(&points) {
            prop_assert!(slope.low <= slope.per_second && slope.per_second <= slope.high, "{slope:?}");
            prop_assert!(slope.per_second.is_finite() && slope.span_seconds >= 0.0, "{slope:?}");
        }
    }

    #[test]
    fn any_windows_give_a_probability_or_none(
        before in prop::collection::vec(value(), 0..40),
        after in prop::collection::vec(value(), 0..40),
    ) {
        if let Some(said) = compare(&before, &after) {
            prop_assert!((0.0..=1.0).contains(&said.p_value), "{said:?}");
        }
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + minute.minutes()
}

/// One sample per minute.
fn kept(minutes: std::ops::Range<i64>, value: impl Fn(f64) -> f64) -> Vec<Kept> {
    minutes
        .map(|minute| Kept::sample(at(minute), value(minute as f64)))
        .collect()
}

#[test]
fn a_window_of_a_history_is_compared_with_the_one_before() {
    let slower = |minute: f64| if minute < 60.0 { 0.01 } else { 0.03 } + minute % 5.0 * 1e-4;
    let points = kept(0..120, slower);
    let (before, after) = (at(0)..at(60), at(60)..at(120));
    let compared = compare_windows(&points, &before, &after).unwrap();
    assert_eq!((compared.before.n, compared.after.n), (60, 60));
    assert!(compared.rose(2.0, 0.001), "{compared:?}");
    let same = compare_windows(&points, &(at(0)..at(30)), &(at(30)..at(60))).unwrap();
    assert!(!same.rose(1.1, 0.05), "{same:?}");
    assert_eq!(
        compare_windows(&points, &before, &(at(115)..at(120))),
        None,
        "too few"
    );
    assert_eq!(compare_windows(&[], &before, &after), None);
}

#[test]
fn a_history_is_forecast_from_its_latest_defragmentation_on() {
    // It grew quickly until a defragmentation after two hours, and by 1 MB a minute since.
    let in_use = kept(0..360, |minute| {
        if minute < 120.0 {
            50e6 * minute
        } else {
            100e6 + 1e6 * minute
        }
    });
    let allocated = kept(0..360, |minute| {
        if minute < 120.0 {
            50e6 * minute
        } else {
            500e6 + 1e6 * minute
        }
    });
    let Forecast::In { seconds, .. } = forecast_quota(&in_use, &allocated, 600e6, 0.1, &LIMITS)
    else {
        panic!("no forecast");
    };
    // 459 MB after 359 minutes, and 141 MB of room.
    assert!((seconds / 60.0 - 141.0).abs() < 1.0, "{seconds}");
    assert_eq!(
        forecast_quota(&in_use[..125], &allocated[..125], 600e6, 0.1, &LIMITS),
        Forecast::Unknown(NoForecast::TooFewSamples {
            samples: 5,
            needed: 20
        })
    );
    let nothing = forecast_quota(&[], &[], 600e6, 0.1, &LIMITS);
    assert_eq!(
        nothing,
        Forecast::Unknown(NoForecast::TooFewSamples {
            samples: 0,
            needed: 20
        })
    );
}

#[test]
fn a_bucket_in_which_a_defragmentation_lies_says_nothing() {
    let bucket = |index: i64, min: f64, max: f64| Kept {
        at: at(index * 10),
        min,
        max,
        mean: f64::midpoint(min, max),
        count: 10,
    };
    let growing = |index: i64| {
        let low = 100e6 + 10e6 * index as f64;
        bucket(index, low, low + 10e6)
    };
    let mut allocated: Vec<Kept> = (0..40).map(growing).collect();
    for point in allocated.iter_mut().take(10) {
        point.min += 800e6;
        point.max += 800e6;
    }
    // The tenth bucket holds the fall.
    allocated[10].max += 800e6;
    let in_use: Vec<Kept> = (0..40).map(growing).collect();
    let whole = forecast_quota(&in_use[..30], &allocated[..30], 900e6, 0.1, &LIMITS);
    assert_eq!(
        whole,
        Forecast::Unknown(NoForecast::TooFewSamples {
            samples: 19,
            needed: 20
        })
    );
    let enough = forecast_quota(&in_use[..31], &allocated[..31], 900e6, 0.1, &LIMITS);
    assert!(matches!(enough, Forecast::In { .. }), "{enough:?}");
}
