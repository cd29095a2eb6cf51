//! Checks of the options of each command together.

use std::time::Duration;

use sends_client::pacing::Limits;
use sends_credentials::EnvironmentVariables;

use super::{Command, ExportOptions, HistoryOptions, ServeOptions, SyncOptions};
use crate::config::{
    Config, Problem, Problems, Source, StoreKind, Upstream, UpstreamOptions, Wanted, sandbox,
};

/// The timeout of a call to the sandbox by a command without an option for it.
const SANDBOX_CALL_TIMEOUT: Duration = Duration::from_secs(20);

impl Config {
    /// For `serve`. `variables` are the tokens in the environment, which have no options: a command line is visible to every
    /// process on the machine.
    pub fn of_serve(options: &ServeOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let wanted = Wanted {
            sandbox: options.source.sandbox,
            keeps_answers: options.source.store == StoreKind::Sqlite,
            caller_tokens: options.caller_tokens,
            upstream: &options.upstream,
            account: &options.account,
        };
        let source = wanted.source(variables, &mut problems);
        if options.sync_every.is_some() && options.caller_tokens {
            problems.note::<()>(Problem::SyncOfCallers);
        }
        let is_protected = options.http.access.api_keys.is_some()
            || options.http.access.behind_authenticating_proxy
            || options.listen.is_loopback();
        if matches!(source, Some(Source::OneAccount { .. })) && !is_protected {
            problems.note::<()>(Problem::OpenToAnybody(options.listen.clone()));
        }
        Self::new(source, &options.upstream, problems)
    }

    /// For `history`.
    pub fn of_history(
        options: &HistoryOptions,
        variables: EnvironmentVariables,
    ) -> Result<Self, Vec<Problem>> {
        let wanted = Wanted {
            sandbox: options.source.sandbox,
            keeps_answers: options.source.store == StoreKind::Sqlite,
            caller_tokens: false,
            upstream: &options.upstream,
            account: &options.account,
        };
        Self::of_wanted(&wanted, variables)
    }

    /// For `sync`.
    pub fn of_sync(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let wanted = Wanted {
            sandbox: options.sandbox,
            keeps_answers: true,
            caller_tokens: false,
            upstream: &options.upstream,
            account: &options.account,
        };
        Self::of_wanted(&wanted, variables)
    }

    fn of_wanted(wanted: &Wanted<'_>, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let source = wanted.source(variables, &mut problems);
        Self::new(source, wanted.upstream, problems)
    }

    /// For an `export` of the sandbox. `None` is for the account's own log.
    pub fn of_export(options: &ExportOptions) -> Result<Option<Self>, Problem> {
        let Some(sandbox) = sandbox(options.sandbox)? else {
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

/// The problems of a command's options together, to be reported beside wrong values.
pub fn problems(command: &Command, variables: EnvironmentVariables) -> Vec<Problem> {
    let checked = match command {
        Command::Serve(options) => Config::of_serve(options, variables).map(drop),
        Command::History(options) => Config::of_history(options, variables).map(drop),
        Command::Sync(options) => Config::of_sync(options, variables).map(drop),
        Command::Export(options) => {
            let mut problems = Problems::default();
            problems.keep(options.filter.log_filter());
            problems.keep(Config::of_export(options));
            problems.none_but(Some(()))
        }
        Command::Login(_)
        | Command::Logout(_)
        | Command::Status(_)
        | Command::RebuildStore(_)
        | Command::Schema(_) => Ok(()),
    };
    checked.err().unwrap_or_default()
}

#[cfg(test)]
mod tests;
