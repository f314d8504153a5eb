//! What commands print: where it goes, and how columns stand.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use crate::config::ConfigError;
use crate::logging;

/// The exit code of a command: 2 where usage or configuration are wrong, 1 where it failed else, with the reason on stderr.
pub(crate) fn exit_code(done: anyhow::Result<()>) -> ExitCode {
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    logging::fatal(&error);
    ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
}

/// Does something to each of them, also after one where it failed, and then says what failed.
pub(crate) fn each<T>(all: &[T], act: impl FnMut(&T) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut failed: Vec<_> = all.iter().map(act).filter_map(Result::err).collect();
    if failed.len() < 2 {
        return failed.pop().map_or(Ok(()), Err);
    }
    let failed: Vec<String> = failed.iter().map(|error| format!("{error:#}")).collect();
    Err(anyhow!(failed.join("\n")))
}

/// Writes an answer to the file, or to stdout where none is named.
pub(crate) fn write(answer: &str, file: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = file {
        return std::fs::write(path, answer)
            .with_context(|| format!("cannot write --output {}", path.display()));
    }
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(answer.as_bytes())
        .and_then(|()| stdout.flush())
    {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Each on a line of its own.
pub(crate) fn lines<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.flat_map(|text| [text, "\n"]).collect()
}

/// Columns as wide as their widest cell, the last one as it is; nothing where there is no row.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let header = header.map(str::to_owned);
    let all: Vec<&[String; N]> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let lines = all.iter().map(|row| line(*row, &widths));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        // Writing to a String cannot fail.
        let _ = write!(line, "{cell:<width$}  ");
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [
            ["a".to_owned(), "long".to_owned()],
            ["bcd".to_owned(), String::new()],
        ];
        let shown = table(["X", "Y"], &rows).unwrap();
        assert_eq!(shown, "X    Y\na    long\nbcd");
        assert_eq!(table(["X"], &[]), None);
    }
}
