use clap::Parser;
use etcd_monitor_core::{Endpoint, Parameters};

use super::*;

fn config(arguments: &[&str], yaml: &str) -> Result<Config, ConfigError> {
    // As the program does; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::try_parse_from([&["etcd-monitor"], arguments].concat()).unwrap();
    let merged = Config::merge(&cli, file::parse(yaml)?);
    merged.map_err(|error| ConfigError::new(error.to_string()))
}

fn refused(arguments: &[&str], yaml: &str) -> String {
    config(arguments, yaml).unwrap_err().to_string()
}

#[test]
fn without_anything_the_etcd_of_this_host_is_watched_on_loopback() {
    let config = config(&[], "").unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.interval, Duration::from_secs(5));
    assert_eq!(config.data_dir, PathBuf::from("etcd-monitor-data"));
    let [cluster] = config.clusters.as_slice() else {
        panic!("one cluster")
    };
    assert_eq!(cluster.endpoints[0].as_str(), "http://127.0.0.1:2379");
    assert_eq!(cluster.name.as_str(), "default");
}

#[test]
fn flags_win_over_the_file() {
    let yaml = "api_port: 9000\ninterval: 10s\nclusters:\n  - name: prod\n    endpoints: [a:1]\n";
    let config = config(&["--api-port", "9001", "--endpoints", "b:2,c:3"], yaml).unwrap();
    assert_eq!(
        (config.address.port(), config.interval),
        (9001, Duration::from_secs(10))
    );
    let endpoints: Vec<&str> = config.clusters[0]
        .endpoints
        .iter()
        .map(Endpoint::as_str)
        .collect();
    assert_eq!(endpoints, ["http://b:2", "http://c:3"]);
    assert_eq!(config.clusters[0].name.as_str(), "prod");
}

#[test]
fn origins_are_as_browsers_send_them() {
    let given = "cors_origins: [https://grafana.example, 'http://10.0.0.7:3000']";
    assert_eq!(config(&[], given).unwrap().cors_origins.len(), 2);
    assert!(config(&[], "").unwrap().cors_origins.is_empty());
    let error = refused(&[], "cors_origins: [grafana.example]");
    assert!(
        error.contains("cors_origins") && error.contains("https://"),
        "{error}"
    );
}

#[test]
fn an_empty_document_is_a_file_with_no_keys() {
    for text in ["", "# nothing\n", "---\n", "null\n", "{}\n"] {
        assert_eq!(config(&[], text).unwrap().address.port(), 8080, "{text:?}");
    }
}

#[test]
fn the_webhook_is_read_from_a_file_and_is_not_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "http://127.0.0.1/secret\n").unwrap();
    let config = config(&["--webhook-url-file", file.path().to_str().unwrap()], "").unwrap();
    assert!(!format!("{config:?}").contains("secret"));
    let channels = config.alerts.channels.iter();
    let channels: Vec<&str> = channels.map(ConfiguredChannel::name).collect();
    assert_eq!(channels, ["console", "webhook"]);
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_what_was_meant() {
    let message = refused(&[], "api_port: 1\nintervall: 5s\n");
    assert!(
        message.contains("intervall") && message.contains("did you mean `interval`?"),
        "{message}"
    );
    assert!(message.contains("line 2"), "{message}");
}

