//! `ETCD_MONITOR_*` variables that nobody reads: most likely a typing error.

use clap::CommandFactory;
use etcd_monitor_alerting::nearest;

use crate::cli::Cli;

const PREFIX: &str = "ETCD_MONITOR_";

/// Warns of each variable with our prefix that is no flag's.
pub(super) fn warn_of_unknown_variables(names: impl Iterator<Item = String>) {
    for (name, suggestion) in unknown(names) {
        let hint = suggestion.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        tracing::warn!("Variable {name} is not known and was ignored{hint}");
    }
}

fn unknown(names: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let program = Cli::command();
    let commands = std::iter::once(&program).chain(program.get_subcommands());
    let mut known: Vec<String> = commands
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
        .collect();
    // Read by the scripts that fetch etcd for tests and for the demo, and by those that build.
    known.extend(["ETCD_MONITOR_CACHE", "ETCD_MONITOR_BUILD_COMMIT"].map(str::to_owned));
    let ours = names.filter(|name| name.starts_with(PREFIX) && !known.contains(name));
    ours.map(|name| {
        let meant = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
        (name, meant)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_of_ours_that_no_flag_reads_are_unknown() {
        let names = ["ETCD_MONITOR_ENDPOINT", "ETCD_MONITOR_API_PORT", "HOME"];
        let found = unknown(names.into_iter().map(str::to_owned));
        let expected = (
            "ETCD_MONITOR_ENDPOINT".to_owned(),
            Some("ETCD_MONITOR_ENDPOINTS".to_owned()),
        );
        assert_eq!(found, [expected]);
    }
}
