//! Errors in the options. Each message names the option, the cause and the next step.

use jiff::Timestamp;
use sends_credentials::{InvalidEnvironment, StoreError};

use super::ListenAddress;

#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Returns the value, or records the problem and returns `None`.
    pub(crate) fn check<T>(&mut self, checked: Result<T, Problem>) -> Option<T> {
        checked.map_err(|problem| self.0.push(problem)).ok()
    }

    /// Records a problem. Always returns `None`, so that the caller can return the result.
    pub(crate) fn add<T>(&mut self, problem: Problem) -> Option<T> {
        self.0.push(problem);
        None
    }

    /// Returns the value if no problem was recorded, otherwise all problems. A missing value implies a recorded problem.
    pub(crate) fn value_or_all<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        value.filter(|_| self.0.is_empty()).ok_or(self.0)
    }
}

#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error("--{option}{}: {reason}", in_brackets(.variable.as_deref()))]
    Value {
        option: String,
        variable: Option<String>,
        reason: String,
    },
    #[error("--until: {until} is not later than --from, {from}")]
    EmptyPeriod { from: Timestamp, until: Timestamp },
    #[error("--state-dir (SENDS_STATE_DIR): {0}")]
    StateDir(StoreError),
    #[error("{0}")]
    Environment(InvalidEnvironment),
    #[error("--sandbox and --upstream-url name two different upstreams; use one of them")]
    TwoUpstreams,
    #[error(
        "--sandbox: this program was built without the sandbox; build it with the feature `sandbox`, or connect an account \
         with `sends-graphql login`"
    )]
    SandboxNotBuilt,
    #[error("--sandbox-limits and --sandbox-odd-records apply to the sandbox only; add --sandbox")]
    NoSandbox,
    #[error("--sandbox does not accept tokens of callers; omit --caller-tokens")]
    SandboxOfCallers,
    #[error(
        "--caller-tokens uses the token of each caller; unset SENDS_ACCESS_TOKEN and SENDS_REFRESH_TOKEN, or omit --caller-tokens"
    )]
    TwoModes,
    #[error("--sync-every requires an account of the service; omit --caller-tokens, or --sync-every")]
    SyncOfCallers,
    #[error(
        "--listen (SENDS_LISTEN): \"{0}\" is reachable from other machines, which could read the account; require keys with \
         --api-key-file, or set --behind-authenticating-proxy if a proxy in front of the service authenticates callers"
    )]
    Unprotected(ListenAddress),
    #[error(
        "--client-id (SENDS_CLIENT_ID): missing; set the client id of your application at Constant Contact"
    )]
    NoClientId,
    #[error(
        "no account is connected: connect one with `sends-graphql login`, set SENDS_ACCESS_TOKEN to an access token for Constant \
         Contact, or use --sandbox for invented data"
    )]
    NoAccount,
}

fn in_brackets(variable: Option<&str>) -> String {
    variable
        .map(|variable| format!(" ({variable})"))
        .unwrap_or_default()
}
