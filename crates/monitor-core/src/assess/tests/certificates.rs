//! What ports showed: certificates that end, that do not fit, and whose authorities differ.

use etcd_monitor_model::FailureKind::{Refused, Tls};
use etcd_monitor_model::{
    Certificate, CertificateReport, FindingStatus, PortCertificate, PortKind, PortTrust, Probe,
    ProbeFailure, Severity, ShownCertificates, Snapshot, TrustReport, rule,
};
use jiff::Timestamp;

use super::scene::{Scene, Watch, at, at_first_sight, explained, finding, roots, status_of};

const DAY: i64 = 86_400;

fn certificate() -> Certificate {
    Certificate {
        subject: "CN=etcd".to_owned(),
        issuer: "CN=authority".to_owned(),
        serial: "01".to_owned(),
        issuer_key: Some("aa".to_owned()),
        own_key: None,
        not_before: at(-100 * DAY),
        not_after: at(265 * DAY),
        names: vec!["n1".to_owned()],
        server_auth: true,
        client_auth: true,
    }
}

fn ending_in(seconds: i64) -> Certificate {
    Certificate {
        not_after: at(seconds),
        ..certificate()
    }
}

fn shown(certificate: Certificate) -> ShownCertificates {
    ShownCertificates {
        chain: vec![certificate],
        covers_host: true,
        refused: None,
    }
}

fn port(member: usize, kind: PortKind, handshake: Result<ShownCertificates, &str>) -> PortTrust {
    let number = if kind == PortKind::Client { 2379 } else { 2380 };
    let failure = |message: &str| ProbeFailure {
        kind: Refused,
        message: message.to_owned(),
    };
    PortTrust {
        kind,
        url: format!("https://n{member}:{number}"),
        advertised: true,
        handshake: Some(Probe {
            at: at(0),
            took_seconds: 0.01,
            result: handshake.map_err(failure),
        }),
    }
}

type Look<'a> = Result<ShownCertificates, &'a str>;

/// The member is asked over TLS, and was looked at in this cycle.
fn looked(scene: Scene, member: usize, client: Look<'_>, peer: Look<'_>) -> Scene {
    scene.edit(member, |seen| {
        seen.endpoint = format!("https://n{member}:2379");
        let ports = vec![
            port(member, PortKind::Client, client),
            port(member, PortKind::Peer, peer),
        ];
        seen.trust = Some(TrustReport { ports });
    })
}

/// Three members over TLS with good certificates, and none of the monitor's own.
fn secure() -> Scene {
    let mut scene = (1..=3).fold(Scene::of(3), |scene, member| {
        looked(
            scene,
            member,
            Ok(shown(certificate())),
            Ok(shown(certificate())),
        )
    });
    scene.own_certificates = super::scene::ok(Vec::new());
    scene
}

/// The same, in a cycle in which nobody was looked at.
fn between() -> Scene {
    let mut scene = secure().each(|seen| seen.trust = None);
    scene.own_certificates = None;
    scene
}

fn with_peer(member: usize, peer: Look<'_>) -> Scene {
    looked(secure(), member, Ok(shown(certificate())), peer)
}

fn reason(snapshot: &Snapshot, rule: &str, subject: &str) -> String {
    match &finding(snapshot, rule, subject).status {
        FindingStatus::Unknown { unknown_reason, .. } => unknown_reason.clone(),
        other => panic!("{rule} of {subject} is {other:?}"),
    }
}

const RULES: [&str; 4] = [
    rule::CERTIFICATE_EXPIRING,
    rule::CERTIFICATE_NOT_COVERING,
    rule::PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH,
    rule::CERTIFICATE_ISSUERS_DIFFER,
];

#[test]
fn good_certificates_are_good_also_between_two_looks() {
    let mut watch = Watch::default();
    let first = watch.see(secure());
    let later = watch.see(between());
    for rule in RULES {
        assert_eq!(
            (status_of(&first, rule), status_of(&later, rule)),
            ("false", "false"),
            "{rule}"
        );
    }
    assert_eq!((first.cost.handshakes, later.cost.handshakes), (6, 0));
    assert_eq!(
        later.members[0].trust.certificates_end_at,
        Some(at(265 * DAY))
    );
    assert_eq!(later.members[0].trust.certificates_seen_at, Some(at(0)));
}

