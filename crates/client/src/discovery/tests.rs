use super::*;

const OPEN: DiscoveryPolicy = DiscoveryPolicy {
    enabled: true,
    has_credentials: false,
    verified_tls: false,
};

fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text, false).unwrap()
}

fn member(id: u64, urls: &[&str]) -> MemberEntry {
    let client_urls = urls.iter().map(|url| (*url).to_owned()).collect();
    MemberEntry {
        id,
        client_urls,
        ..MemberEntry::default()
    }
}

fn discovery(configured: &[&str], policy: DiscoveryPolicy) -> Discovery {
    Discovery::new(
        configured.iter().map(|text| endpoint(text)).collect(),
        policy,
    )
}

/// (endpoint or `-`, origin is configured, member) of each target.
fn seen(discovery: &Discovery) -> Vec<(String, bool, Option<u64>)> {
    let targets = discovery.targets().into_iter().map(|target| {
        assert_eq!(
            target.endpoint.is_none(),
            target.refused.is_some(),
            "{target:?}"
        );
        let endpoint = target
            .endpoint
            .map_or_else(|| "-".to_owned(), |e| e.to_string());
        (
            endpoint,
            target.origin == Origin::Configured,
            target.member_id,
        )
    });
    targets.collect()
}

fn three() -> [MemberEntry; 3] {
    [
        member(1, &["http://10.0.0.1:2379"]),
        member(2, &["http://10.0.0.2:2379"]),
        member(3, &["http://10.0.0.3:2379"]),
    ]
}

#[test]
fn the_others_are_found_from_one_endpoint() {
    let mut discovery = discovery(&["etcd.example"], OPEN);
    assert_eq!(
        seen(&discovery),
        [("http://etcd.example:2379".into(), true, None)]
    );
    discovery.matched(&endpoint("etcd.example"), 2);
    discovery.listed(&three());
    assert_eq!(
        seen(&discovery),
        [
            ("http://etcd.example:2379".into(), true, Some(2)),
            ("http://10.0.0.1:2379".into(), false, Some(1)),
            ("http://10.0.0.3:2379".into(), false, Some(3)),
        ]
    );
}

#[test]
fn without_discovery_only_the_configured_are_asked() {
    let mut discovery = discovery(
        &["10.0.0.1"],
        DiscoveryPolicy {
            enabled: false,
            ..OPEN
        },
    );
    discovery.listed(&three());
    assert_eq!(
        seen(&discovery),
        [("http://10.0.0.1:2379".into(), true, Some(1))]
    );
}

