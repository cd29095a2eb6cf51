//! Validation of option combinations for each command.

use std::time::Duration;

use sends_client::pacing::Limits;
use sends_credentials::EnvironmentVariables;

use super::{Command, HistoryOptions, ServeOptions, SyncOptions};
use crate::config::{
    Config, Problem, Problems, SandboxOptions, Source, SourceSelection, StoreKind, Upstream, UpstreamOptions,
    sandbox,
};

/// Call timeout of commands that have no option for it.
const SANDBOX_CALL_TIMEOUT: Duration = Duration::from_secs(20);

impl Config {
    pub fn of_serve(options: &ServeOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let selection = SourceSelection {
            sandbox: options.source.sandbox,
            stores_answers: options.source.store == StoreKind::Sqlite,
            caller_tokens: options.caller_tokens,
            upstream: &options.upstream,
            account: &options.account,
        };
        let source = selection.source(variables, &mut problems);
        if options.sync_every.is_some() && options.caller_tokens {
            problems.add::<()>(Problem::SyncOfCallers);
        }
        let is_protected = options.http.access.api_keys.is_some()
            || options.http.access.behind_authenticating_proxy
            || options.listen.is_loopback();
        if matches!(source, Some(Source::OneAccount { .. })) && !is_protected {
            problems.add::<()>(Problem::Unprotected(options.listen.clone()));
        }
        Self::new(source, &options.upstream, problems)
    }

    pub fn of_history(
        options: &HistoryOptions,
        variables: EnvironmentVariables,
    ) -> Result<Self, Vec<Problem>> {
        let selection = SourceSelection {
            sandbox: options.source.sandbox,
            stores_answers: options.source.store == StoreKind::Sqlite,
            caller_tokens: false,
            upstream: &options.upstream,
            account: &options.account,
        };
        Self::of_selection(&selection, variables)
    }

    pub fn of_sync(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let selection = SourceSelection {
            sandbox: options.sandbox,
            stores_answers: true,
            caller_tokens: false,
            upstream: &options.upstream,
            account: &options.account,
        };
        Self::of_selection(&selection, variables)
    }

    fn of_selection(
        selection: &SourceSelection<'_>,
        variables: EnvironmentVariables,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let source = selection.source(variables, &mut problems);
        Self::new(source, selection.upstream, problems)
    }

    /// Returns the configuration of a command that reads the log of the sandbox, or `None` for the log of the account.
    pub(super) fn of_sandbox_log(options: SandboxOptions) -> Result<Option<Self>, Problem> {
        let Some(sandbox) = sandbox(options)? else {
            return Ok(None);
        };
        let upstream = UpstreamOptions {
            upstream_url: None,
            upstream_timeout: SANDBOX_CALL_TIMEOUT,
            rate_per_second: None,
            rate_per_day: None,
            rate_reserve: Limits::default().reserve,
        };
        Ok(Some(Self {
            upstream: Upstream::new(&upstream, Some(sandbox)),
            source: Source::Sandbox(sandbox),
        }))
    }
}

pub fn problems(command: &Command, variables: EnvironmentVariables) -> Vec<Problem> {
    let checked = match command {
        Command::Serve(options) => Config::of_serve(options, variables).map(drop),
        Command::History(options) => Config::of_history(options, variables).map(drop),
        Command::Sync(options) => Config::of_sync(options, variables).map(drop),
        Command::Export(options) => {
            let mut problems = Problems::default();
            problems.check(options.filter.log_filter());
            problems.check(Config::of_sandbox_log(options.sandbox));
            problems.value_or_all(Some(()))
        }
        Command::Failures(options) => Config::of_sandbox_log(options.sandbox)
            .map(drop)
            .map_err(|problem| vec![problem]),
        Command::Login(_)
        | Command::Logout(_)
        | Command::Status(_)
        | Command::RebuildStore(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(()),
    };
    checked.err().unwrap_or_default()
}

#[cfg(test)]
mod tests;
