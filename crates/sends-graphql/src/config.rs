//! The configuration that follows from several options and the environment together: the data source, the credential, the
//! rates. Values that stand for themselves are used from the options (`cli.rs`).

mod problem;
mod source;
pub(crate) mod value;

use std::time::Duration;

use sends_client::{BaseUrl, pacing::Limits};
use sends_credentials::{EnvironmentVariables, StateDir, default_state_dir};

pub use self::{
    problem::Problem,
    source::{CredentialSource, Source},
};
use self::{problem::Problems, source::Wanted};
use crate::cli::{
    Command, ExportOptions, HistoryOptions, SandboxOptions, ServeOptions, StateOptions, StoreKind,
    SyncOptions, UpstreamOptions,
};

/// The calls a day that Constant Contact allows partners (documented): enough for every use of the sandbox by hand.
const PARTNER_CALLS_A_DAY: u64 = 250_000;

/// The timeout of a call to the sandbox by a command without an option for it.
const SANDBOX_CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The source of the data, and how it is asked.
#[derive(Debug)]
pub struct Config {
    /// The source of the data.
    pub source: Source,
    /// How the upstream is asked.
    pub upstream: Upstream,
}

/// How the upstream is asked.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The base URL of the API; that of a sandbox is known once it runs.
    pub base_url: BaseUrl,
    /// The timeout of one call.
    pub call_timeout: Duration,
    /// The limits on calls.
    pub limits: Limits,
}

impl Config {
    /// For `serve`. `variables` are the tokens in the environment, which have no options: a command line is visible to every
    /// process on the machine.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
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
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
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
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
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
    ///
    /// # Errors
    ///
    /// [`Problem::NoSandbox`].
    pub fn of_export(options: &ExportOptions) -> Result<Option<Self>, Problem> {
        let Some(sandbox) = source::sandbox(options.sandbox)? else {
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

    fn new(
        source: Option<Source>,
        upstream: &UpstreamOptions,
        problems: Problems,
    ) -> Result<Self, Vec<Problem>> {
        let source = problems.none_but(source)?;
        let sandbox = match &source {
            Source::Sandbox(sandbox) => Some(*sandbox),
            _ => None,
        };
        Ok(Self {
            upstream: Upstream::new(upstream, sandbox),
            source,
        })
    }
}

impl Upstream {
    /// For an account, or for this sandbox. Calls to a sandbox without limits are not spaced unless the options say so; those
    /// of the day are counted all the same.
    pub fn new(options: &UpstreamOptions, sandbox: Option<SandboxOptions>) -> Self {
        let documented = Limits::default();
        let is_unlimited = sandbox.is_some_and(|sandbox| !sandbox.sandbox_limits);
        let (per_second, per_day) = if is_unlimited && options.rate_per_second.is_none() {
            (0, PARTNER_CALLS_A_DAY)
        } else {
            (documented.rate_per_second, documented.rate_per_day)
        };
        Self {
            base_url: options.upstream_url.clone().unwrap_or_default(),
            call_timeout: options.upstream_timeout,
            limits: Limits {
                rate_per_second: options.rate_per_second.unwrap_or(per_second),
                rate_per_day: options.rate_per_day.unwrap_or(per_day),
                reserve: options.rate_reserve,
                ..documented
            },
        }
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

/// The state folder of the options, or the platform's, made if it is not there.
///
/// # Errors
///
/// [`Problem::StateDir`] when it cannot be made or others can enter it.
pub fn state_dir(options: &StateOptions) -> Result<StateDir, Problem> {
    let path = options.state_dir.clone().map_or_else(default_state_dir, Ok);
    path.and_then(StateDir::open).map_err(Problem::StateDir)
}

#[cfg(test)]
mod tests;
