//! Links between the files of the manual.

use std::path::Path;

use crate::{files, root, text};

/// The targets of links in a text, outside of blocks of code.
fn targets(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if !fenced {
            let links = line.split("](").skip(1);
            found.extend(links.filter_map(|rest| Some(rest.split(')').next()?.to_owned())));
        }
    }
    found
}

fn leads_somewhere(file: &str, target: &str) -> bool {
    let path = target.split('#').next().unwrap();
    if path.is_empty() || path.contains("://") {
        return true;
    }
    let folder = Path::new(file).parent().unwrap();
    root().join(folder).join(path).exists()
}

#[test]
fn every_link_leads_to_a_file_that_is_there() {
    let mut breaches = Vec::new();
    for file in files(".md") {
        for target in targets(&text(&file)) {
            if !leads_somewhere(&file, &target) {
                breaches.push(format!("{file}: {target}"));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn the_index_names_every_page() {
    let index = text("docs/README.md");
    let pages = files(".md");
    let pages = pages.iter().filter_map(|file| file.strip_prefix("docs/"));
    let unnamed: Vec<_> = pages
        .filter(|page| *page != "README.md" && !index.contains(&format!("({page})")))
        .collect();
    assert!(
        unnamed.is_empty(),
        "docs/README.md does not name {unnamed:?}"
    );
}

#[test]
fn troubleshooting_knows_every_finding() {
    let findings = text("docs/findings.md");
    let rows = findings.lines().filter_map(|line| line.strip_prefix("| `"));
    let rules: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(
        rules.len() > 40,
        "docs/findings.md is not read as it is written"
    );
    let page = text("docs/troubleshooting.md");
    let unnamed: Vec<_> = rules
        .into_iter()
        .filter(|rule| !page.contains(&format!("`{rule}`")))
        .collect();
    assert!(
        unnamed.is_empty(),
        "docs/troubleshooting.md does not name {unnamed:?}"
    );
}
