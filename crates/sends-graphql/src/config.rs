//! The configuration that follows from several options and the environment together: the data source, the credential, the
//! rates. Which command has which options is said in `cli/`; those that commands share are in `options.rs`.

mod listen;
mod options;
mod problem;
mod source;

use std::time::Duration;

use sends_client::{BaseUrl, pacing::Limits};
use sends_credentials::{StateDir, default_state_dir};

pub use self::{
    listen::ListenAddress,
    options::{AccountOptions, SandboxOptions, SourceOptions, StateOptions, StoreKind, UpstreamOptions},
    problem::Problem,
    source::{CredentialSource, Source},
};
pub(crate) use self::{
    problem::Problems,
    source::{Wanted, sandbox},
};

/// The calls a day that Constant Contact allows partners (documented): enough for every use of the sandbox by hand.
const PARTNER_CALLS_A_DAY: u64 = 250_000;

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
    /// From the source, unless there are problems.
    pub(crate) fn new(
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

/// The state folder of the options, or the platform's, made if it is not there.
pub fn state_dir(options: &StateOptions) -> Result<StateDir, Problem> {
    let path = options.state_dir.clone().map_or_else(default_state_dir, Ok);
    path.and_then(StateDir::open).map_err(Problem::StateDir)
}
