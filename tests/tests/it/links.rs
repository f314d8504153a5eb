//! The network between members: cut both ways, one way, from the leader, from all, and slow.

use std::time::{Duration, Instant};

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::Daemon;
use serde_json::Value;

use crate::{FINDINGS, healthy, items, text, three, true_finding, watch};

/// For a cut to be told: 15 s of bytes are looked at, and a busy machine is late.
const CUT_WITHIN: Duration = Duration::from_mins(1);

/// For a slow link to be told: etcd's probers look every 30 s, and three looks are needed.
const SLOW_WITHIN: Duration = Duration::from_mins(4);

/// The rules of the network, but those about speed: a busy machine is slow.
const RULES: [&str; 3] = ["LinkFailing", "NetworkPartition", "MemberIsolated"];

/// The true findings about the network that no other explains, as `rule subject`.
fn roots(findings: &Value) -> Vec<String> {
    let of_network = |finding: &&Value| {
        RULES.contains(&text(finding, "rule"))
            && finding["status"] == "true"
            && finding["caused_by"].is_null()
    };
    let named = |finding: &Value| {
        format!(
            "{} {}",
            text(finding, "rule"),
            text(&finding["subject"], "name")
        )
    };
    let mut roots: Vec<String> = items(findings, "findings")
        .iter()
        .filter(of_network)
        .map(named)
        .collect();
    roots.sort();
    roots
}

/// Waits until every rule of the network is known and false.
async fn quiet(daemon: &Daemon) {
    let quiet = |findings: &Value| {
        let of_network = |finding: &&Value| RULES.contains(&text(finding, "rule"));
        let mut found = items(findings, "findings").iter().filter(of_network);
        found
            .all(|finding| finding["status"] == "false")
            .then_some(())
    };
    daemon
        .until(CUT_WITHIN, FINDINGS, "no link is cut or unknown", quiet)
        .await;
}

/// Waits until exactly these roots are told.
async fn told(daemon: &Daemon, expected: &[String]) -> Value {
    let what = format!("{expected:?} is told");
    daemon
        .until(CUT_WITHIN, FINDINGS, &what, |findings| {
            (roots(findings) == expected).then(|| findings.clone())
        })
        .await
}

fn cause(findings: &Value, rule: &str) -> String {
    let finding = true_finding(findings, rule).unwrap();
    text(finding, "cause").to_owned()
}

/// The index of the leader and of both followers.
async fn roles(cluster: &Cluster) -> (usize, usize, usize) {
    let leader = cluster.leader_index().await.unwrap();
    (leader, (leader + 1) % 3, (leader + 2) % 3)
}

fn link(rule: &str, from: usize, to: usize) -> String {
    format!("{rule} m{from} -> m{to}")
}

#[tokio::test]
async fn cut_links_are_told_with_their_direction_and_end() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    quiet(&daemon).await;

    let (_, one, other) = roles(&cluster).await;
    cluster.link(one, other).cut();
    let found = told(&daemon, &[link("LinkFailing", one, other)]).await;
    assert!(cause(&found, "LinkFailing").contains("the other direction works"));

    cluster.link(other, one).cut();
    let mut both = [
        link("LinkFailing", one, other),
        link("LinkFailing", other, one),
    ];
    both.sort();
    told(&daemon, &both).await;
    cluster.heal();
    quiet(&daemon).await;

    let (leader, follower, _) = roles(&cluster).await;
    cluster.link(leader, follower).cut();
    let found = told(&daemon, &["NetworkPartition default".to_owned()]).await;
    let expected = format!("m{follower} does not hear the leader m{leader}");
    let cause = cause(&found, "NetworkPartition");
    assert!(
        cause.contains(&expected) && cause.contains("one way"),
        "{cause}"
    );
    cluster.heal();
    quiet(&daemon).await;
}

#[tokio::test]
async fn a_follower_cut_from_the_leader_and_one_cut_from_all_are_told_apart() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    quiet(&daemon).await;

    let (leader, follower, _) = roles(&cluster).await;
    cluster.link(leader, follower).cut();
    cluster.link(follower, leader).cut();
    told(&daemon, &["NetworkPartition default".to_owned()]).await;
    // One direction may be told a cycle before the other.
    let both = |findings: &Value| {
        let found = true_finding(findings, "NetworkPartition")?;
        text(found, "cause")
            .contains("hear nothing of each other")
            .then_some(())
    };
    let what = "neither is said to hear the other";
    daemon.until(CUT_WITHIN, FINDINGS, what, both).await;
    cluster.heal();
    quiet(&daemon).await;

    let (_, isolated, _) = roles(&cluster).await;
    cluster.isolate(isolated);
    told(&daemon, &[format!("MemberIsolated m{isolated}")]).await;
    cluster.heal();
    quiet(&daemon).await;
}

#[tokio::test]
async fn a_slow_link_is_told_with_its_round_trip() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    let (_, one, other) = roles(&cluster).await;
    for (from, to) in [(one, other), (other, one)] {
        cluster.link(from, to).delay(Duration::from_millis(400));
    }
    let name = format!("m{one} -> m{other}");
    let slow = |findings: &Value| {
        let is = |finding: &&Value| {
            finding["rule"] == "LinkSlow"
                && finding["status"] == "true"
                && finding["subject"]["name"] == name.as_str()
        };
        items(findings, "findings").iter().find(is).cloned()
    };
    let began = Instant::now();
    let found = daemon
        .until(SLOW_WITHIN, FINDINGS, "the slow link is told", slow)
        .await;
    println!(
        "the slow link is told after {:.0} s",
        began.elapsed().as_secs_f64()
    );
    assert!(
        text(&found, "cause").contains("a round trip takes"),
        "{found:#}"
    );
    assert_eq!(
        roots(&daemon.json(FINDINGS).await),
        [""; 0],
        "slow is not cut"
    );
}
