use etcd_monitor_testkit::TestCa;
use proptest::prelude::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{covers, read_chain};

fn issued(names: &[&str]) -> CertificateDer<'static> {
    let issued = TestCa::new("authority")
        .unwrap()
        .issue("etcd", names)
        .unwrap();
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

#[test]
fn what_stands_in_a_certificate_is_read() {
    let chain = read_chain(&[issued(&["etcd-0.example", "10.0.0.1", "::1"])]).unwrap();
    let [leaf] = chain.as_slice() else {
        panic!("{chain:?}")
    };
    assert_eq!(
        (leaf.subject.as_str(), leaf.issuer.as_str()),
        ("CN=etcd", "CN=authority")
    );
    assert_eq!(leaf.names, ["etcd-0.example", "10.0.0.1", "::1"]);
    assert!(leaf.server_auth && leaf.client_auth);
    assert!(leaf.issuer_key.is_some() && leaf.not_before < leaf.not_after);
    assert!(leaf.serial.len() >= 2);
}

#[test]
fn a_host_is_covered_as_tls_says() {
    let leaf = issued(&["*.etcd.example", "10.0.0.1", "::1"]);
    for (host, covered) in [
        ("a.etcd.example", true),
        ("etcd.example", false),
        ("a.b.etcd.example", false),
        ("10.0.0.1", true),
        ("10.0.0.2", false),
        ("::1", true),
        ("not a name", false),
    ] {
        assert_eq!(covers(&leaf, host), covered, "{host}");
    }
}

#[test]
fn no_chain_and_garbage_are_bad_answers() {
    assert!(read_chain(&[]).is_err());
    let garbage = CertificateDer::from(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]);
    assert!(!covers(&garbage, "10.0.0.1"));
    assert!(read_chain(&[garbage]).is_err());
}

#[test]
fn a_long_chain_and_long_names_are_cut() {
    let names: Vec<String> = (0..100)
        .map(|number| format!("n{number}.example"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let leaf = issued(&names);
    let chain = read_chain(&vec![leaf.clone(); 20]).unwrap();
    assert_eq!((chain.len(), chain[0].names.len()), (4, 16));
    assert!(covers(&leaf, "n99.example"));
}

proptest! {
    #[test]
    fn a_flipped_or_cut_certificate_never_panics(at in 0usize..2_000, flip in 1u8.., cut in any::<bool>()) {
        let mut der = issued(&["etcd-0.example", "10.0.0.1"]).to_vec();
        let at = at % der.len();
        if cut { der.truncate(at) } else { der[at] ^= flip }
        let der = CertificateDer::from(der);
        let _ = covers(&der, "10.0.0.1");
        let _ = read_chain(&[der]);
    }
}
