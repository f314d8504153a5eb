//! The command line of `etcd-monitor hash-token`.

use clap::{Args, ValueEnum};

use super::output::OutputArgs;

const EXAMPLES: &str = "Examples:
  etcd-monitor hash-token ci --role operator           a token that does not expire
  etcd-monitor hash-token grafana --expires-in-days 90 one for reading, for 90 days
  etcd-monitor hash-token ci -w json                   for programs

The token is shown this once and kept nowhere: give it to its user. Put the entry below `tokens:` in the file of
--web-config-file; the daemon reads that again when it changes. A token is sent as `Authorization: Bearer TOKEN`, and the
dashboard asks for it.";

/// Whose token, and what it may do.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct HashTokenArgs {
    /// Name of its user, as it stands in the audit log
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What it may do
    #[arg(long, value_name = "ROLE", value_enum, default_value_t = TokenRole::Viewer)]
    pub role: TokenRole,

    /// Days until it expires; without it, the token does not
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub expires_in_days: Option<u16>,

    /// How the answer looks, and where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What a token may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// May read
    Viewer,
    /// May also silence and acknowledge alerts, and test channels
    Operator,
    /// May also load the configuration again
    Admin,
}

impl TokenRole {
    /// As it stands in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}