#[test]
fn an_endpoint_that_never_answered_is_not_asked_twice() {
    let mut discovery = discovery(&["10.0.0.1", "https://10.0.0.2", "localhost:9"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    discovery.listed(&[
        three()[0].clone(),
        three()[1].clone(),
        member(4, &["http://127.0.0.1:9"]),
    ]);
    assert_eq!(
        seen(&discovery),
        [
            ("http://10.0.0.1:2379".into(), true, Some(1)),
            ("https://10.0.0.2:2379".into(), true, Some(2)),
            ("http://localhost:9".into(), true, Some(4)),
        ]
    );
}

#[test]
fn two_endpoints_of_one_member_are_asked_once() {
    let mut discovery = discovery(&["10.0.0.1", "a.example", "10.0.0.1:2379"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    discovery.matched(&endpoint("a.example"), 1);
    discovery.listed(&three()[..1]);
    assert_eq!(
        seen(&discovery),
        [("http://10.0.0.1:2379".into(), true, Some(1))]
    );
    discovery.matched(&endpoint("a.example"), 7);
    assert_eq!(seen(&discovery).len(), 2);
}

#[test]
fn a_replaced_member_takes_over_its_endpoint() {
    let mut discovery = discovery(&["10.0.0.1"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    discovery.listed(&[member(9, &["http://10.0.0.1:2379"]), three()[1].clone()]);
    assert_eq!(
        seen(&discovery),
        [
            ("http://10.0.0.1:2379".into(), true, Some(9)),
            ("http://10.0.0.2:2379".into(), false, Some(2)),
        ]
    );
}

#[test]
fn a_member_that_never_started_is_no_target() {
    let mut discovery = discovery(&["10.0.0.1"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    discovery.listed(&[three()[0].clone(), member(5, &[])]);
    assert_eq!(seen(&discovery).len(), 1);
}

#[test]
fn credentials_go_to_discovered_addresses_over_verified_tls_only() {
    let urls = ["http://10.0.0.2:2379", "https://10.0.0.2:2379"];
    for (verified_tls, expected) in [(true, "https://10.0.0.2:2379"), (false, "-")] {
        let policy = DiscoveryPolicy {
            has_credentials: true,
            verified_tls,
            ..OPEN
        };
        let mut discovery = discovery(&["10.0.0.1"], policy);
        discovery.listed(&[three()[0].clone(), member(2, &urls)]);
        let targets = seen(&discovery);
        assert_eq!(targets[0].0, "http://10.0.0.1:2379");
        assert_eq!(targets[1], (expected.to_owned(), false, Some(2)));
    }
    let policy = DiscoveryPolicy {
        has_credentials: true,
        verified_tls: true,
        ..OPEN
    };
    let mut discovery = discovery(&["10.0.0.1"], policy);
    discovery.listed(&[member(2, &urls[..1])]);
    let refused = discovery.targets()[1].refused.clone().unwrap();
    assert!(refused.contains("verified TLS"), "{refused}");
}

#[test]
fn addresses_that_lead_elsewhere_are_refused_with_a_reason() {
    for (url, part) in [
        ("http://0.0.0.0:2379", "0.0.0.0"),
        ("http://[::]:2379", "[::]"),
        ("http://169.254.169.254:80", "link-local"),
        ("http://[fe80::1]:2379", "link-local"),
        ("http://root:pw@10.0.0.9:2379", "password"),
        ("http://10.0.0.9:2379/path", "path"),
        ("unix://etcd.sock", "scheme"),
        ("10.0.0.9:2379", "scheme"),
        ("http://10.0.0.1:2379", "another member"),
    ] {
        let mut discovery = discovery(&["10.0.0.1"], OPEN);
        discovery.matched(&endpoint("10.0.0.1"), 1);
        discovery.listed(&[three()[0].clone(), member(2, &[url])]);
        let target = discovery.targets()[1].clone();
        let reason = target.refused.unwrap();
        assert!(reason.contains(part), "{url}: {reason}");
        assert_eq!((target.endpoint, target.member_id), (None, Some(2)));
    }
}

#[test]
fn the_first_url_that_may_be_contacted_is_taken() {
    let mut discovery = discovery(&["10.0.0.1"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    discovery.listed(&[member(
        2,
        &["http://0.0.0.0:1", "http://10.0.0.2:2", "http://10.0.0.2:3"],
    )]);
    assert_eq!(
        seen(&discovery)[1],
        ("http://10.0.0.2:2".into(), false, Some(2))
    );
}

#[test]
fn members_that_advertise_one_url_are_asked_there_once() {
    let mut discovery = discovery(&["10.0.0.1"], OPEN);
    discovery.matched(&endpoint("10.0.0.1"), 1);
    let local = ["http://localhost:2379"];
    discovery.listed(&[member(1, &local), member(2, &local), member(3, &local)]);
    assert_eq!(
        seen(&discovery),
        [
            ("http://10.0.0.1:2379".into(), true, Some(1)),
            ("http://localhost:2379".into(), false, Some(2)),
            ("-".into(), false, Some(3)),
        ]
    );
}

#[test]
fn the_number_of_targets_is_bounded() {
    let mut discovery = discovery(&["10.0.0.1"], OPEN);
    let urls: Vec<_> = (0..500)
        .map(|n| format!("http://10.1.0.{}:{}", n % 250, 1000 + n))
        .collect();
    let members: Vec<_> = urls
        .iter()
        .zip(1..)
        .map(|(url, id)| member(id, &[url]))
        .collect();
    discovery.listed(&members);
    assert_eq!(discovery.targets().len(), MAX_TARGETS);
}
