use std::time::Duration;

use etcd_monitor_alerting::Alert;
use etcd_monitor_model::Severity;

use super::*;

fn checked(yaml: &str) -> Result<(AlertsConfig, Vec<String>), String> {
    // As the program does; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file: AlertsFile = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
    let prod = ClusterName::new("prod");
    let own: ClusterAlertsFile =
        serde_saphyr::from_str("rules: {MemberDown: {for: 1m}, NoLeader: {enabled: false}}")
            .unwrap();
    let around = Surroundings {
        clusters: &[(prod, &own)],
        webhook: None,
        links: MessageLinks::default(),
    };
    let mut secrets = Secrets::default();
    let config = check(&file, &around, &mut secrets).map_err(|error| error.to_string())?;
    let warnings = secrets.into_warnings();
    Ok((config, warnings.iter().map(ToString::to_string).collect()))
}

fn config(yaml: &str) -> AlertsConfig {
    checked(yaml).unwrap_or_else(|error| panic!("{error}")).0
}

fn warnings(yaml: &str) -> Vec<String> {
    checked(yaml).unwrap_or_else(|error| panic!("{error}")).1
}

/// Sees that a text is refused at the place of the mark in it.
#[track_caller]
fn refuses(yaml: &str, said: &str) {
    let (before, after) = yaml.split_once('«').expect("a mark where the error is");
    let line = before.lines().count();
    let column = before.lines().last().unwrap_or_default().chars().count() + 1;
    let error = checked(&format!("{before}{after}"))
        .map(|_| ())
        .unwrap_err();
    let place = format!("line {line} column {column}");
    assert!(error.contains(&place), "{error}, not {place}");
    assert!(error.contains(said), "{error}");
}

fn alert(cluster: &str, severity: &str) -> Alert {
    let mut alert = etcd_monitor_alerting::Notification::trial("x", jiff::Timestamp::UNIX_EPOCH)
        .firing
        .remove(0);
    alert.cluster = ClusterName::new(cluster);
    alert.severity = match severity {
        "critical" => Severity::Critical,
        _ => Severity::Warning,
    };
    alert
}

fn reached(config: &AlertsConfig, cluster: &str, severity: &str) -> Vec<String> {
    let alert = alert(cluster, severity);
    let targets = config.policy.route.targets(&alert);
    let names = targets.iter().map(|target| target.channel.to_owned());
    names.collect()
}

const CHANNELS: &str = "channels:
  pager: {type: pagerduty, routing_key: abcdef}
  mail: {type: email, host: mail.example, from: monitor@example.org, to: [ops@example.org]}
  chat: {type: slack, url: 'https://hooks.slack.com/services/a/b/c', send_resolved: false}
  hook: {type: webhook, url: 'http://127.0.0.1:1/', headers: {X-Token: a}, rate_per_minute: 10}
  am: {type: alertmanager, urls: ['http://127.0.0.1:9093'], resend_every: 30s}
";

#[test]
fn without_routes_everything_goes_everywhere() {
    let config = config(CHANNELS);
    let all = ["console", "am", "chat", "hook", "mail", "pager"];
    assert_eq!(reached(&config, "a", "warning"), all);
    assert!(!config.policy.channels["chat"].sends_resolved);
    assert_eq!(
        config.policy.channels["am"].resend_every,
        Some(Duration::from_secs(30))
    );
    let limits = |name: &str| {
        let mut channels = config.channels.iter();
        channels
            .find(|one| one.name() == name)
            .unwrap()
            .channel
            .limits
    };
    assert_eq!(limits("hook").rate_per_minute.unwrap().get(), 10);
    assert_eq!(limits("chat").rate_per_minute, None);
}