#[test]
fn before_the_first_look_nothing_is_known() {
    let snapshot = at_first_sight(between());
    for rule in RULES {
        assert_eq!(status_of(&snapshot, rule), "unknown", "{rule}");
    }
}

#[test]
fn what_is_left_decides_how_bad_it_is() {
    for (left, severity) in [
        (29 * DAY, Some(Severity::Info)),
        (6 * DAY, Some(Severity::Warning)),
        (60, Some(Severity::Warning)),
        (-60, Some(Severity::Critical)),
        (31 * DAY, None),
    ] {
        let mut long = ending_in(left);
        long.not_before = at(-400 * DAY);
        let snapshot = at_first_sight(with_peer(2, Ok(shown(long))));
        let found = finding(&snapshot, rule::CERTIFICATE_EXPIRING, "n2");
        assert_eq!(
            found.status.is_true().then_some(found.severity),
            severity,
            "{left}"
        );
        if severity.is_some() {
            assert!(found.cause.contains("peer port of n2"), "{}", found.cause);
            assert!(
                found.action.contains("--peer-cert-file"),
                "{}",
                found.action
            );
        }
    }
}

#[test]
fn a_certificate_made_for_a_day_is_told_of_only_near_its_end() {
    for (left, severity) in [
        (20 * 3_600, None),
        (5 * 3_600, Some(Severity::Info)),
        (3_600, Some(Severity::Warning)),
    ] {
        let mut daily = ending_in(left);
        daily.not_before = at(left - DAY);
        let snapshot = at_first_sight(with_peer(2, Ok(shown(daily))));
        let found = finding(&snapshot, rule::CERTIFICATE_EXPIRING, "n2");
        assert_eq!(
            found.status.is_true().then_some(found.severity),
            severity,
            "{left}"
        );
    }
}

#[test]
fn a_certificate_that_is_not_valid_yet_and_an_expired_authority_are_critical() {
    let early = Certificate {
        not_before: at(3_600),
        ..certificate()
    };
    let snapshot = at_first_sight(with_peer(2, Ok(shown(early))));
    let found = finding(&snapshot, rule::CERTIFICATE_EXPIRING, "n2");
    assert_eq!(found.severity, Severity::Critical);
    assert!(
        found.cause.contains("is not valid before"),
        "{}",
        found.cause
    );

    let mut chain = shown(certificate());
    chain.chain.push(Certificate {
        subject: "CN=middle".to_owned(),
        ..ending_in(-DAY)
    });
    let snapshot = at_first_sight(with_peer(2, Ok(chain)));
    let found = finding(&snapshot, rule::CERTIFICATE_EXPIRING, "n2");
    assert!(
        found.cause.contains("authority CN=middle"),
        "{}",
        found.cause
    );
}

#[test]
fn a_peer_port_out_of_reach_leaves_open_what_it_shows() {
    let snapshot = at_first_sight(with_peer(2, Err("connection refused")));
    let why = reason(&snapshot, rule::CERTIFICATE_EXPIRING, "n2");
    assert!(
        why.contains("peer port https://n2:2380") && why.contains("refused"),
        "{why}"
    );
    assert_eq!(roots(&snapshot), "");
}

#[test]
fn a_port_that_is_down_keeps_what_it_showed_until_that_is_too_old() {
    let mut watch = Watch::default();
    watch.see(with_peer(2, Ok(shown(ending_in(-DAY)))));
    let down = || with_peer(2, Err("connection refused"));
    let still = watch.see(down());
    assert!(
        finding(&still, rule::CERTIFICATE_EXPIRING, "n2")
            .status
            .is_true()
    );
    watch.second += 4_000;
    let why = reason(&watch.see(down()), rule::CERTIFICATE_EXPIRING, "n2");
    assert!(why.contains("too old"), "{why}");
}

#[test]
fn a_renewed_certificate_ends_the_finding() {
    let mut watch = Watch::default();
    watch.see(with_peer(2, Ok(shown(ending_in(-DAY)))));
    assert_eq!(
        status_of(&watch.see(secure()), rule::CERTIFICATE_EXPIRING),
        "false"
    );
}

