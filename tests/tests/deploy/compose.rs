//! The compose file: what it promises of ports, images and folders.

use serde_json::Value;

use crate::{assert_success, is_pinned, root, text, tool, yaml};

pub(crate) const FILE: &str = "deploy/docker-compose.yml";

/// What listens where, on this host.
const PORTS: [(&str, &str); 6] = [
    ("etcd1", "127.0.0.1:2379:2379"),
    ("etcd2", "127.0.0.1:22379:2379"),
    ("etcd3", "127.0.0.1:32379:2379"),
    ("etcd-monitor", "127.0.0.1:8080:8080"),
    ("prometheus", "127.0.0.1:9090:9090"),
    ("grafana", "127.0.0.1:3000:3000"),
];

/// The file, with what services share put in.
pub(crate) fn compose() -> Value {
    yaml(&text(FILE))
}

/// A list of texts; none where it is not there.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let entries = value.as_array().into_iter().flatten();
    entries
        .map(|entry| entry.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn docker_compose_takes_the_file() {
    let path = root().join(FILE);
    let arguments = ["-f", path.to_str().unwrap(), "config", "-q"];
    if let Some(checked) = tool("docker-compose", &arguments, "the compose file's form") {
        assert_success(&checked, "docker-compose config");
    }
}

#[test]
fn every_port_is_bound_to_loopback_alone() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.len(), PORTS.len());
    for (service, port) in PORTS {
        assert_eq!(texts(&services[service]["ports"]), [port], "{service}");
    }
}

#[test]
fn every_image_is_pinned_and_every_service_says_how_it_is() {
    for (name, service) in compose()["services"].as_object().unwrap() {
        let image = service["image"].as_str().unwrap();
        assert!(is_pinned(image), "{name}: {image}");
        assert!(service["healthcheck"]["test"].is_array(), "{name}");
        assert!(service["networks"].is_array(), "{name}");
    }
}

#[test]
fn what_is_mounted_is_in_the_repository_or_a_named_volume() {
    let compose = compose();
    let volumes = compose["volumes"].as_object().unwrap();
    let mut used = 0;
    for (name, service) in compose["services"].as_object().unwrap() {
        for volume in texts(&service["volumes"]) {
            let (source, _) = volume.split_once(':').unwrap();
            if source.starts_with('.') {
                let path = root().join("deploy").join(source);
                assert!(path.is_dir(), "{name} mounts {source}, which is not there");
                assert!(volume.ends_with(":ro"), "{name} could write into {source}");
            } else {
                assert!(volumes.contains_key(source), "{name}: {source}");
                used += 1;
            }
        }
    }
    assert_eq!(used, volumes.len(), "a volume is used by nobody");
}

#[test]
fn the_daemon_has_no_more_rights_than_it_needs() {
    let compose = compose();
    let daemon = &compose["services"]["etcd-monitor"];
    assert_eq!(daemon["read_only"], true);
    assert_eq!(texts(&daemon["cap_drop"]), ["ALL"]);
    assert_eq!(texts(&daemon["security_opt"]), ["no-new-privileges:true"]);
}
