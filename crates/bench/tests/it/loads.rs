//! Loads of both engines: what was counted is what etcd did.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_bench::{
    Arrivals, Assignment, Deletes, Load, OperationKind, Overload, Rate, Transactions, TxnStyle,
    Until, Values,
};
use etcd_monitor_client::{ClientOptions, ClusterClient, Endpoint};
use etcd_monitor_testkit::Cluster;

use crate::{Make, SPACE, keys, on_both, picker, reads, writes};

async fn single() -> Cluster {
    Cluster::builder().members(1).start().await.unwrap()
}

async fn revision(cluster: &Cluster) -> i64 {
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
    let client = ClusterClient::new(ClientOptions::new()).unwrap();
    client.member(&endpoint).status().await.unwrap().revision
}

fn load(operations: u64) -> Load {
    let mut load = Load::new(Until::Operations(operations));
    load.connections = 3;
    load.clients = 16;
    load
}

async fn every_write_is_a_revision_and_every_read_finds_its_key(engine: Make) {
    let cluster = single().await;
    let before = revision(&cluster).await;
    let outcome = engine(&cluster)
        .run(Assignment::new(load(SPACE), writes()))
        .await
        .unwrap();
    let recording = &outcome.recording;
    assert_eq!(recording.acknowledged_changes, SPACE);
    assert_eq!(revision(&cluster).await - before, SPACE.cast_signed());
    let puts = &recording.tallies[&OperationKind::Put];
    assert_eq!((puts.succeeded, puts.response.count()), (SPACE, SPACE));
    assert!(puts.response.quantile_seconds(0.5).unwrap() > 20e-6);
    assert!(outcome.window_seconds > 0.0 && outcome.unsent == 0);
    if cfg!(target_os = "linux") {
        let threads = &recording.scheduling;
        assert!(threads.waited_seconds.is_some() && threads.involuntary_switches.is_some());
    }

    let outcome = engine(&cluster)
        .run(Assignment::new(load(300), reads()))
        .await
        .unwrap();
    let gets = &outcome.recording.tallies[&OperationKind::Range];
    assert_eq!((gets.succeeded, gets.keys, gets.changed), (300, 300, 0));

    let deletes = Deletes {
        keys: keys(),
        space: SPACE,
    };
    let outcome = engine(&cluster)
        .run(Assignment::new(load(SPACE + 5), Arc::new(deletes)))
        .await
        .unwrap();
    let tally = &outcome.recording.tallies[&OperationKind::Delete];
    assert_eq!((tally.succeeded, tally.changed), (SPACE + 5, SPACE));
}

async fn transactions_compare_and_learn(engine: Make) {
    let cluster = single().await;
    let txns = |style| {
        Arc::new(Transactions {
            keys: keys(),
            picker: picker(),
            space: SPACE,
            values: Values::new(16, 1),
            style,
        })
    };
    let mut load = load(4 * SPACE);
    load.connections = 1;
    load.clients = 1;
    let outcome = engine(&cluster)
        .run(Assignment::new(
            load.clone(),
            txns(TxnStyle::CompareAndSwap),
        ))
        .await
        .unwrap();
    let tally = &outcome.recording.tallies[&OperationKind::Txn];
    // A single worker that remembers never loses.
    assert_eq!((tally.succeeded, tally.changed), (4 * SPACE, 4 * SPACE));
    load.seed = 9;
    let again = engine(&cluster)
        .run(Assignment::new(
            load.clone(),
            txns(TxnStyle::CompareAndSwap),
        ))
        .await
        .unwrap();
    let tally = &again.recording.tallies[&OperationKind::Txn];
    // One that knows nothing yet loses once for each key.
    assert_eq!((tally.succeeded, tally.changed), (4 * SPACE, 3 * SPACE));
    let outcome = engine(&cluster)
        .run(Assignment::new(load, txns(TxnStyle::MultiplePuts(5))))
        .await
        .unwrap();
    assert_eq!(outcome.recording.acknowledged_changes, 4 * SPACE);
    assert!(
        outcome.recording.errors.is_empty(),
        "{:?}",
        outcome.recording.errors
    );
}

