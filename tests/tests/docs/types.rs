//! The types of the configuration file, read from the sources: their keys, what stands in them, and what is said of them.

use std::collections::BTreeMap;

use crate::{files, text};

/// Where they are.
const SOURCES: [&str; 3] = [
    "bins/etcd-monitor/src/config/",
    "crates/monitor-core/src/assess/",
    "crates/monitor-core/src/collector/",
];

/// One key of the file.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) meaning: String,
}

/// What stands in a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A value of this Rust type.
    Value(String),
    /// The keys of this type.
    Keys(String),
    List(Box<Kind>),
    Map(Box<Kind>),
}

/// The types by name, and what stands for a longer type.
#[derive(Debug, Default)]
pub(crate) struct Types {
    structs: BTreeMap<String, Vec<(String, String, String)>>,
    aliases: BTreeMap<String, String>,
}

impl Types {
    pub(crate) fn read() -> Self {
        let mut types = Self::default();
        let sources = files(".rs").into_iter();
        for file in sources.filter(|file| SOURCES.iter().any(|folder| file.starts_with(folder))) {
            types.scan(&text(&file));
        }
        types
    }

    /// Reads structs that are deserialized, field by field. The sources are formatted, so each field is a line of its own.
    fn scan(&mut self, source: &str) {
        let mut inside: Option<String> = None;
        let mut about = About::default();
        for line in source.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("/// ") {
                about.meaning.push(text);
            } else if line.starts_with("#[") {
                about.attributes.push_str(line);
            } else if let Some((name, full)) = alias(line) {
                self.aliases.insert(name, full);
                about = About::default();
            } else if let Some(name) = opened(line, &about) {
                inside = Some(name);
                about = About::default();
            } else if line == "}" || line.is_empty() {
                inside = inside.filter(|_| line.is_empty());
                about = About::default();
            } else {
                if let (Some(name), Some((key, kind))) = (&inside, field(line)) {
                    let key = about.renamed().unwrap_or(key);
                    let entry = (key, kind, about.meaning.join(" "));
                    if !about.attributes.contains("#[serde(skip)]") {
                        self.structs.entry(name.clone()).or_default().push(entry);
                    }
                }
                about = About::default();
            }
        }
    }

    /// The keys of a type.
    pub(crate) fn keys(&self, name: &str) -> Vec<Key> {
        let fields = self.structs.get(name);
        let fields = fields.unwrap_or_else(|| panic!("no type {name}"));
        let key = |(key, kind, meaning): &(String, String, String)| Key {
            name: key.clone(),
            kind: self.kind(kind),
            meaning: meaning.clone(),
        };
        fields.iter().map(key).collect()
    }

    fn kind(&self, written: &str) -> Kind {
        let inner = |wrapper: &str| {
            let rest = written.strip_prefix(wrapper)?.strip_prefix('<')?;
            rest.strip_suffix('>')
        };
        if let Some(full) = self.aliases.get(written) {
            self.kind(full)
        } else if let Some(plain) = inner("Option").or_else(|| inner("At")) {
            self.kind(plain)
        } else if let Some(one) = inner("Vec") {
            Kind::List(Box::new(self.kind(one)))
        } else if let Some((_, value)) = inner("BTreeMap").and_then(|pair| pair.split_once(", ")) {
            Kind::Map(Box::new(self.kind(value)))
        } else if self.structs.contains_key(written) {
            Kind::Keys(written.to_owned())
        } else {
            Kind::Value(written.to_owned())
        }
    }
}

/// What stands above a field or a type.
#[derive(Default)]
struct About<'a> {
    meaning: Vec<&'a str>,
    attributes: String,
}

impl About<'_> {
    fn renamed(&self) -> Option<String> {
        let (_, name) = self.attributes.split_once("rename = \"")?;
        Some(name.split('"').next()?.to_owned())
    }
}

fn unpublished(line: &str) -> &str {
    match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or(line, |(_, rest)| rest),
        Some(rest) if rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}

fn alias(line: &str) -> Option<(String, String)> {
    let rest = unpublished(line).strip_prefix("type ")?;
    let (name, full) = rest.strip_suffix(';')?.split_once(" = ")?;
    Some((name.to_owned(), full.to_owned()))
}

/// The name of the struct that begins here, where it is deserialized. The keys that only some channels have are declared by
/// a macro, and belong to the type of channels.
fn opened(line: &str, about: &About<'_>) -> Option<String> {
    if line == "keys_of_types! {" {
        return Some("ChannelFile".to_owned());
    }
    let name = unpublished(line)
        .strip_prefix("struct ")?
        .strip_suffix(" {")?;
    let read = about.attributes.contains("Deserialize");
    read.then(|| name.to_owned())
}

fn field(line: &str) -> Option<(String, String)> {
    let (key, kind) = unpublished(line).strip_suffix(',')?.split_once(": ")?;
    let is_name = key
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name.then(|| (key.to_owned(), kind.to_owned()))
}

#[test]
fn fields_are_read_with_their_meaning_their_name_in_the_file_and_what_is_in_them() {
    let source = "#[derive(Deserialize)]\npub(super) struct A {\n    /// One\n    /// two.\n    #[serde(rename = \"for\")]\n    \
                  hold: Option<At<String>>,\n    pub b: Vec<B>,\n    #[serde(skip)]\n    c: u8,\n}\n\
                  #[derive(Deserialize)]\nstruct B {\n    x: Map,\n}\ntype Map = BTreeMap<String, f64>;\nstruct C {\n    y: u8,\n}\n";
    let mut types = Types::default();
    types.scan(source);
    let keys = types.keys("A");
    assert_eq!(keys.len(), 2);
    assert_eq!(
        (keys[0].name.as_str(), keys[0].meaning.as_str()),
        ("for", "One two.")
    );
    assert_eq!(keys[0].kind, Kind::Value("String".to_owned()));
    assert_eq!(
        keys[1].kind,
        Kind::List(Box::new(Kind::Keys("B".to_owned())))
    );
    let number = Box::new(Kind::Value("f64".to_owned()));
    assert_eq!(types.keys("B")[0].kind, Kind::Map(number));
    assert!(!types.structs.contains_key("C"));
}
