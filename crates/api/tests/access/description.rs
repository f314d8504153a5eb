//! The description of the API speaks of every route and of every code, and of no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use axum::http::{Method, StatusCode};
use etcd_monitor_api::Access;
use serde_json::Value;

use super::routes::ROUTES;
use super::{answer, request, serve};

/// Files of pages: they are no part of the API, and stand in no description of it.
const FILES: [&str; 6] = [
    "/",
    "/first.js",
    "/app.js",
    "/live.js",
    "/app.css",
    "/api/docs.css",
];

async fn get(path: &str) -> String {
    let answer = answer(&serve(&Access::open()), request(Method::GET, path, &[], "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.text
}

/// The routes that the description of the API has.
async fn described() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&get("/api/openapi.json").await).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| (method.to_uppercase(), path.clone()))
    });
    routes.collect()
}

#[tokio::test]
async fn the_table_has_every_route_of_the_description() {
    let table = ROUTES.iter().filter(|(_, path, _)| !FILES.contains(path));
    let table: BTreeSet<_> = table
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let described = described().await;
    let missing: Vec<_> = described.difference(&table).collect();
    assert!(
        missing.is_empty(),
        "say in ROUTES what these take: {missing:?}"
    );
    let gone: Vec<_> = table.difference(&described).collect();
    assert!(gone.is_empty(), "there are no such routes: {gone:?}");
}

/// The sources of the crate, without tests that stand apart.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("tests.rs") {
                found.push((path.clone(), fs::read_to_string(path).unwrap_or_default()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_description() {
    let undescribed = sources()
        .into_iter()
        .filter(|(_, text)| text.contains(".route("));
    let undescribed: Vec<_> = undescribed.map(|(path, _)| path).collect();
    assert!(
        undescribed.len() == 1 && undescribed[0].ends_with("assets.rs"),
        "routes are made by `routes!`, which describes them; only files of pages have no description: {undescribed:?}"
    );
}

/// Codes of requests that reach no route.
const OF_NO_ROUTE: [&str; 2] = ["method_not_allowed", "route_unknown"];

/// Every code: a word in quotes behind a status, or one that has that name.
fn codes() -> BTreeSet<String> {
    let sources = sources();
    let (_, text) = sources
        .iter()
        .find(|(path, _)| path.ends_with("src/problem.rs"))
        .unwrap();
    let behind_status = text.split("StatusCode::").skip(1);
    let quoted = behind_status.filter_map(|rest| {
        let (name, rest) = rest.split_once(',')?;
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_uppercase() || letter == '_');
        let quoted = rest.trim_start().strip_prefix('"')?;
        let (code, _) = quoted.split_once('"')?;
        is_name.then(|| code.to_owned())
    });
    let named = text.split("let code = \"").skip(1);
    let named = named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    quoted.chain(named).collect()
}

#[tokio::test]
async fn every_code_is_described() {
    let document = get("/api/openapi.json").await;
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let manual = fs::read_to_string(manual).unwrap();
    let codes = codes();
    assert!(
        codes.len() > 35,
        "the scan finds no codes any more: {codes:?}"
    );
    for code in codes {
        let named = format!("`{code}`");
        assert!(manual.contains(&named), "{code} is not in docs/api.md");
        let of_no_route = OF_NO_ROUTE.contains(&code.as_str());
        assert!(
            of_no_route || document.contains(&named),
            "no route says when it answers {code}"
        );
    }
}

#[tokio::test]
async fn the_page_has_every_route_and_no_script() {
    let page = get("/api/docs").await;
    for (method, path) in described().await {
        let route = format!(">{method}</span> <code>{path}</code>");
        assert!(page.contains(&route), "{method} {path}");
    }
    for forbidden in ["<script", "style=", "http://", "https://", "{&quot;"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}