#[test]
fn routes_lead_to_channels_and_the_console_hears_of_everything_unless_one_names_it() {
    let routes = "route:\n  channels: [mail]\n  group_interval: 1m\n  routes:\n  - {matchers: [severity=critical], channels: [pager], continue: true}\n  - {matchers: ['cluster=~\"prod|stage\"'], channels: [chat, hook, am]}\n";
    let tree = config(&format!("{CHANNELS}{routes}"));
    assert_eq!(reached(&tree, "a", "warning"), ["console", "mail"]);
    assert_eq!(reached(&tree, "a", "critical"), ["console", "pager"]);
    let both = ["console", "pager", "chat", "hook", "am"];
    assert_eq!(reached(&tree, "prod", "critical"), both);
    let alert = alert("a", "warning");
    for target in tree.policy.route.targets(&alert) {
        assert_eq!(target.timing.group_interval, Duration::from_mins(1));
    }
    let named = routes.replace("[mail]", "[mail, console]");
    let tree = config(&format!("{CHANNELS}{named}"));
    assert_eq!(reached(&tree, "a", "critical"), ["pager"]);
}

#[test]
fn a_cluster_has_rules_of_its_own_over_those_of_all() {
    let config =
        config("rules: {MemberDown: {for: 20s, labels: {team: a}}}\nholds: {SplitBrain: 1s}\n");
    let of = |rules: &[Rule], name: &str| rules.iter().find(|rule| rule.name == name).cloned();
    let prod = &config.policy.cluster_rules[&ClusterName::new("prod")];
    let member_down = of(prod, "MemberDown").unwrap();
    assert_eq!(member_down.hold, Duration::from_mins(1));
    assert_eq!(member_down.labels["team"], "a");
    assert_eq!(of(prod, "NoLeader"), None);
    let all = &config.policy.rules;
    assert_eq!(of(all, "MemberDown").unwrap().hold, Duration::from_secs(20));
    assert_eq!(of(all, "SplitBrain").unwrap().hold, Duration::from_secs(1));
    assert!(of(all, "NoLeader").is_some());
}

#[test]
fn two_rules_may_select_the_same_finding_by_names_of_their_own() {
    let config = config(
        "custom:\n- {name: MemberDownLong, finding: MemberDown, for: 30m, severity: critical}\n",
    );
    let rules = &config.policy.rules;
    let long = rules
        .iter()
        .find(|rule| rule.name == "MemberDownLong")
        .unwrap();
    assert_eq!(
        (long.finding.as_str(), long.hold),
        ("MemberDown", Duration::from_mins(30))
    );
    refuses(
        "custom:\n- {name: «MemberDown, finding: NoLeader}\n",
        "there already",
    );
    refuses(
        "custom:\n- {name: a, finding: «MemberDwon}\n",
        "did you mean MemberDown?",
    );
    refuses(
        "custom:\n- {name: «a}\n",
        "needs either a finding or a metric",
    );
}

#[test]
fn a_rule_over_a_metric_is_checked_key_by_key() {
    let rule =
        |rest: &str| format!("custom:\n- {{name: Slow, metric: wal_fsync_p99_seconds, {rest}}}\n");
    let checked = config(&rule(
        "aggregate: max, window: 10m, op: '>', value: 100ms, for: 1m, severity: critical, matchers: [cluster=prod]",
    ));
    let [checked] = checked.policy.metric_rules.as_slice() else {
        panic!("one rule")
    };
    assert_eq!(checked.name(), "Slow");
    assert_eq!(checked.rule().hold, Duration::from_mins(1));
    refuses(
        "custom:\n- {name: «Slow, metric: wal_fsync_p99_seconds}\n",
        "needs op",
    );
    refuses(
        "custom:\n- {name: Slow, metric: «wal_fsync_p99, op: '>', value: 1s}\n",
        "did you mean wal_fsync_p99_seconds?",
    );
    refuses(&rule("op: '>', value: «5MiB"), "value: ");
    refuses(&rule("op: «'=>', value: 5ms"), "op: ");
    refuses(&rule("op: '>', value: 5ms, window: «9000h"), "window: ");
    refuses(&rule("op: '>', value: 5ms, for: «soon"), "for: ");
    refuses(
        &rule("op: '>', value: 5ms, alert_type: «latncy"),
        "did you mean latency?",
    );
    refuses(
        "custom:\n- {name: a, finding: NoLeader, op: «'>'}\n",
        "only a rule over a metric",
    );
    refuses(
        "custom:\n- {name: «NoLeader, metric: wal_fsync_p99_seconds, op: '>', value: 1s}\n",
        "there already",
    );
}