async fn an_open_loop_keeps_its_rate_and_its_warm_up_is_not_measured(engine: Make) {
    let cluster = single().await;
    let before = revision(&cluster).await;
    let mut load = load(0);
    load.until = Until::Seconds(2.0);
    load.warmup_seconds = 0.5;
    load.rate = Some(Rate {
        per_second: 400.0,
        arrivals: Arrivals::Uniform,
    });
    let assignment = Assignment::new(load, writes());
    let outcome = engine(&cluster).run(assignment.clone()).await.unwrap();
    let measured = outcome.recording.succeeded();
    assert!((700..=800).contains(&measured), "{measured}");
    assert!((outcome.window_seconds - 2.0).abs() < 1e-9);
    let all = revision(&cluster).await - before;
    assert_eq!(all, outcome.recording.acknowledged_changes.cast_signed());
    assert!(
        all.cast_unsigned() >= measured + 150,
        "the warm-up asks too: {all}"
    );
    let seconds = assignment.board.seconds();
    let told: u64 = seconds.iter().map(|second| second.succeeded).sum();
    assert_eq!((told, seconds.len() <= 3), (measured, true));
}

async fn a_server_that_stands_still_shows_in_an_open_loop(engine: Make) {
    let cluster = single().await;
    let mut load = load(0);
    load.until = Until::Seconds(4.0);
    load.rate = Some(Rate {
        per_second: 200.0,
        arrivals: Arrivals::Poisson,
    });
    let running = Assignment::new(load, writes());
    let board = Arc::clone(&running.board);
    let engine = engine(&cluster);
    let run = tokio::spawn(async move { engine.run(running).await.unwrap() });
    while board.progress().succeeded == 0 {
        tokio::task::yield_now().await;
    }
    cluster.member(0).stop().unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    cluster.member(0).cont().unwrap();
    let outcome = run.await.unwrap();
    let puts = &outcome.recording.tallies[&OperationKind::Put];
    // About 1.2 s of 4 s saw it stand still: what was due meanwhile waited, 0.6 s on average.
    assert!(puts.response.quantile_seconds(0.9).unwrap() > 0.3);
    assert!(puts.response.quantile_seconds(0.5).unwrap() < 0.3);
    // Sixteen were in flight: from when they were sent, no more than these took long.
    assert!(puts.service.quantile_seconds(0.9).unwrap() < 0.3);
}

async fn nobody_listens_is_an_error_that_names_the_endpoint(engine: Make) {
    let cluster = single().await;
    let engine = engine(&cluster);
    let url = cluster.member(0).client_url().to_owned();
    cluster.member(0).kill().await.unwrap();
    let error = engine
        .run(Assignment::new(load(5), writes()))
        .await
        .unwrap_err();
    let port = url.rsplit(':').next().unwrap();
    assert!(error.to_string().contains(port), "{error}");
}

async fn a_stop_ends_the_load_and_keeps_what_was_measured(engine: Make) {
    let cluster = single().await;
    let mut load = load(0);
    load.until = Until::Seconds(600.0);
    let running = Assignment::new(load, writes());
    let (board, stop) = (Arc::clone(&running.board), running.stop.clone());
    let engine = engine(&cluster);
    let run = tokio::spawn(async move { engine.run(running).await.unwrap() });
    while board.progress().succeeded < 50 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    let outcome = run.await.unwrap();
    assert!(outcome.recording.succeeded() >= 50);
    assert!(outcome.window_seconds > 0.1 && outcome.window_seconds < 60.0);
}

async fn what_nobody_is_free_for_is_dropped_where_nothing_may_wait(engine: Make) {
    let cluster = single().await;
    let engine = engine(&cluster);
    for (overload, may_wait) in [(Overload::Drop, 0), (Overload::Cap(50), 50)] {
        let mut load = load(300);
        load.connections = 1;
        load.clients = 2;
        load.rate = Some(Rate {
            per_second: 300.0,
            arrivals: Arrivals::Burst(100),
        });
        load.overload = overload;
        let outcome = engine.run(Assignment::new(load, writes())).await.unwrap();
        let made = outcome.recording.succeeded();
        // Each was due, and was made or dropped.
        assert_eq!((made + outcome.dropped, outcome.unsent), (300, 0));
        // Of each hundred two found a client, so many waited, and whoever was answered meanwhile made room for few.
        assert!(
            (3 * (2 + may_wait)..250).contains(&made),
            "{overload:?}: {made}"
        );
    }
}

on_both!(
    every_write_is_a_revision_and_every_read_finds_its_key,
    transactions_compare_and_learn,
    an_open_loop_keeps_its_rate_and_its_warm_up_is_not_measured,
    a_server_that_stands_still_shows_in_an_open_loop,
    what_nobody_is_free_for_is_dropped_where_nothing_may_wait,
    nobody_listens_is_an_error_that_names_the_endpoint,
    a_stop_ends_the_load_and_keeps_what_was_measured,
);
