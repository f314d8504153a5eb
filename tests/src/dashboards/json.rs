//! What Grafana reads.

use serde_json::{Map, Value, json};

use super::{Dashboard, Kind, Panel, Query};

/// That of Grafana 12; older ones from 10 on read it too.
const SCHEMA_VERSION: u32 = 41;

/// Columns of the grid.
const COLUMNS: u32 = 24;

/// Where the next panel goes.
struct Place {
    x: u32,
    y: u32,
    /// Of the panels on the present line.
    height: u32,
}

pub(super) fn dashboard(dashboard: &Dashboard) -> Value {
    let is_fleet = dashboard.uid == "etcd-fleet";
    json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["etcd"],
        "editable": true,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": variables(is_fleet)},
        "annotations": {"list": []},
        "links": [link_to_other(is_fleet)],
        "panels": panels(dashboard),
    })
}

fn link_to_other(is_fleet: bool) -> Value {
    let (uid, title) = if is_fleet {
        ("etcd-dash", "Cluster")
    } else {
        ("etcd-fleet", "Fleet")
    };
    json!({"type": "link", "title": title, "url": format!("/d/{uid}"), "icon": "dashboard", "keepTime": true})
}

fn variables(is_fleet: bool) -> Vec<Value> {
    let datasource = json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
    });
    let clusters = "label_values(etcd_monitor_snapshot_age_seconds, cluster)";
    let cluster = query_variable("cluster", "Cluster", clusters, is_fleet);
    if is_fleet {
        return vec![datasource, cluster];
    }
    let jobs = r#"label_values(etcd_server_has_leader{cluster="$cluster"}, job)"#;
    let members = r#"label_values(etcd_server_has_leader{job=~"$job",cluster="$cluster"}, member)"#;
    let job = query_variable("job", "Job of the members", jobs, true);
    let member = query_variable("member", "Member", members, true);
    vec![datasource, cluster, job, member]
}

fn query_variable(name: &str, label: &str, query: &str, several: bool) -> Value {
    let mut variable = json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": datasource(),
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
    });
    if several {
        variable["current"] = json!({"text": ["All"], "value": ["$__all"]});
    }
    variable
}

fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn panels(dashboard: &Dashboard) -> Vec<Value> {
    let mut panels = Vec::new();
    let mut y = 0;
    for row in &dashboard.table.rows {
        let grid = json!({"x": 0, "y": y, "w": COLUMNS, "h": 1});
        panels.push(
            json!({"type": "row", "title": row.title, "collapsed": false, "gridPos": grid, "panels": []}),
        );
        let mut place = Place {
            x: 0,
            y: y + 1,
            height: 0,
        };
        panels.extend(row.panels.iter().map(|panel| placed(panel, &mut place)));
        y = place.y + place.height;
    }
    for (id, panel) in (1..).zip(&mut panels) {
        panel["id"] = Value::from(id);
    }
    panels
}

fn placed(panel: &Panel, place: &mut Place) -> Value {
    let (width, height) = size(panel);
    if place.x + width > COLUMNS {
        place.x = 0;
        place.y += place.height;
        place.height = 0;
    }
    let grid = json!({"x": place.x, "y": place.y, "w": width, "h": height});
    place.x += width;
    place.height = place.height.max(height);
    shown(panel, &grid)
}

fn size(panel: &Panel) -> (u32, u32) {
    let (width, height) = match panel.kind {
        Kind::Stat | Kind::Name => (3, 4),
        Kind::Graph | Kind::Bars | Kind::State | Kind::Table => (12, 8),
    };
    (panel.width.unwrap_or(width), panel.height.unwrap_or(height))
}

fn shown(panel: &Panel, grid: &Value) -> Value {
    let mut shown = json!({
        "type": plugin(panel.kind),
        "title": panel.title,
        "description": panel.description,
        "datasource": datasource(),
        "gridPos": grid,
        "fieldConfig": {"defaults": defaults(panel), "overrides": overrides(panel)},
        "options": options(panel.kind),
        "targets": targets(panel),
    });
    if panel.kind == Kind::Table {
        shown["transformations"] = transformations(panel);
    }
    shown
}