#[test]
fn a_name_that_is_not_there_is_told_with_line_and_column() {
    let with = |routes: &str| {
        format!(
            "maintenance:\n- {{name: sunday, schedule: '0 2 * * SUN', duration: 2h}}\nroute:\n  channels: []\n{routes}"
        )
    };
    let channel = "no channel is named \"consle\"; did you mean console?";
    refuses(&with("  routes:\n  - {channels: [«consle]}\n"), channel);
    let window = "no maintenance window is named \"sundy\"; did you mean sunday?";
    refuses(&with("  mute_during: [«sundy]\n"), window);
    refuses("holds: {«MemberDwon: 1s}\n", "did you mean MemberDown?");
    refuses(
        "templates:\n  «slack.txt: {text: a}\n",
        "did you mean slack.text?",
    );
    refuses("channels:\n  a: {type: «emial}\n", "did you mean email?");
}

#[test]
fn what_is_wrong_with_a_route_is_told_where_it_stands() {
    refuses(
        "route:\n  «group_by: [cluster]\n",
        "the root names no channels",
    );
    let child = |rest: &str| format!("route:\n  channels: []\n  routes:\n  - {rest}\n");
    refuses(&child("matchers: [«severity]"), "has no operator");
    refuses(
        &child("«repeat_interval: 1s"),
        "repeat_interval is not between",
    );
    refuses(
        &child("repeat_interval: «1 fortnight"),
        "repeat_interval: \"1 fortnight\"",
    );
}

#[test]
fn what_is_wrong_with_a_channel_is_told_where_it_stands() {
    let channel = |rest: &str| format!("channels:\n  one: {{{rest}}}\n");
    refuses("channels:\n  «one: {type: webhook}\n", "needs url_file");
    refuses(&channel("type: webhook, url: «'ftp://a/'"), "scheme");
    refuses(
        &channel("type: webhook, url: 'http://a/', to: «[a]"),
        "has no to; it has url, url_file, method",
    );
    refuses(
        &channel("type: webhook, url: 'http://a/', method: «GET"),
        "known: POST, PUT, PATCH",
    );
    refuses(
        &channel("type: webhook, url: 'http://a/', timeout: «1h"),
        "timeout",
    );
    refuses(
        &channel("type: pagerduty, routing_key_file: «/nowhere/key"),
        "routing_key_file: /nowhere/key",
    );
    refuses(
        "channels:\n  one: «{type: slack, token: xoxb-1}\n",
        "token_file (a bot) and channel",
    );
    refuses(
        &channel("type: email, host: a, from: «nobody, to: [a@b.example]"),
        "from",
    );
    refuses(
        &channel(
            "type: email, host: a, from: a@b.example, to: [b@b.example], encryption: «none, user: u, password: p",
        ),
        "encryption",
    );
    refuses(
        &channel("type: console, queue: «0"),
        "queue: 0 is not between",
    );
    refuses("channels:\n  «a b: {type: console}\n", "letters, digits");
    refuses(
        &channel("type: slack, url: 'http://a/', templates: {«email.text: {text: a}}"),
        "writes nothing by this template",
    );
    refuses(&channel("«receiver: webhook"), "unknown field");
}

#[test]
fn what_is_wrong_with_windows_and_inhibitions_is_told_where_it_stands() {
    let window = |rest: &str| format!("maintenance:\n- {{name: a, {rest}}}\n");
    refuses(&window("schedule: «'0 2 * *', duration: 1h"), "schedule");
    refuses(
        &window("schedule: '0 2 * * 6', duration: «1s"),
        "1 minute to 31 days",
    );
    refuses(
        &window("schedule: '0 2 * * 6', duration: 1h, time_zone: «Europe/Berln"),
        "Europe/Berlin",
    );
    refuses(
        &window("schedule: '0 2 * * 6', duration: 1h, matchers: [«a]"),
        "has no operator",
    );
    let twice = "maintenance:\n- &a {name: a, schedule: '0 2 * * 6', duration: 1h}\n- «*a\n";
    refuses(twice, "two maintenance windows");
    refuses("inhibit:\n- «{source: [rule=a]}\n", "target");
}

