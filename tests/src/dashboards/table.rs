//! The panels as they stand in the tables.

use serde::Deserialize;

/// One dashboard's panels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// Panels under one title.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The title.
    pub title: String,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Its title, different from that of every other.
    pub title: String,
    /// How it shows its numbers.
    #[serde(default)]
    pub kind: Kind,
    /// Grafana's name of the unit; `yesno` for 1 and 0.
    pub unit: String,
    /// The unit on the right, that of the second query on.
    pub right: Option<String>,
    /// Largest value of the scale.
    pub max: Option<f64>,
    /// Columns, of 24.
    pub width: Option<u32>,
    /// Rows of the grid.
    pub height: Option<u32>,
    /// A colour from the least value on, then `value colour` in rising order.
    #[serde(default)]
    pub thresholds: Vec<String>,
    /// A click leads to the dashboard of this label's value.
    pub link: Option<String>,
    /// What it shows and what to make of it.
    pub description: String,
    /// What it asks.
    pub queries: Vec<Query>,
}

/// How a panel shows its numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lines over time.
    #[default]
    Graph,
    /// The newest value, large.
    Stat,
    /// The newest series' name, large.
    Name,
    /// Bars of the newest values.
    Bars,
    /// A line for each series, coloured by its value over time.
    State,
    /// The newest values, a line for each series.
    Table,
}

/// One expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// In `PromQL`, with Grafana's variables.
    pub expr: String,
    /// What a series is called.
    #[serde(default)]
    pub legend: String,
}

impl Table {
    /// The same with each expression changed.
    pub(super) fn with_expressions(mut self, change: impl Fn(&str) -> String) -> Self {
        let panels = self.rows.iter_mut().flat_map(|row| &mut row.panels);
        for query in panels.flat_map(|panel| &mut panel.queries) {
            query.expr = change(&query.expr);
        }
        self
    }
}