#[test]
fn an_uncovered_host_is_told_where_the_member_advertises_it() {
    let uncovered = ShownCertificates {
        covers_host: false,
        ..shown(certificate())
    };
    let scene = with_peer(2, Ok(uncovered));
    let snapshot = at_first_sight(scene.clone());
    let found = finding(&snapshot, rule::CERTIFICATE_NOT_COVERING, "n2");
    assert!(
        found.cause.contains("https://n2:2380: it names n1"),
        "{}",
        found.cause
    );
    let only_named = scene.edit(2, |seen| {
        for port in seen.trust.iter_mut().flat_map(|report| &mut report.ports) {
            port.advertised = false;
        }
    });
    assert_eq!(
        status_of(&at_first_sight(only_named), rule::CERTIFICATE_NOT_COVERING),
        "false"
    );
}

#[test]
fn client_auth_is_wanted_of_peers_only() {
    let servers_only = || Certificate {
        client_auth: false,
        ..certificate()
    };
    let snapshot = at_first_sight(with_peer(2, Ok(shown(servers_only()))));
    assert_eq!(roots(&snapshot), "PeerCertificateWithoutClientAuth n2");
    let client = looked(
        secure(),
        2,
        Ok(shown(servers_only())),
        Ok(shown(certificate())),
    );
    assert_eq!(roots(&at_first_sight(client)), "");
}

#[test]
fn differing_authorities_of_one_kind_of_port_are_told() {
    let other = |issuer: &str, key: Option<&str>| Certificate {
        issuer: issuer.to_owned(),
        issuer_key: key.map(str::to_owned),
        ..certificate()
    };
    for (certificate, differ) in [
        (other("CN=new authority", None), true),
        (other("CN=authority", Some("bb")), true),
        (other("CN=authority", None), false),
    ] {
        let snapshot = at_first_sight(with_peer(3, Ok(shown(certificate))));
        let found = finding(&snapshot, rule::CERTIFICATE_ISSUERS_DIFFER, "test");
        assert_eq!(
            (found.status.is_true(), found.severity),
            (differ, Severity::Info)
        );
    }
    let peers_of_another = (1..=3).fold(secure(), |scene, member| {
        let peer = other("CN=peers", Some("cc"));
        looked(scene, member, Ok(shown(certificate())), Ok(shown(peer)))
    });
    assert_eq!(roots(&at_first_sight(peers_of_another)), "");
}

#[test]
fn two_intermediates_of_one_root_are_one_authority() {
    let below = |name: &str| {
        let mut chain = shown(Certificate {
            issuer: name.to_owned(),
            issuer_key: None,
            ..certificate()
        });
        chain.chain.push(Certificate {
            subject: name.to_owned(),
            issuer: "CN=root".to_owned(),
            ..certificate()
        });
        chain
    };
    let scene = looked(secure(), 1, Ok(shown(certificate())), Ok(below("CN=a")));
    let scene = looked(scene, 2, Ok(shown(certificate())), Ok(below("CN=b")));
    let scene = looked(scene, 3, Ok(shown(certificate())), Ok(below("CN=b")));
    assert_eq!(
        status_of(&at_first_sight(scene), rule::CERTIFICATE_ISSUERS_DIFFER),
        "false"
    );
}

#[test]
fn a_failing_handshake_is_explained_by_the_certificate_on_its_way_and_no_other() {
    let expired = || Ok(shown(ending_in(-DAY)));
    let client = looked(secure(), 2, expired(), Ok(shown(certificate()))).fails(2, Tls);
    let snapshot = at_first_sight(client);
    assert_eq!(roots(&snapshot), "CertificateExpiring n2");
    assert!(explained(&snapshot).contains("TlsFailed n2"));

    let peer = with_peer(2, expired()).fails(2, Tls);
    assert_eq!(
        roots(&at_first_sight(peer)),
        "CertificateExpiring n2, TlsFailed n2, MetricsUnreadable n2"
    );

    let uncovered = ShownCertificates {
        covers_host: false,
        ..shown(certificate())
    };
    let client = looked(secure(), 2, Ok(uncovered), Ok(shown(certificate()))).fails(2, Tls);
    assert_eq!(roots(&at_first_sight(client)), "CertificateNotCovering n2");
}

