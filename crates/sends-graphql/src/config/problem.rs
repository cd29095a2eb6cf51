//! What can be wrong with the options, each as a sentence that names the option.

use jiff::Timestamp;
use sends_credentials::{InvalidEnvironment, StoreError};

use super::ListenAddress;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or a note of what is wrong with it.
    pub(crate) fn keep<T>(&mut self, checked: Result<T, Problem>) -> Option<T> {
        checked.map_err(|problem| self.0.push(problem)).ok()
    }

    pub(crate) fn note<T>(&mut self, problem: Problem) -> Option<T> {
        self.0.push(problem);
        None
    }

    /// The value, which is missing only where a problem was noted, unless there was any.
    pub(crate) fn none_but<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        value.filter(|_| self.0.is_empty()).ok_or(self.0)
    }
}

/// One thing that is wrong with the options.
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
    #[error("--sandbox and --upstream-url name two different upstreams; give one of them")]
    TwoUpstreams,
    #[error(
        "--sandbox: this program was built without the sandbox; build it with the feature `sandbox`, or connect an account \
         with `sends-graphql login`"
    )]
    SandboxNotBuilt,
    #[error("--sandbox-limits and --sandbox-odd-records are about the sandbox; add --sandbox")]
    NoSandbox,
    #[error("--sandbox answers with its own data; it cannot be combined with --caller-tokens")]
    SandboxOfCallers,
    #[error(
        "--caller-tokens lets each caller bring a token, so SENDS_ACCESS_TOKEN and SENDS_REFRESH_TOKEN must not be set"
    )]
    TwoModes,
    #[error("--sync-every needs an account of the service's own; it cannot be combined with --caller-tokens")]
    SyncOfCallers,
    #[error(
        "--listen (SENDS_LISTEN): \"{0}\" can be reached from other machines, and whoever reaches it could read the \
         account; require keys with --api-key-file, or say --behind-authenticating-proxy when something in front of the \
         service checks who asks"
    )]
    OpenToAnybody(ListenAddress),
    #[error("--client-id (SENDS_CLIENT_ID): give the client id of your application at Constant Contact")]
    NoClientId,
    #[error(
        "no account to ask: connect one with `sends-graphql login`, set SENDS_ACCESS_TOKEN to an access token for Constant \
         Contact, or try it on invented data with --sandbox"
    )]
    NoAccount,
}

fn in_brackets(variable: Option<&str>) -> String {
    variable
        .map(|variable| format!(" ({variable})"))
        .unwrap_or_default()
}
