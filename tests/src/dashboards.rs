//! The Grafana dashboards, made of the panels in `grafana/panels/*.yaml`.

mod json;
mod selector;
mod table;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use table::{Kind, Panel, Query, Row, Table};

/// A dashboard: where its file is, and what is on it.
#[derive(Debug)]
pub struct Dashboard {
    /// Its uid, and the name of its file.
    pub uid: &'static str,
    title: &'static str,
    /// What is on it, with the selectors written out.
    pub table: Table,
}

/// Every dashboard.
pub fn dashboards() -> [Dashboard; 2] {
    [
        Dashboard::read("etcd-dash", "etcd cluster"),
        Dashboard::read("etcd-fleet", "etcd fleet"),
    ]
}

impl Dashboard {
    fn read(uid: &'static str, title: &'static str) -> Self {
        let path = folder("grafana/panels").join(format!("{uid}.yaml"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let table: Table = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let table = table.with_expressions(selector::written_out);
        Self { uid, title, table }
    }

    /// The file that Grafana reads.
    pub fn path(&self) -> PathBuf {
        folder("grafana/dashboards").join(format!("{}.json", self.uid))
    }

    /// What stands in that file.
    pub fn json(&self) -> Value {
        json::dashboard(self)
    }

    /// Its panels.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.table.rows.iter().flat_map(|row| &row.panels)
    }
}

/// A folder of the repository.
pub fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