fn plugin(kind: Kind) -> &'static str {
    match kind {
        Kind::Graph => "timeseries",
        Kind::Stat | Kind::Name => "stat",
        Kind::Bars => "bargauge",
        Kind::State => "state-timeline",
        Kind::Table => "table",
    }
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({
        "color": {"mode": if panel.thresholds.is_empty() || panel.kind == Kind::Graph { "palette-classic" } else { "thresholds" }},
        "thresholds": {"mode": "absolute", "steps": steps(&panel.thresholds)},
        "links": links(panel),
    });
    if panel.unit == "yesno" {
        defaults["mappings"] =
            json!([{"type": "value", "options": {"1": {"text": "yes"}, "0": {"text": "no"}}}]);
    } else {
        defaults["unit"] = json!(panel.unit);
    }
    match panel.kind {
        Kind::Graph => {
            defaults["custom"] = json!({
                "lineWidth": 1,
                "fillOpacity": 5,
                "showPoints": "never",
                "spanNulls": false,
                "thresholdsStyle": {"mode": if panel.thresholds.is_empty() { "off" } else { "dashed" }},
            });
            defaults["min"] = json!(0);
        }
        Kind::Bars => defaults["min"] = json!(0),
        Kind::State => {
            defaults["mappings"] = json!([{"type": "value", "options": {"1": {"text": "leads", "color": "green"}, "0": {"text": "follows", "color": "text"}}}]);
        }
        Kind::Stat | Kind::Name | Kind::Table => {}
    }
    if let Some(max) = panel.max {
        defaults["max"] = json!(max);
    }
    defaults
}

/// `[green, 5 orange]`: green up to 5, orange from there on.
fn steps(thresholds: &[String]) -> Vec<Value> {
    if thresholds.is_empty() {
        return vec![json!({"color": "blue", "value": null})];
    }
    thresholds
        .iter()
        .map(|step| match step.split_once(' ') {
            Some((value, colour)) => {
                let value: f64 = value.parse().expect("a threshold begins with a number");
                json!({"color": colour, "value": value})
            }
            None => json!({"color": step, "value": null}),
        })
        .collect()
}

fn links(panel: &Panel) -> Value {
    match &panel.link {
        None => json!([]),
        Some(label) => {
            // A table has a field for each label, a line over time has the labels themselves.
            let place = if panel.kind == Kind::Table {
                "__data.fields"
            } else {
                "__field.labels"
            };
            let cluster = format!("var-cluster=${{{place}.{label}}}");
            let url =
                format!("/d/etcd-dash?${{datasource:queryparam}}&{cluster}&${{__url_time_range}}");
            json!([{"title": "Open the cluster", "url": url}])
        }
    }
}

/// The second query on the right; a line for the quota or the limit.
fn overrides(panel: &Panel) -> Value {
    let of_name = |name: &str, properties: Value| json!({"matcher": {"id": "byName", "options": name}, "properties": properties});
    let dashed = json!([{"id": "custom.lineStyle", "value": {"fill": "dash"}}]);
    let right = panel.right.iter().map(|unit| {
        let axis = json!([
            {"id": "custom.axisPlacement", "value": "right"},
            {"id": "unit", "value": "none"},
            {"id": "custom.axisLabel", "value": unit},
        ]);
        json!({"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": axis})
    });
    let limits = ["quota", "limit"];
    let drawn = panel.queries.iter().map(|query| query.legend.as_str());
    let limits = drawn.filter(|legend| limits.contains(legend));
    let limits = limits.map(|name| of_name(name, dashed.clone()));
    right.chain(limits).collect()
}

fn options(kind: Kind) -> Value {
    let newest = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match kind {
        Kind::Graph => json!({
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Kind::Stat => {
            json!({"reduceOptions": newest, "colorMode": "value", "graphMode": "area", "textMode": "auto"})
        }
        Kind::Name => {
            json!({"reduceOptions": newest, "colorMode": "value", "graphMode": "none", "textMode": "name"})
        }
        Kind::Bars => {
            json!({"reduceOptions": newest, "displayMode": "basic", "orientation": "horizontal"})
        }
        Kind::State => json!({
            "mergeValues": true,
            "showValue": "auto",
            "rowHeight": 0.8,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
        }),
        Kind::Table => json!({"showHeader": true, "cellHeight": "sm"}),
    }
}

fn targets(panel: &Panel) -> Vec<Value> {
    let names = ('A'..='Z').map(String::from);
    let targets = panel.queries.iter().zip(names);
    targets
        .map(|(query, name)| target(panel.kind, query, &name))
        .collect()
}

fn target(kind: Kind, query: &Query, name: &str) -> Value {
    let instant = matches!(kind, Kind::Table | Kind::Name | Kind::Bars);
    let mut target = json!({
        "refId": name,
        "datasource": datasource(),
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": if query.legend.is_empty() { "__auto" } else { &query.legend },
        "instant": instant,
        "range": !instant,
    });
    if kind == Kind::Table {
        target["format"] = json!("table");
    }
    target
}

/// One line for what has the same labels, without the time, and with the values under their names.
fn transformations(panel: &Panel) -> Value {
    let mut names = Map::new();
    for (query, letter) in panel.queries.iter().zip('A'..='Z') {
        if !query.legend.is_empty() {
            names.insert(format!("Value #{letter}"), json!(query.legend));
        }
    }
    json!([
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": true}, "renameByName": names}},
    ])
}