#[test]
fn no_error_shows_a_line_beside_the_wrong_one() {
    let message = refused(&[], "webhook_url: http://a/secret\nintervall: 5s\n");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn broken_yaml_is_named_with_its_place() {
    let message = refused(&[], "clusters:\n  - name: [\n");
    assert!(message.contains("line "), "{message}");
}

#[test]
fn a_malformed_endpoint_is_named_with_its_cluster() {
    let message = refused(&["--endpoints", "127.0.0.1:notaport"], "");
    assert!(
        message.contains("default") && message.contains("notaport"),
        "{message}"
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    let two = "clusters: [{name: a, endpoints: [a:1]}, {name: a, endpoints: [b:1]}]";
    assert!(refused(&[], two).contains("two are named"));
    let two = "clusters: [{name: a, endpoints: [a:1]}, {name: b, endpoints: [b:1]}]";
    assert!(refused(&["--endpoints", "c:1"], two).contains("which of the 2 clusters"));
    assert!(refused(&[], "clusters: [{user: root}]").contains("password_file"));
    assert!(refused(&["--external-url", "nonsense"], "").contains("--external-url"));
    assert!(refused(&["--external-url", "ftp://host/"], "").contains("neither http nor https"));
    assert!(refused(&["--allow-host", "*"], "").contains("--allow-host"));
    let both = refused(&[], "webhook_url: http://a/\nwebhook_url_file: b");
    assert!(both.starts_with("line 2 column 19: webhook_url"), "{both}");
    let share = "clusters: [{parameters: {quota_warning_share: .nan}}]";
    assert!(refused(&[], share).contains("quota_warning_share"));
    assert!(refused(&[], "interval: 5 parsecs").contains("interval"));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_key() {
    let message = refused(&["--cacert", "/nowhere/ca.pem"], "");
    assert!(message.contains("cacert /nowhere/ca.pem"), "{message}");
}

#[test]
fn tls_flags_make_endpoints_without_scheme_https() {
    let ca = tempfile::NamedTempFile::new().unwrap();
    let path = ca.path().to_str().unwrap();
    let config = config(&["--cacert", path, "--endpoints", "a:1"], "").unwrap();
    assert_eq!(config.clusters[0].endpoints[0].as_str(), "https://a:1");
    assert!(config.clusters[0].client.tls.is_some());
}

/// A folder with every file that a text names below `/etc`, and the text with that folder in its place.
fn with_files(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | '}' | ')' | '`');
    for (at, _) in text.match_indices("/etc/etcd") {
        let path = text[at..].split(is_end).next().unwrap();
        let file = folder.path().join(path.trim_start_matches("/etc/"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content(path)).unwrap();
    }
    let text = text.replace("/etc/etcd", folder.path().join("etcd").to_str().unwrap());
    (folder, text)
}

/// What may stand in a file of this name.
fn content(path: &str) -> String {
    let extension = path.rsplit('.').next().unwrap();
    match extension {
        "pem" => {
            let key = rcgen::KeyPair::generate().unwrap();
            let parameters = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
            parameters.self_signed(&key).unwrap().pem()
        }
        "url" => "https://hooks.example/secret".to_owned(),
        "j2" => "{{ title }}".to_owned(),
        "json" => r#"{"format": 1, "entries": []}"#.to_owned(),
        "yml" => String::new(),
        _ => "secret".to_owned(),
    }
}

#[test]
fn the_example_file_can_be_used_with_every_key_in_it() {
    let text = include_str!("../../etcd-monitor.example.yaml");
    config(&[], text).unwrap();
    let lines = text.lines();
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .collect();
    let (_folder, all) = with_files(&lines.join("\n"));
    let config = config(&[], &all).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        config.alerts.channels.len(),
        7,
        "webhook and console among them"
    );
    assert_eq!(config.alerts.policy.metric_rules.len(), 1);
    assert!(config.alerts.heartbeat.is_some());
    let doubts = config.warnings.iter();
    let doubts: Vec<_> = doubts.filter(|said| !said.contains("chmod")).collect();
    assert!(doubts.len() <= 2, "{doubts:#?}");
}

#[test]
fn every_configuration_in_the_manual_can_be_used() {
    let alerting = include_str!("../../../../docs/alerting.md");
    let metric_rules = include_str!("../../../../docs/metric-rules.md");
    for (manual, least) in [(alerting, 10), (metric_rules, 1)] {
        let blocks = manual.split("```yaml\n").skip(1);
        let blocks: Vec<&str> = blocks
            .map(|rest| rest.split("```").next().unwrap())
            .collect();
        assert!(blocks.len() >= least, "{}", blocks.len());
        blocks.into_iter().for_each(can_be_used);
    }
}

fn can_be_used(block: &str) {
    let (_folder, block) = with_files(block);
    let config = config(&[], &block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    let doubts = config.warnings.iter();
    let doubts: Vec<_> = doubts.filter(|said| !said.contains("chmod")).collect();
    assert!(doubts.is_empty(), "{doubts:#?}\n{block}");
}

#[test]
fn the_manual_lists_every_metric() {
    let manual = include_str!("../../../../docs/metric-rules.md");
    let row = |metric: &etcd_monitor_model::Metric| {
        let (name, scope, unit) = (metric.name, metric.scope.as_str(), metric.unit().as_str());
        let counter = match metric.kind {
            etcd_monitor_model::StatKind::Counter => ", counter",
            etcd_monitor_model::StatKind::Gauge => "",
        };
        format!(
            "| `{name}` | {scope} | {unit}{counter} | {} |\n",
            metric.help
        )
    };
    let rows: String = etcd_monitor_model::metric_catalogue()
        .iter()
        .map(row)
        .collect();
    let (_, listed) = manual.split_once("|---|---|---|---|\n").unwrap();
    assert_eq!(listed, rows);
}

#[test]
fn the_example_file_is_read_and_names_every_key() {
    let text = include_str!("../../etcd-monitor.example.yaml");
    let parsed = file::parse(text).unwrap();
    assert!(!parsed.clusters.is_empty());
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .collect();
    let uncommented = lines.join("\n");
    file::parse(&uncommented).unwrap();
    assert_eq!(parsed.clusters[0].parameters, Parameters::default());
    let written = config(&[], text).unwrap().history;
    assert_eq!(written, config(&[], "").unwrap().history);
    let history = [
        "enabled",
        "days",
        "minute_days",
        "ten_minute_days",
        "bytes",
        "flush",
    ];
    for key in history {
        assert!(
            text.contains(&format!("\n  {key}: ")),
            "history.{key} is missing"
        );
    }
    let defaults = serde_json::to_value(Parameters::default()).unwrap();
    for key in keys(&defaults) {
        assert!(text.contains(&format!("{key}:")), "{key} is missing");
    }
}

fn keys(value: &serde_json::Value) -> Vec<String> {
    let Some(object) = value.as_object() else {
        return Vec::new();
    };
    let nested = object.values().flat_map(keys);
    object.keys().cloned().chain(nested).collect()
}

#[test]
fn the_black_box_records_unless_it_is_told_not_to() {
    let on = config(&[], "").unwrap().black_box.unwrap();
    assert_eq!((on.window, on.bytes), (Duration::from_mins(15), 256 << 20));
    let smaller = config(&[], "black_box: {minutes: 5, bytes: 1048576}").unwrap();
    let smaller = smaller.black_box.unwrap();
    assert_eq!(
        (smaller.window, smaller.bytes),
        (Duration::from_mins(5), 1 << 20)
    );
    let off = config(&[], "black_box: {enabled: false}").unwrap();
    assert_eq!(off.black_box, None);
    for (wrong, key) in [
        ("{minutes: 0}", "black_box.minutes"),
        ("{bytes: 1000}", "black_box.bytes"),
        ("{byte: 1}", "byte"),
    ] {
        let message = refused(&[], &format!("black_box: {wrong}\n"));
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn certificates_are_looked_at_as_often_as_the_file_says() {
    let looked = |text: &str| config(&[], &format!("clusters:\n  - trust_interval: {text}\n"));
    let seldom = looked("30m").unwrap();
    let options = seldom.clusters[0].probe_options(Duration::from_secs(5));
    assert_eq!(options.trust_interval, Duration::from_mins(30));
    let error = looked("0s").unwrap_err().to_string();
    assert!(error.contains("trust_interval"), "{error}");
}

#[test]
fn hashes_are_compared_every_six_hours_unless_another_pause_or_off_is_written_down() {
    let cluster = |text: &str| config(&[], &format!("clusters:\n  - {text}\n"));
    let interval = |text: &str| {
        let options = cluster(text).unwrap().clusters[0].probe_options(Duration::from_secs(5));
        options.consistency.map(|consistency| consistency.interval)
    };
    assert_eq!(interval("name: a"), Some(Duration::from_hours(6)));
    let seldom = interval("hashkv_interval: 24h");
    assert_eq!(seldom, Some(Duration::from_hours(24)));
    assert_eq!(interval("hashkv_interval: off"), None);
    for wrong in ["5s", "never", "0h"] {
        let error = cluster(&format!("hashkv_interval: {wrong}")).unwrap_err();
        assert!(error.to_string().contains("hashkv_interval"), "{error}");
    }
}

#[test]
fn a_canary_is_off_unless_it_is_written_down() {
    assert_eq!(config(&[], "").unwrap().clusters[0].canary, None);
    let canary = |text: &str| config(&[], &format!("clusters:\n  - canary: {text}\n"));
    let on = canary("{key: monitoring/canary}").unwrap();
    let on = on.clusters[0].canary.clone().unwrap();
    assert_eq!(
        (on.key.as_str(), on.interval),
        ("monitoring/canary", Duration::from_secs(10))
    );
    let seldom = canary("{key: a, interval: 1m}").unwrap();
    let seldom = seldom.clusters[0].canary.clone().unwrap();
    assert_eq!(seldom.interval, Duration::from_mins(1));
    for (wrong, key) in [
        ("{key: ''}", "canary.key"),
        ("{key: a, interval: 1ms}", "canary.interval"),
        ("{interval: 1s}", "key"),
    ] {
        let error = canary(wrong).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn another_list_of_known_versions_is_read_whole_or_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let yaml = format!("known_versions_file: {}\n", file.path().display());
    std::fs::write(file.path(), r#"{"format": 1, "entries": []}"#).unwrap();
    let read = config(&[], &yaml).unwrap();
    let known = &read.clusters[0].parameters.known_versions;
    assert_ne!(*known, Parameters::default().known_versions);
    std::fs::write(file.path(), r#"{"format": 2, "entries": []}"#).unwrap();
    let error = refused(&[], &yaml);
    assert!(
        error.contains("known_versions_file") && error.contains("format 2"),
        "{error}"
    );
}
