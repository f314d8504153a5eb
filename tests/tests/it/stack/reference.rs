//! The reference of metrics, made of what the daemon serves; and files that are compared with what is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use etcd_monitor_tests::dashboards::folder;

const BEGIN: &str = "<!-- generated from the page of a daemon: begin -->\n";
const END: &str = "<!-- generated: end -->\n";

/// Where this is set, files are written instead of compared.
const WRITE: &str = "ETCD_MONITOR_WRITE_GENERATED";

/// Compares a file with what it should hold, or writes it.
pub(crate) fn compare(path: &Path, made: &str) {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is not what its sources make: {WRITE}=1 cargo test -p etcd-monitor-tests --test it",
        path.display()
    );
}

/// Beginnings and examples, which are no names of metrics.
const NO_METRICS: [&str; 4] = [
    "etcd_monitor_",
    "etcd_monitor_cluster_fault",
    "etcd_monitor_member_",
    "etcd_monitor_stat",
];

/// Each name that stands in the sources stands in the reference, also where no page of a test has it.
#[test]
fn every_metric_of_the_sources_is_described() {
    let reference = std::fs::read_to_string(folder("docs/metrics.md")).unwrap();
    let mut missing = BTreeSet::new();
    let mut folders = vec![folder("crates"), folder("bins")];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("ui") && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                missing.extend(undescribed(&text, &reference));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

fn undescribed(source: &str, reference: &str) -> Vec<String> {
    let texts = source.split('"').skip(1);
    let is_letter =
        |letter: u8| letter.is_ascii_lowercase() || matches!(letter, b'_' | b'0'..=b'9');
    let names =
        texts.filter(|text| text.starts_with("etcd_monitor_") && text.bytes().all(is_letter));
    let names = names
        .filter(|name| !NO_METRICS.contains(name) && !name.starts_with("etcd_monitor_sample_"));
    let described = |name: &str| {
        ["", "_total"]
            .iter()
            .any(|end| reference.contains(&format!("`{name}{end}`")))
    };
    names
        .filter(|name| !described(name))
        .map(str::to_owned)
        .collect()
}

#[derive(Debug, Default)]
struct Family<'a> {
    kind: &'a str,
    help: &'a str,
    labels: BTreeSet<&'a str>,
}

/// `docs/metrics.md` lists what the page has.
pub(super) fn is_up_to_date(page: &str) {
    let path = folder("docs/metrics.md");
    let kept = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = kept.split_once(BEGIN).expect("the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("the mark of the end");
    let table = table(&families(page));
    compare(&path, &format!("{before}{BEGIN}{table}{END}{after}"));
}

fn families(page: &str) -> BTreeMap<&str, Family<'_>> {
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    let mut name = "";
    for line in page.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            let (of, help) = described.split_once(' ').unwrap();
            name = of;
            families.entry(of).or_default().help = help;
        } else if let Some(described) = line.strip_prefix("# TYPE ") {
            let (of, kind) = described.split_once(' ').unwrap();
            families.entry(of).or_default().kind = kind;
        } else {
            let family = families.entry(name).or_default();
            family
                .labels
                .extend(labels(line).filter(|label| *label != "le"));
        }
    }
    families
}

/// Names of the labels of a sample.
fn labels(sample: &str) -> impl Iterator<Item = &str> {
    let outside = sample.split('"').step_by(2);
    outside.filter_map(|part| part.strip_suffix('=')?.rsplit(['{', ',']).next())
}

/// Whether a name belongs to a group.
type Belongs = fn(&str) -> bool;

fn table(families: &BTreeMap<&str, Family<'_>>) -> String {
    let groups: [(&str, Belongs); 3] = [
        ("Promised names", |name| {
            name.starts_with("etcd_") && !name.starts_with("etcd_monitor_")
        }),
        ("Names of etcd-monitor", |name| {
            name.starts_with("etcd_monitor_")
        }),
        ("The process", |name| name.starts_with("process_")),
    ];
    let mut table = String::new();
    for (title, belongs) in groups {
        let head = "| name | type | labels | unit | what it is, and from what it is derived |\n| --- | --- | --- | --- | --- |";
        write!(table, "\n### {title}\n\n{head}\n").unwrap();
        for (name, family) in families.iter().filter(|(name, _)| belongs(name)) {
            let labels: Vec<String> = family
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect();
            let labels = labels.join(", ");
            let help = family.help.trim_end_matches('.').replace('|', "\\|");
            let unit = unit(name);
            writeln!(
                table,
                "| `{name}` | {} | {labels} | {unit} | {help} |",
                family.kind
            )
            .unwrap();
        }
    }
    table.push('\n');
    table
}

/// The last word of the name, where it is a unit.
fn unit(name: &str) -> &'static str {
    const UNITS: [(&str, &str); 9] = [
        ("_per_second", "1/s"),
        ("_timestamp_seconds", "unix seconds"),
        ("_start_time_seconds", "unix seconds"),
        ("_milliseconds", "ms"),
        ("_seconds", "s"),
        ("_bytes", "bytes"),
        ("_share", "0 to 1"),
        ("_cores", "cores"),
        ("_info", "1"),
    ];
    let name = name.strip_suffix("_total").unwrap_or(name);
    let unit = UNITS.iter().find(|(ending, _)| name.ends_with(ending));
    unit.map_or("", |(_, unit)| unit)
}
