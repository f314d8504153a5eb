//! The blocks of code in the manual.

use crate::{files, text};

/// Languages in which commands are written.
const COMMANDS: [&str; 5] = ["bash", "console", "powershell", "sh", "shell"];

/// What a block may need that a test cannot give it.
const NEEDS: [&str; 6] = ["docker", "pwsh", "kubernetes", "systemd", "build", "site"];

/// With what a line begins that is a command.
const PROGRAMS: [&str; 11] = [
    "./scripts/",
    "./start-monitor",
    "cargo ",
    "curl ",
    "docker ",
    "etcd-monitor ",
    "etcdctl ",
    "etcdutl ",
    "kubectl ",
    "systemctl ",
    "promtool ",
];

/// A fenced block of commands.
pub(crate) struct Block {
    /// File and line.
    pub(crate) place: String,
    pub(crate) file: String,
    pub(crate) mark: Mark,
    /// What is typed, without prompts and answers.
    pub(crate) script: String,
}

/// What is to be done with it.
#[derive(Debug, PartialEq)]
pub(crate) enum Mark {
    Run,
    Needs(String),
    Missing,
}

fn mark(words: &[&str]) -> Mark {
    for word in words {
        match word.strip_prefix("needs=") {
            Some(needed) if NEEDS.contains(&needed) => return Mark::Needs(needed.to_owned()),
            None if *word == "run" => return Mark::Run,
            _ => {}
        }
    }
    Mark::Missing
}

/// A console shows prompts and answers; everything else is typed as it stands.
fn script(language: &str, lines: &[&str]) -> String {
    if language != "console" {
        return lines.join("\n");
    }
    let typed = lines.iter().filter_map(|line| line.strip_prefix("$ "));
    typed.collect::<Vec<_>>().join("\n")
}

/// The blocks of commands of one file.
fn of(file: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(words) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let inside: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        let words: Vec<&str> = words.split_whitespace().collect();
        let language = words.first().copied().unwrap_or_default();
        if COMMANDS.contains(&language) {
            found.push(Block {
                place: format!("{file}:{}", number + 1),
                file: file.to_owned(),
                mark: mark(&words[1..]),
                script: script(language, &inside),
            });
        }
    }
    found
}

/// Every block of commands in the repository's Markdown.
pub(crate) fn all() -> Vec<Block> {
    let files = files(".md");
    let blocks = files.iter().flat_map(|file| of(file, &text(file)));
    blocks.collect()
}

/// Indented lines that are commands: they carry no mark, so that nobody would notice when they break.
fn unfenced(file: &str, text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let command = line.strip_prefix("    ").unwrap_or_default();
        if !fenced && PROGRAMS.iter().any(|program| command.starts_with(program)) {
            found.push(format!("{file}:{}: {line}", number + 1));
        }
    }
    found
}

#[test]
fn every_block_of_commands_says_whether_it_is_run_or_what_it_needs() {
    let mut breaches: Vec<_> = all()
        .into_iter()
        .filter(|block| block.mark == Mark::Missing)
        .map(|block| {
            format!(
                "{}: a block of commands carries run, or needs={NEEDS:?}",
                block.place
            )
        })
        .collect();
    for file in files(".md") {
        breaches.extend(unfenced(&file, &text(&file)));
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn marks_and_commands_are_read_as_they_are_written() {
    let manual = "```console run\n$ a\nanswer\n$ b\n```\n```sh needs=docker\nc\n```\n```sh\nd\n```\n```yaml\nx: 1\n```\n";
    let blocks = of("m.md", manual);
    let read: Vec<_> = blocks
        .iter()
        .map(|it| (it.script.as_str(), &it.mark))
        .collect();
    let docker = Mark::Needs("docker".to_owned());
    assert_eq!(
        read,
        [("a\nb", &Mark::Run), ("c", &docker), ("d", &Mark::Missing)]
    );
    assert_eq!(blocks[1].place, "m.md:6");
    assert_eq!(unfenced("m.md", "    cargo build\n").len(), 1);
}
