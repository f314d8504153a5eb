//! `etcd-monitor silence`: adds, lists and ends silences, in the data directory of a daemon that may run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use etcd_monitor_alerting::{MuteFile, Silence};
use jiff::Timestamp;

use crate::cli::{
    DataDirArgs, OutputFormat, SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs,
    SilenceListArgs,
};
use crate::config::{Config, ConfigError};
use crate::output;

mod doubts;

/// Does what is asked. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &SilenceArgs) -> ExitCode {
    output::exit_code(match &arguments.command {
        SilenceCommand::Add(arguments) => add(arguments),
        SilenceCommand::List(arguments) => list(arguments),
        SilenceCommand::Expire(arguments) => expire(arguments),
    })
}

/// The file of the daemon's silences and acknowledgements.
pub(crate) fn mutes(daemon: &DataDirArgs) -> anyhow::Result<MuteFile> {
    let folder = Config::data_dir(daemon.data_dir.as_deref(), daemon.config.as_deref())?;
    if !Path::is_dir(&folder) {
        return Err(ConfigError::new(format!(
            "there is no data directory {}; name that of the daemon with --data-dir or --config",
            folder.display()
        ))
        .into());
    }
    Ok(MuteFile::new(&folder))
}

/// Who says so: the flag, or the user who runs this.
pub(crate) fn author(flag: Option<&str>) -> Result<String, ConfigError> {
    let names = ["USER", "LOGNAME", "USERNAME"];
    let mut of_environment = names
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    flag.map(str::to_owned)
        .or_else(|| of_environment.find(|name| !name.trim().is_empty()))
        .or_else(user_id)
        .ok_or_else(|| ConfigError::new("say who you are with --author"))
}

/// Whom this process belongs to, where the environment does not say it: under cron, or in a container.
#[cfg(target_os = "linux")]
fn user_id() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok()?;
    Some(format!("user {}", own.uid()))
}

#[cfg(not(target_os = "linux"))]
fn user_id() -> Option<String> {
    None
}

fn add(arguments: &SilenceAddArgs) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let starts_at = arguments.start.unwrap_or(now).max(now);
    let ends_at = starts_at
        .checked_add(arguments.duration)
        .context("--start is too late")?;
    let author = author(arguments.author.as_deref())?;
    let matchers = arguments.matchers.clone();
    let silence = Silence::new(matchers, starts_at, ends_at, &author, &arguments.comment)
        .map_err(|error| ConfigError::new(error.to_string()))?;
    let id = silence.id.clone();
    mutes(&arguments.daemon)?.add_silence(silence, now)?;
    for doubt in doubts::of_matchers(&arguments.matchers, arguments.daemon.config.as_deref()) {
        tracing::warn!("{doubt}");
    }
    output::write(&format!("{id}\n"), None)
}

fn list(arguments: &SilenceListArgs) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut silences = mutes(&arguments.daemon)?.load(now)?.silences;
    silences.retain(|silence| arguments.expired || silence.ends_at > now);
    silences.sort_by_key(|silence| silence.ends_at);
    let answer = match arguments.output.format {
        OutputFormat::Table => table(&silences, now),
        OutputFormat::Json => json(&silences, now)?,
        OutputFormat::Simple => output::lines(silences.iter().map(|one| one.id.as_str())),
    };
    output::write(&answer, arguments.output.output.as_deref())
}

fn table(silences: &[Silence], now: Timestamp) -> String {
    let rows = silences.iter().map(|silence| {
        let matchers = silence.matchers.iter().map(ToString::to_string);
        [
            silence.id.clone(),
            silence.state_at(now).as_str().to_owned(),
            matchers.collect::<Vec<_>>().join(" "),
            format!("{:.0}", silence.starts_at),
            format!("{:.0}", silence.ends_at),
            silence.author.clone(),
            silence.comment.clone(),
        ]
    });
    let header = [
        "ID", "STATE", "MATCHERS", "STARTS", "ENDS", "AUTHOR", "COMMENT",
    ];
    let table = output::table(header, &rows.collect::<Vec<_>>());
    table.unwrap_or_else(|| "no silences".to_owned()) + "\n"
}

fn json(silences: &[Silence], now: Timestamp) -> anyhow::Result<String> {
    let with_state = |silence: &Silence| -> serde_json::Result<serde_json::Value> {
        let mut value = serde_json::to_value(silence)?;
        value["state"] = silence.state_at(now).as_str().into();
        Ok(value)
    };
    let silences: Vec<_> = silences.iter().map(with_state).collect::<Result<_, _>>()?;
    let document = serde_json::json!({ "silences": silences });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Ends all of them that there are, and then says which there are not.
fn expire(arguments: &SilenceExpireArgs) -> anyhow::Result<()> {
    let mutes = mutes(&arguments.daemon)?;
    let now = Timestamp::now();
    output::each(&arguments.ids, |id| {
        let silence = mutes.expire_silence(id, now)?;
        output::write(&format!("{}\n", silence.id), None)
    })
}