#[test]
fn the_monitors_own_expired_certificate_explains_who_refuses_it() {
    let mut scene = secure().all_fail(Tls);
    scene.own_certificates = super::scene::ok(vec![ending_in(-DAY)]);
    let snapshot = at_first_sight(scene);
    assert_eq!(roots(&snapshot), "CertificateExpiring monitor");
    let found = finding(&snapshot, rule::CERTIFICATE_EXPIRING, "monitor");
    assert!(found.action.contains("--cert"), "{}", found.action);
}

#[test]
fn plain_ports_show_nothing_that_could_be_wrong() {
    let mut plain = secure().each(|seen| {
        for port in seen.trust.iter_mut().flat_map(|report| &mut report.ports) {
            port.handshake = None;
        }
    });
    plain.own_certificates = super::scene::ok(Vec::new());
    let snapshot = at_first_sight(plain);
    for rule in RULES {
        assert_eq!(status_of(&snapshot, rule), "false", "{rule}");
    }
    assert_eq!(snapshot.members[0].trust.certificates_end_at, None);
}

#[test]
fn the_ends_of_time_and_an_empty_chain_are_survived() {
    let ends = Certificate {
        not_before: Timestamp::MAX,
        not_after: Timestamp::MIN,
        ..certificate()
    };
    let mut empty = shown(certificate());
    empty.chain.clear();
    let scene = looked(secure(), 1, Ok(empty.clone()), Ok(empty));
    let scene = looked(scene, 2, Ok(shown(ends.clone())), Ok(shown(ends)));
    let snapshot = at_first_sight(scene);
    assert_eq!(
        finding(&snapshot, rule::CERTIFICATE_EXPIRING, "n2").severity,
        Severity::Critical
    );
}

#[test]
fn a_clock_that_went_back_makes_nothing_old() {
    let mut watch = Watch::default();
    watch.see(secure());
    watch.second -= 10_000;
    assert_eq!(
        status_of(&watch.see(between()), rule::CERTIFICATE_EXPIRING),
        "false"
    );
}

#[test]
fn each_port_is_told_with_what_the_rules_say_of_it() {
    let mut watch = Watch::default();
    let scene = looked(
        secure(),
        2,
        Err("connection refused"),
        Ok(shown(ending_in(-60))),
    );
    for snapshot in [watch.see(scene), watch.see(between())] {
        let report = &snapshot.certificates;
        assert_eq!((report.shown.len(), report.without_tls.len()), (5, 0));
        let of = |member: &str, port: PortKind| {
            let mut shown = report.shown.iter();
            let is_it = |it: &&PortCertificate| it.place.member == member && it.place.port == port;
            shown.find(is_it).cloned()
        };
        let good = of("n1", PortKind::Client).unwrap();
        assert_eq!((good.problem, good.seen_at), (None, at(0)));
        assert_eq!(
            (good.subject.as_str(), good.not_after),
            ("CN=etcd", at(265 * DAY))
        );
        let ended = of("n2", PortKind::Peer).unwrap().problem.unwrap();
        assert!(ended.contains("the peer port of n2 ended"), "{ended}");
        let [unseen] = &report.unknown[..] else {
            panic!("{:?}", report.unknown);
        };
        assert_eq!(unseen.url.as_deref(), Some("https://n2:2379"));
        assert!(unseen.reason.contains("connection refused"), "{unseen:?}");
    }
}

#[test]
fn ports_without_tls_and_members_that_were_not_looked_at_are_told_apart() {
    let plain = at_first_sight(Scene::of(3)).certificates;
    assert_eq!((plain.shown.len(), plain.unknown.len()), (0, 0));
    let urls: Vec<&str> = plain.without_tls.iter().map(|it| it.url.as_str()).collect();
    assert_eq!(urls, ["http://n1:2379", "http://n2:2379", "http://n3:2379"]);
    let unseen = at_first_sight(between()).certificates;
    assert_eq!((unseen.shown.len(), unseen.without_tls.len()), (0, 0));
    let ports: Vec<_> = unseen.unknown.iter().map(|it| it.port).collect();
    assert_eq!(ports, [None, None, None]);
}

#[test]
fn a_snapshot_of_an_older_release_has_no_report() {
    let mut older = serde_json::to_value(at_first_sight(secure())).unwrap();
    let fields = older.as_object_mut().unwrap();
    assert!(fields.remove("certificates").is_some() && fields.remove("versions").is_some());
    let read: Snapshot = serde_json::from_value(older).unwrap();
    assert_eq!(read.certificates, CertificateReport::default());
}
