//! Configuration derived from options and the environment: the data source, the credential and the rate limits. `cli/` defines
//! the options of each command, and `options.rs` the shared options.

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
    source::{SourceSelection, sandbox},
};

/// Constant Contact's daily limit for partners (documented), which is also the default of a sandbox whose limits are disabled.
const PARTNER_CALLS_A_DAY: u64 = 250_000;

#[derive(Debug)]
pub struct Config {
    pub source: Source,
    pub upstream: Upstream,
}

#[derive(Clone, Debug)]
pub struct Upstream {
    /// Base URL of the API. `Backend` replaces it with the URL of the sandbox after startup.
    pub base_url: BaseUrl,
    pub call_timeout: Duration,
    pub limits: Limits,
}

impl Config {
    pub(crate) fn new(
        source: Option<Source>,
        upstream: &UpstreamOptions,
        problems: Problems,
    ) -> Result<Self, Vec<Problem>> {
        let source = problems.value_or_all(source)?;
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
    /// Creates the settings for an account, or for `sandbox`. By default, calls to a sandbox with disabled limits are counted but
    /// not paced.
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

pub fn state_dir(options: &StateOptions) -> Result<StateDir, Problem> {
    let path = options.state_dir.clone().map_or_else(default_state_dir, Ok);
    path.and_then(StateDir::open).map_err(Problem::StateDir)
}
