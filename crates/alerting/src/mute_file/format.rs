//! The content of the file. Two lines: a header with format, version and SHA-256 of the second line; and the silences
//! and acknowledgements as JSON.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::silence::Mutes;

const FORMAT: &str = "etcd-monitor-mutes";

/// The newest version that is known, and the one that is written.
pub(super) const VERSION: u32 = 1;

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Mutes(Mutes),
    /// It has this version, which is not known here.
    Newer(u32),
    /// Why it cannot be trusted.
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    sha256: String,
}

pub(super) fn parse(bytes: &[u8]) -> Content {
    parsed(bytes).unwrap_or_else(|reason| Content::Damaged(reason.to_owned()))
}

fn parsed(bytes: &[u8]) -> Result<Content, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let (header, body) = text.split_once('\n').ok_or("it ends too early")?;
    let header: Header = serde_json::from_str(header).map_err(|_| "its head is no JSON of ours")?;
    if header.format != FORMAT {
        return Err("it is another kind of file");
    }
    if header.version > VERSION {
        return Ok(Content::Newer(header.version));
    }
    let body = body.trim_end_matches('\n');
    if header.version != VERSION || header.sha256 != digest(body) {
        return Err("its checksum does not fit");
    }
    let mutes = serde_json::from_str(body).map_err(|_| "it holds no silences")?;
    Ok(Content::Mutes(mutes))
}

pub(super) fn render(mutes: &Mutes) -> String {
    let json = |value: serde_json::Result<String>| value.expect("texts and times alone");
    let body = json(serde_json::to_string(mutes));
    let header = json(serde_json::to_string(&Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        sha256: digest(&body),
    }));
    format!("{header}\n{body}\n")
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
