//! The manifest, held to the types of Kubernetes: what these do not know, an API server would refuse or drop in silence.

use etcd_monitor_tests::harness::run_to_end;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, PodSpec, Service, ServiceAccount,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{is_pinned, text, yaml};

const FILE: &str = "deploy/kubernetes.yaml";
const MONITOR: &str = "deploy/kubernetes-servicemonitor.yaml";

fn documents() -> Vec<Value> {
    text(FILE).split("\n---\n").map(yaml).collect()
}

fn document(kind: &str) -> Value {
    let found = documents().into_iter().find(|it| it["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

/// The object of this kind, in which nothing is written that its type does not know.
fn typed<T: Serialize + DeserializeOwned>(kind: &str) -> T {
    let written = document(kind);
    let typed: T =
        serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let known = serde_json::to_value(&typed).unwrap();
    assert_known(kind, &written, &known);
    typed
}

fn assert_known(place: &str, written: &Value, known: &Value) {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => {
            for (key, value) in written {
                let place = format!("{place}.{key}");
                let known = known.get(key);
                assert_known(
                    &place,
                    value,
                    known.unwrap_or_else(|| panic!("{place} is not known")),
                );
            }
        }
        (Value::Array(written), Value::Array(known)) => {
            assert_eq!(written.len(), known.len(), "{place}");
            for (written, known) in written.iter().zip(known) {
                assert_known(place, written, known);
            }
        }
        _ => assert_eq!(written, known, "{place}"),
    }
}

fn pod() -> PodSpec {
    let deployment: Deployment = typed("Deployment");
    deployment.spec.unwrap().template.spec.unwrap()
}

#[test]
fn every_object_is_what_kubernetes_knows() {
    typed::<Namespace>("Namespace");
    typed::<ServiceAccount>("ServiceAccount");
    typed::<ConfigMap>("ConfigMap");
    typed::<PersistentVolumeClaim>("PersistentVolumeClaim");
    typed::<Deployment>("Deployment");
    typed::<Service>("Service");
    assert_eq!(documents().len(), 6, "each of them is looked at here");
}

#[test]
#[should_panic(expected = "Pod.spec.nodename is not known")]
fn what_no_type_knows_is_named() {
    let written = yaml("spec: {nodename: a}");
    let pod: k8s_openapi::api::core::v1::Pod = serde_json::from_value(written.clone()).unwrap();
    assert_known("Pod", &written, &serde_json::to_value(pod).unwrap());
}

#[test]
fn the_pod_is_restricted_and_gets_no_token_and_no_variables_of_services() {
    let pod = pod();
    assert_eq!(pod.enable_service_links, Some(false));
    assert_eq!(pod.automount_service_account_token, Some(false));
    let security = pod.security_context.unwrap();
    assert_eq!(security.run_as_non_root, Some(true));
    assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let container = &pod.containers[0];
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(security.read_only_root_filesystem, Some(true));
    let dropped = security.capabilities.as_ref().unwrap().drop.as_ref();
    assert_eq!(dropped.unwrap(), &["ALL"]);
    assert!(is_pinned(container.image.as_ref().unwrap()));
    let resources = container.resources.as_ref().unwrap();
    assert!(resources.requests.as_ref().unwrap().contains_key("memory"));
    assert!(resources.limits.as_ref().unwrap().contains_key("memory"));
}

#[test]
fn probes_ask_what_the_daemon_answers_by_the_address_of_the_pod() {
    let pod = pod();
    let container = &pod.containers[0];
    let probes = [
        (&container.liveness_probe, "/health"),
        (&container.readiness_probe, "/ready"),
    ];
    for (probe, path) in probes {
        let http = probe.as_ref().unwrap().http_get.as_ref().unwrap();
        assert_eq!(http.path.as_deref(), Some(path));
        assert_eq!(
            http.host, None,
            "{path}: the kubelet names the pod's address"
        );
    }
}

#[test]
fn every_volume_is_mounted_and_the_image_is_the_one_of_the_compose_file() {
    let pod = pod();
    let container = &pod.containers[0];
    let mounts = container.volume_mounts.as_ref().unwrap();
    let mut mounted: Vec<_> = mounts.iter().map(|it| it.name.as_str()).collect();
    let mut volumes: Vec<_> = pod
        .volumes
        .as_ref()
        .unwrap()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    mounted.sort_unstable();
    volumes.sort_unstable();
    assert_eq!(mounted, volumes);
    let compose = crate::compose::compose();
    let image = compose["services"]["etcd-monitor"]["image"].as_str();
    assert_eq!(container.image.as_deref(), image);
}

/// The certificates are where the pod has them; here others stand in their place.
#[tokio::test]
async fn the_daemon_takes_its_configuration() {
    let map: ConfigMap = typed("ConfigMap");
    let file = &map.data.unwrap()["etcd-monitor.yaml"];
    let folder = tempfile::tempdir().unwrap();
    let ca = etcd_monitor_testkit::TestCa::new("etcd").unwrap();
    let pair = ca.issue("monitor", &["monitor"]).unwrap();
    for (name, pem) in [
        ("ca.crt", &ca.pem()),
        ("client.crt", &pair.certificate),
        ("client.key", &pair.key),
    ] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    let written = file.replace("/etc/etcd-certs", folder.path().to_str().unwrap());
    let path = folder.path().join("etcd-monitor.yaml");
    std::fs::write(&path, written).unwrap();
    let checked = run_to_end(["check-config", path.to_str().unwrap()]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);

    let mounts = pod().containers[0].volume_mounts.clone().unwrap();
    let certs = mounts.iter().find(|it| it.name == "certs").unwrap();
    assert!(file.contains(&format!("{}/ca.crt", certs.mount_path)));
}

#[test]
fn the_monitor_for_the_operator_selects_the_service() {
    let monitor = yaml(&text(MONITOR));
    assert_eq!(monitor["kind"], "ServiceMonitor");
    let service: Service = typed("Service");
    let labels = service.metadata.labels.unwrap();
    for (name, value) in monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .unwrap()
    {
        assert_eq!(labels.get(name).map(String::as_str), value.as_str());
    }
    let port = monitor["spec"]["endpoints"][0]["port"].as_str();
    assert_eq!(
        service.spec.unwrap().ports.unwrap()[0].name.as_deref(),
        port
    );
}
