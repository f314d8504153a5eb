//! The grammar of one line.

use std::borrow::Cow;

use super::{Labels, Sample};

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':')
}

/// Which bytes may stand in a name: a table, since most of a page's bytes are asked for.
static IS_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0u8;
    while at < 128 {
        table[at as usize] = at.is_ascii_alphanumeric() || matches!(at, b'_' | b':');
        at += 1;
    }
    table
};

fn is_name(byte: u8) -> bool {
    IS_NAME[usize::from(byte)]
}

/// Splits a line into its name and the rest, which begins with `{` or a blank; `None` when it begins with no name.
///
/// `last` is the name of the line before: comparing with it is faster than looking at each byte.
pub(super) fn split_name<'a>(line: &'a [u8], last: Option<&'a str>) -> Option<(&'a str, &'a [u8])> {
    let ends_name = |rest: &[u8]| matches!(rest.first(), Some(b'{' | b' ' | b'\t'));
    if let Some(last) = last
        && let Some(rest) = line.strip_prefix(last.as_bytes())
        && ends_name(rest)
    {
        return Some((last, rest));
    }
    let (name, rest) = line.split_at_checked(name_length(line)?)?;
    if !ends_name(rest) {
        return None;
    }
    Some((std::str::from_utf8(name).ok()?, rest))
}

fn name_length(line: &[u8]) -> Option<usize> {
    if !is_name_start(*line.first()?) {
        return None;
    }
    Some(
        line.iter()
            .position(|byte| !is_name(*byte))
            .unwrap_or(line.len()),
    )
}

/// Reads what follows the name.
pub(super) fn sample<'a>(name: &'a str, after: &'a [u8]) -> Option<Sample<'a>> {
    let (labels, after) = match after.strip_prefix(b"{") {
        Some(inside) => labels(inside)?,
        None => (Labels::default(), after),
    };
    let (value, after) = word(after);
    let value = number(value)?;
    let (time, after) = match word(after) {
        (time, rest) if !time.is_empty() && time != b"#" => (Some(timestamp_ms(time)?), rest),
        _ => (None, after),
    };
    let ends_here = matches!(word(after).0, b"" | b"#");
    ends_here.then_some(Sample {
        name,
        labels,
        value,
        timestamp_ms: time,
    })
}

fn number(text: &[u8]) -> Option<f64> {
    match text {
        // Most counters of a page stand at 0.
        [digit @ b'0'..=b'9'] => Some(f64::from(digit - b'0')),
        _ => std::str::from_utf8(text).ok()?.parse().ok(),
    }
}

/// The next word of a line and what follows it.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(line.len());
    line.split_at(end)
}

/// Milliseconds as 0.0.4 writes them, or seconds with a fraction as `OpenMetrics` does.
fn timestamp_ms(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(milliseconds) = text.parse() {
        return Some(milliseconds);
    }
    let milliseconds = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| seconds.is_finite())?
        * 1000.0;
    // The conversion saturates: a time out of range is as meaningless as its bound.
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    Some(milliseconds.round() as i64)
}

/// Checks the labels up to the closing brace.
fn labels(inside: &[u8]) -> Option<(Labels<'_>, &[u8])> {
    let mut rest = inside;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b"}") {
            let text = &inside[..inside.len() - rest.len()];
            return Some((Labels { text }, after));
        }
        let (_, _, after) = label(rest)?;
        // A comma may stand behind the last label, but between two it must.
        if !rest[..rest.len() - after.len()].ends_with(b",") && !after.starts_with(b"}") {
            return None;
        }
        rest = after;
    }
}

/// Reads one label and the comma behind it: name, which is ASCII, escaped value, and what follows.
pub(super) fn label(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let (name, rest) = text.split_at(name_length(text)?);
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let end = closing_quote(rest)?;
    let after = rest[end + 1..].trim_ascii_start();
    let after = after.strip_prefix(b",").unwrap_or(after);
    Some((name, &rest[..end], after))
}

/// Where the value that begins here ends.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Resolves `\\`, `\"` and `\n`; any other escape stays as it is written, as Prometheus' own parser has it.
pub(super) fn unescape(value: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', value).is_none() {
        return String::from_utf8_lossy(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(escaped @ (b'\\' | b'"')) => out.push(escaped),
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
