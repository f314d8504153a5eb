//! Live events, as a client reads them, and the lines of the fleet.

use super::*;
use etcd_monitor_model::{AlertType, Finding, FindingStatus, Severity, Subject};

impl Server {
    /// What the stream tells at first: kind, id and document of each event.
    async fn told(&self, query: &str) -> Vec<(String, Option<String>, Value)> {
        let response = self.get(&format!("/api/v1/events{query}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        let mut chunks = response.into_body().into_data_stream();
        let mut all = String::new();
        // How long to wait before the stream is opened again is told last of what is known at once.
        while !all.contains("retry: ") {
            let chunk = futures_util::StreamExt::next(&mut chunks).await;
            all.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
        }
        all.split("\n\n").filter_map(event).collect()
    }
}

fn event(block: &str) -> Option<(String, Option<String>, Value)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let document = serde_json::from_str(field("data: ")?).unwrap();
    Some((
        field("event: ")?.to_owned(),
        field("id: ").map(str::to_owned),
        document,
    ))
}

fn kinds(told: &[(String, Option<String>, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn the_fleet_is_told_and_the_clusters_that_are_named() {
    let two = Server::two();
    assert_eq!(kinds(&two.told("").await), ["clusters", "alerts"]);
    let told = two.told("?cluster=d&cluster=c&cluster=d").await;
    assert_eq!(kinds(&told), ["snapshot", "snapshot", "clusters", "alerts"]);
    assert_eq!(told[0].2["status"]["cluster"], "d");
    assert_eq!(told[0].1, None, "a snapshot is no place to resume from");
    assert_eq!(
        kinds(&Server::one().told("").await),
        ["snapshot", "clusters", "alerts"]
    );
}

#[tokio::test]
async fn an_id_that_is_not_known_resets_and_the_start_does_not() {
    let server = Server::two();
    let told = server.told("").await;
    let id = told[1].1.clone().unwrap();
    let again = server.told(&format!("?last_event_id={id}")).await;
    assert_eq!(
        kinds(&again),
        ["clusters", "alerts"],
        "nothing happened since"
    );
    for unknown in ["7-1f", "nonsense"] {
        let told = server.told(&format!("?last_event_id={unknown}")).await;
        assert_eq!(kinds(&told), ["clusters", "reset", "alerts"]);
        assert_eq!(told[1].1.as_deref(), Some(id.as_str()));
    }
}

fn finding(rule: &str, severity: Severity, since: &str, status: FindingStatus) -> Finding {
    let cluster = ClusterName::new("c");
    let subject = Subject::cluster(&cluster);
    let since = since.parse().unwrap();
    let mut finding = Finding::new(rule, AlertType::Leader, severity, &cluster, subject, since);
    finding.status = status;
    finding
}

#[tokio::test]
async fn a_line_says_since_when_it_is_ill_and_counts_what_is_wrong() {
    let mut ill = snapshot("c");
    ill.health.healthy = Some(false);
    ill.health.worst = Some(Severity::Critical);
    ill.members[0].version = Some("3.7.3".to_owned());
    let explained = |mut finding: Finding| {
        finding.caused_by = Some(finding.key());
        finding
    };
    ill.findings = vec![
        finding(
            "A",
            Severity::Critical,
            "2026-01-01T02:00:00Z",
            FindingStatus::True,
        ),
        finding(
            "B",
            Severity::Critical,
            "2026-01-01T01:00:00Z",
            FindingStatus::True,
        ),
        finding(
            "C",
            Severity::Warning,
            "2026-01-01T00:00:00Z",
            FindingStatus::True,
        ),
        explained(finding(
            "D",
            Severity::Critical,
            "2025-01-01T00:00:00Z",
            FindingStatus::True,
        )),
        finding(
            "E",
            Severity::Info,
            "2026-01-01T00:00:00Z",
            FindingStatus::False,
        ),
    ];
    let (_, clusters) = Server::of(vec![("c", Some(ill)), ("d", None)])
        .json("/api/v1/clusters")
        .await;
    let [line, unseen] = [&clusters["clusters"][0], &clusters["clusters"][1]];
    assert_eq!(line["since"], "2026-01-01T01:00:00Z");
    let counts = serde_json::json!({"critical": 2, "warning": 1, "info": 0});
    assert_eq!(
        (&line["severities"], &line["unknown_findings"]),
        (&counts, &0.into())
    );
    assert_eq!(
        (&line["quorum"]["voters"], &line["alerts_firing"]),
        (&3.into(), &0.into())
    );
    assert_eq!(line["versions"], serde_json::json!(["3.7.3"]));
    for field in [
        "since",
        "severities",
        "unknown_findings",
        "quorum",
        "read_p99_seconds",
    ] {
        assert_eq!(unseen[field], Value::Null, "{field} is not known yet");
    }
}
