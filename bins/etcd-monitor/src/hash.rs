//! `etcd-monitor hash-token` and `hash-password`: entries of the web configuration file.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use etcd_monitor_api::{NewToken, WebConfig, hash_password};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::cli::{HashTokenArgs, OutputFormat};
use crate::config::ConfigError;
use crate::output;

/// Longest password that is read; bcrypt takes 72 bytes.
const PASSWORD_BYTES_MAX: u64 = 1_024;

/// Makes a token. Never panics; what goes wrong is said on stderr.
pub(crate) fn token(arguments: &HashTokenArgs) -> ExitCode {
    output::exit_code(made(arguments))
}

fn made(arguments: &HashTokenArgs) -> anyhow::Result<()> {
    let new = NewToken::random();
    let lifetime = arguments
        .expires_in_days
        .map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    let expires_at = lifetime
        .map(|lifetime| Timestamp::now().checked_add(lifetime))
        .transpose()?;
    let entry = entry(arguments, &new.hash, expires_at)?;
    let token = new.token.expose_secret();
    let answer = match arguments.output.format {
        OutputFormat::Table => format!("token: {token}\n\ntokens:\n{entry}"),
        OutputFormat::Simple => format!("{token} {}\n", new.hash),
        OutputFormat::Json => {
            let document = json!({
                "name": arguments.name,
                "role": arguments.role.as_str(),
                "token": token,
                "hash": new.hash,
                "expires_at": expires_at,
            });
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    output::write(&answer, arguments.output.output.as_deref())
}

/// The entry as YAML; a name that the file would not take is refused.
fn entry(
    arguments: &HashTokenArgs,
    hash: &str,
    expires_at: Option<Timestamp>,
) -> anyhow::Result<String> {
    // A text of JSON is one of YAML too.
    let name = serde_json::to_string(&arguments.name)?;
    let role = arguments.role.as_str();
    let expiry = expires_at.map(|at| format!("  expires_at: {at:.0}\n"));
    let expiry = expiry.unwrap_or_default();
    let entry = format!("- name: {name}\n  role: {role}\n  hash: {hash}\n{expiry}");
    WebConfig::parse(&format!("tokens:\n{entry}"), Path::new(""))
        .map_err(|error| ConfigError::new(error.to_string()))?;
    Ok(entry)
}

/// Hashes a password from stdin. Never panics; what goes wrong is said on stderr.
pub(crate) fn password() -> ExitCode {
    output::exit_code(hashed())
}

fn hashed() -> anyhow::Result<()> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        // It is shown as it is typed; a terminal that is gone changes nothing.
        let _ = writeln!(
            std::io::stderr(),
            "Type the password (it is shown), then Enter and Ctrl-D:"
        );
    }
    let mut typed = String::new();
    let limited = stdin.by_ref().take(PASSWORD_BYTES_MAX);
    { limited }.read_to_string(&mut typed)?;
    let password = typed.strip_suffix('\n').unwrap_or(&typed);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let hash = hash_password(&password.into()).map_err(ConfigError::new)?;
    output::write(&format!("{hash}\n"), None)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command};

    fn arguments(rest: &[&str]) -> HashTokenArgs {
        let line = ["etcd-monitor", "hash-token"].iter().chain(rest);
        match Cli::try_parse_from(line).unwrap().command {
            Some(Command::HashToken(arguments)) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_entry_is_one_that_the_file_takes() {
        let hash = NewToken::random().hash;
        let expires_at = "2100-01-01T00:00:00.5Z".parse().ok();
        let written = entry(
            &arguments(&["ci \"x\"", "--role", "admin"]),
            &hash,
            expires_at,
        );
        let config = format!("tokens:\n{}", written.unwrap());
        let config = WebConfig::parse(&config, Path::new("")).unwrap();
        assert_eq!(
            config.callers(),
            [("ci \"x\"", etcd_monitor_api::Role::Admin)]
        );
        let refused = entry(&arguments(&[""]), &hash, None).unwrap_err();
        assert!(refused.is::<ConfigError>(), "{refused}");
    }
}