#[test]
fn templates_are_tried_and_a_channel_has_its_own() {
    refuses(
        "templates:\n  slack.text: {text: «'{{ a'}\n",
        "template slack.text",
    );
    refuses(
        "templates:\n  slack.text: {text: «'{{ titel }}'}\n",
        "fails with every message it was tried with: line 1: undefined value",
    );
    refuses("templates:\n  slack.text: «{}\n", "either a text or a file");
    refuses(
        "templates:\n  slack.text: {file: «/nowhere/a.j2}\n",
        "/nowhere/a.j2",
    );
    config(
        "channels:\n  a: {type: slack, url: 'http://a/', templates: {slack.text: {text: '{{ title }}'}}}\n",
    );
}

#[test]
fn a_heartbeat_has_a_url_and_an_interval() {
    let beat = config("heartbeat: {url: 'http://127.0.0.1/ping', interval: 30s}\n").heartbeat;
    assert_eq!(beat.unwrap().period, Duration::from_secs(30));
    refuses("heartbeat: «{interval: 30s}\n", "needs url_file");
    refuses("heartbeat: {url: «'ftp://a/'}\n", "scheme");
    refuses(
        "heartbeat: {url: 'http://a/', method: «PUT}\n",
        "known: GET, POST",
    );
}

#[test]
fn what_does_nothing_is_worth_a_warning() {
    let alone = "channels:\n  a: {type: console}\nroute: {channels: [console]}\n";
    assert_eq!(
        warnings(alone),
        ["line 2 column 3: no route leads to this channel: it hears of nothing"]
    );
    let window = "maintenance:\n- {name: a, schedule: '0 2 * * 6', duration: 1h}\n";
    assert!(warnings(window)[0].starts_with("line 2 column 10: this window mutes nothing"));
    assert!(
        warnings(&format!(
            "{window}route: {{channels: [], mute_during: [a]}}\n"
        ))
        .is_empty()
    );
    assert!(warnings(CHANNELS).is_empty());
    let route = |matcher: &str| {
        warnings(&format!(
            "route:\n  channels: []\n  routes: [{{matchers: ['{matcher}']}}]\n"
        ))
    };
    let said = "no alert will fit \"rule=MemberDwon\": no rule is named \"MemberDwon\"; did you mean MemberDown?";
    assert_eq!(
        route("rule=MemberDwon"),
        [format!("line 3 column 24: {said}")]
    );
    assert!(route("cluster=prd")[0].contains("did you mean prod?"));
    for fits in [
        "rule=MetricsUnreadable",
        "cluster=prod",
        "cluster=~pr.*",
        "cluster!=prd",
        "member=a",
    ] {
        assert!(route(fits).is_empty(), "{fits}");
    }
}

#[test]
fn a_label_that_no_alert_has_is_told_where_it_stands() {
    let route = |rest: &str| format!("route:\n  channels: [console]\n  {rest}\n");
    refuses(
        &route("routes: [{matchers: [«'severty=\"critical\"'], channels: [console]}]"),
        "no label is named \"severty\"; did you mean severity?",
    );
    refuses(
        &route("group_by: [rule, «clster]"),
        "no label is named \"clster\"; did you mean cluster?",
    );
    let both = "source: [rule=NoLeader], target: [rule=MemberDown]";
    refuses(
        &format!("inhibit:\n- {{{both}, equal: [«clster]}}\n"),
        "did you mean cluster?",
    );
    let own = "rules: {MemberDown: {labels: {team: storage}}}\n";
    refuses(
        &format!("{own}{}", route("group_by: [«tema]")),
        "did you mean team?",
    );
    config(&format!("{own}{}", route("group_by: [team, member]")));
    config(&route("group_by: [...]"));
}
