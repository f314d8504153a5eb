//! Puts together what several generators measured.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use etcd_monitor_bench::{MergeInput, Merged};

use crate::cli::{MergeArgs, MergeFormat};
use crate::output;

/// A file may have so many bytes: a log of all kinds of request is well below one million.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// Reads the files, and writes what they add up to.
pub(crate) fn run(arguments: &MergeArgs) -> anyhow::Result<ExitCode> {
    let inputs = arguments.files.iter().map(|file| read(file));
    let inputs = inputs.collect::<anyhow::Result<Vec<MergeInput>>>()?;
    let merged = Merged::of(&inputs)?;
    let text = match arguments.format {
        MergeFormat::Table => merged.to_table(),
        MergeFormat::Json => merged.to_json()? + "\n",
        MergeFormat::Hlog => merged
            .to_hdr_log()
            .context("there is no histogram log among the files: --hdr-log of a load writes one")?,
    };
    output::write_text(&text, arguments.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<MergeInput> {
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("{name} could not be read"))?;
    let mut bytes = Vec::new();
    opened
        .take(FILE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name} could not be read"))?;
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_MAX_BYTES,
        "{name} has more than {FILE_MAX_BYTES} bytes, and is no file of etcd-bench"
    );
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("{name} is no text, and no file of etcd-bench"))?;
    Ok(MergeInput::new(name, text))
}
