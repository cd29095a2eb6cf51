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
    /// A value is not of the kind that its option takes.
    #[error("--{option}{}: {reason}", in_brackets(.variable.as_deref()))]
    Value {
        /// The option, without its dashes.
        option: String,
        /// The environment variable of the option, if it has one.
        variable: Option<String>,
        /// What is wrong with the value.
        reason: String,
    },
    /// No time is in the period of an export.
    #[error("--until: {until} is not later than --from, {from}")]
    EmptyPeriod {
        /// The beginning.
        from: Timestamp,
        /// The end.
        until: Timestamp,
    },
    /// The state folder cannot be used.
    #[error("--state-dir (SENDS_STATE_DIR): {0}")]
    StateDir(StoreError),
    /// The tokens in the environment make no credential.
    #[error("{0}")]
    Environment(InvalidEnvironment),
    /// Two upstreams at once.
    #[error("--sandbox and --upstream-url name two different upstreams; give one of them")]
    TwoUpstreams,
    /// `--sandbox` in a build without the feature `sandbox`.
    #[error(
        "--sandbox: this program was built without the sandbox; build it with the feature `sandbox`, or connect an account \
         with `sends-graphql login`"
    )]
    SandboxNotBuilt,
    /// What the sandbox is to be like, without a sandbox.
    #[error("--sandbox-limits and --sandbox-odd-records are about the sandbox; add --sandbox")]
    NoSandbox,
    /// The sandbox's data belongs to nobody's token.
    #[error("--sandbox answers with its own data; it cannot be combined with --caller-tokens")]
    SandboxOfCallers,
    /// With both it would not be obvious which of them answers.
    #[error(
        "--caller-tokens lets each caller bring a token, so SENDS_ACCESS_TOKEN and SENDS_REFRESH_TOKEN must not be set"
    )]
    TwoModes,
    /// Nobody's log could be filled while nobody asks.
    #[error("--sync-every needs an account of the service's own; it cannot be combined with --caller-tokens")]
    SyncOfCallers,
    /// Anybody who reaches the address could read the account.
    #[error(
        "--listen (SENDS_LISTEN): \"{0}\" can be reached from other machines, and whoever reaches it could read the \
         account; require keys with --api-key-file, or say --behind-authenticating-proxy when something in front of the \
         service checks who asks"
    )]
    OpenToAnybody(ListenAddress),
    /// An application is needed to log in.
    #[error("--client-id (SENDS_CLIENT_ID): give the client id of your application at Constant Contact")]
    NoClientId,
    /// Nothing to ask.
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
