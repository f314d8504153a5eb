//! The answer for people.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::routing::Hearers;
use super::summary::{RouteSummary, RuleSummary, Summary, WebSummary};
use crate::output::{lines, table};

/// One line.
pub(super) fn line(summary: &Summary) -> String {
    format!(
        "ok, clusters: {}, rules: {}, channels: {}, warnings: {}\n",
        summary.clusters.len(),
        summary.rules.len() + summary.metric_rules.len(),
        summary.channels.len(),
        summary.warnings.len(),
    )
}

/// Everything that is worth a look.
pub(super) fn tables(summary: &Summary, file: &Path) -> String {
    let mut blocks = vec![format!("{} is in order.", file.display())];
    blocks.extend(clusters(summary));
    blocks.extend(channels(summary));
    let mut tree = vec!["ROUTES".to_owned()];
    branch(&summary.route, 0, &mut tree);
    blocks.push(tree.join("\n"));
    blocks.push(counts(summary));
    blocks.extend(changed(summary));
    blocks.extend(summary.web.as_ref().map(web));
    blocks.extend(windows(summary));
    if !summary.warnings.is_empty() {
        blocks.push(format!("WARNINGS\n{}", summary.warnings.join("\n")));
    }
    blocks.join("\n\n") + "\n"
}

fn web(web: &WebSummary) -> String {
    let over = if web.tls { "TLS" } else { "plain HTTP" };
    let asked = if web.authentication {
        "callers say who they are"
    } else {
        "nobody is asked who they are"
    };
    let head = format!("WEB {}: {over}, {asked}", web.file);
    let rows = web.callers.iter();
    let rows = rows.map(|caller| [caller.name.clone(), caller.role.clone()]);
    let callers = table(["CALLER", "ROLE"], &rows.collect::<Vec<_>>());
    callers.map_or_else(|| head.clone(), |callers| format!("{head}\n{callers}"))
}

fn clusters(summary: &Summary) -> Option<String> {
    let rows = summary.clusters.iter().map(|cluster| {
        let rules = if cluster.own_rules {
            "own"
        } else {
            "those of all"
        };
        [
            cluster.name.clone(),
            rules.to_owned(),
            cluster.endpoints.join(", "),
        ]
    });
    table(["CLUSTER", "RULES", "ENDPOINTS"], &rows.collect::<Vec<_>>())
}

fn channels(summary: &Summary) -> Option<String> {
    let rows = summary.channels.iter().map(|channel| {
        let tells = match (channel.sends_resolved, channel.sends_acknowledged) {
            (true, true) => "fire, acknowledged, resolve",
            (true, false) => "fire, resolve",
            (false, true) => "fire, acknowledged",
            (false, false) => "fire",
        };
        let rate = channel.rate_per_minute;
        let rate = rate.map_or_else(|| "any".to_owned(), |rate| rate.to_string());
        [
            channel.name.clone(),
            channel.kind.to_owned(),
            tells.to_owned(),
            rate,
        ]
    });
    let header = ["CHANNEL", "TYPE", "TELLS", "PER MINUTE"];
    table(header, &rows.collect::<Vec<_>>())
}

fn branch(route: &RouteSummary, depth: usize, lines: &mut Vec<String>) {
    let what = if route.matchers.is_empty() {
        "every alert".to_owned()
    } else {
        route.matchers.join(" ")
    };
    let whom = match &route.channels {
        None => String::new(),
        Some(none) if none.is_empty() => " -> nobody".to_owned(),
        Some(channels) => format!(" -> {}", channels.join(", ")),
    };
    let goes_on = if route.continues { ", and on" } else { "" };
    let muted = match route.mute_during.as_slice() {
        [] => String::new(),
        windows => format!(", not during {}", windows.join(", ")),
    };
    lines.push(format!(
        "{}{what}{whom}{goes_on}{muted}",
        "  ".repeat(depth)
    ));
    for child in &route.routes {
        branch(child, depth + 1, lines);
    }
}

fn counts(summary: &Summary) -> String {
    let beat = summary.heartbeat_seconds.map_or_else(
        || "no heartbeat".to_owned(),
        |seconds| format!("a heartbeat each {}", in_words(seconds)),
    );
    format!(
        "Rules over findings: {}, over metrics: {}, inhibitions: {}, {beat}.",
        summary.rules.len(),
        summary.metric_rules.len(),
        summary.inhibitions,
    )
}

/// Rules that are not as they are built in.
fn changed(summary: &Summary) -> Option<String> {
    let rules = summary.rules.iter().chain(&summary.metric_rules);
    let rows = rules.filter(|rule| !rule.is_default).map(rule_row);
    let header = [
        "OWN OR CHANGED RULE",
        "FOR",
        "SEVERITY",
        "LABELS",
        "CONDITION",
    ];
    table(header, &rows.collect::<Vec<_>>())
}

fn rule_row(rule: &RuleSummary) -> [String; 5] {
    let labels = rule.labels.iter();
    let labels: Vec<_> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    [
        rule.name.clone(),
        in_words(rule.for_seconds),
        rule.severity.unwrap_or("the finding's").to_owned(),
        labels.join(" "),
        rule.condition.clone(),
    ]
}

fn windows(summary: &Summary) -> Option<String> {
    let rows = summary.maintenance.iter().map(|window| {
        let state = if window.is_open { "open" } else { "closed" };
        let until = window
            .changes_at
            .map_or_else(|| "for ever".to_owned(), |at| format!("until {at:.0}"));
        let mutes = match &window.matchers {
            None => "by routes".to_owned(),
            Some(all) if all.is_empty() => "every alert".to_owned(),
            Some(matchers) => matchers.join(" "),
        };
        [window.name.clone(), state.to_owned(), until, mutes]
    });
    table(["WINDOW", "IS", "", "MUTES"], &rows.collect::<Vec<_>>())
}

/// The channels that hear of an alert, and at what pace.
pub(super) fn hearers(hearers: &Hearers) -> String {
    let rows = hearers.channels.iter().map(|one| {
        [
            one.channel.clone(),
            one.group_by.join(","),
            in_words(one.group_wait_seconds),
            in_words(one.group_interval_seconds),
            in_words(one.repeat_interval_seconds),
            one.mute_during.join(","),
        ]
    });
    let header = [
        "CHANNEL",
        "GROUP BY",
        "WAIT",
        "INTERVAL",
        "REPEAT",
        "NOT DURING",
    ];
    let table = table(header, &rows.collect::<Vec<_>>());
    table.unwrap_or_else(|| "nobody".to_owned()) + "\n"
}

/// Their names alone.
pub(super) fn names(hearers: &Hearers) -> String {
    let names = hearers.channels.iter();
    lines(names.map(|one| one.channel.as_str()))
}

/// `5m`, `1h 30m`.
fn in_words(seconds: f64) -> String {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{duration:#}")
}
