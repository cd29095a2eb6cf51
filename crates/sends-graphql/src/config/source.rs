//! The data source: the sandbox, the callers' accounts or one account, and the credential for the last.

use secrecy::ExposeSecret;
use sends_client::AccessToken;
use sends_credentials::{
    Endpoints, EnvironmentVariables, InvalidEnvironment, Login, LoginRequired, StateDir,
};

use super::{AccountOptions, Problem, SandboxOptions, UpstreamOptions, problem::Problems, state_dir};

/// The source of answers, and the place where they are kept.
#[derive(Debug)]
pub enum Source {
    /// The embedded sandbox, with invented data that is kept nowhere.
    Sandbox(SandboxOptions),
    /// The account of each caller's token. Nothing is kept beyond the process.
    CallersAccounts {
        /// The folder where the day's calls are counted; `None` counts in memory.
        store: Option<StateDir>,
    },
    /// One account, for every caller.
    OneAccount {
        /// The credential of the account.
        credential: CredentialSource,
        /// The folder of the login.
        state: StateDir,
        /// Whether answers are kept there too, or in memory only.
        keep_answers: bool,
    },
}

/// The origin of the service's own access token.
#[derive(Debug)]
pub enum CredentialSource {
    /// A token in the environment.
    Environment {
        /// The variables.
        variables: Box<EnvironmentVariables>,
        /// Where tokens are renewed.
        endpoints: Box<Endpoints>,
    },
    /// A login that is kept.
    Login,
}

/// The options that say which source is wanted.
pub(crate) struct Wanted<'o> {
    pub(crate) sandbox: SandboxOptions,
    pub(crate) keeps_answers: bool,
    pub(crate) caller_tokens: bool,
    pub(crate) upstream: &'o UpstreamOptions,
    pub(crate) account: &'o AccountOptions,
}

impl Wanted<'_> {
    /// The source. `None` where a problem was noted.
    pub(crate) fn source(&self, variables: EnvironmentVariables, problems: &mut Problems) -> Option<Source> {
        let has_token = variables.access_token.is_some() || variables.refresh_token.is_some();
        match (problems.keep(sandbox(self.sandbox))?, self.caller_tokens) {
            (Some(_), true) => problems.note(Problem::SandboxOfCallers),
            (Some(_), false) if self.upstream.upstream_url.is_some() => problems.note(Problem::TwoUpstreams),
            (Some(sandbox), false) => Some(Source::Sandbox(sandbox)),
            (None, true) if has_token => problems.note(Problem::TwoModes),
            (None, true) => {
                let store = self.keeps_answers.then(|| state_dir(&self.account.state));
                let store = problems.keep(store.transpose())?;
                Some(Source::CallersAccounts { store })
            }
            (None, false) => {
                let state = problems.keep(state_dir(&self.account.state));
                let credential = if has_token {
                    environment(self.account, variables)
                } else {
                    login(state.as_ref()?)
                };
                Some(Source::OneAccount {
                    credential: problems.keep(credential)?,
                    state: state?,
                    keep_answers: self.keeps_answers,
                })
            }
        }
    }
}

/// The embedded sandbox, if it is wanted.
pub(crate) fn sandbox(options: SandboxOptions) -> Result<Option<SandboxOptions>, Problem> {
    if !options.sandbox && (options.sandbox_limits || options.sandbox_odd_records) {
        return Err(Problem::NoSandbox);
    }
    if options.sandbox && !cfg!(feature = "sandbox") {
        return Err(Problem::SandboxNotBuilt);
    }
    Ok(options.sandbox.then_some(options))
}

fn login(state: &StateDir) -> Result<CredentialSource, Problem> {
    let login = Login::new(state, sends_credentials::Settings::default());
    match login.login_required().map_err(Problem::StateDir)? {
        Some(LoginRequired::NotLoggedIn) => Err(Problem::NoAccount),
        // A login that has ended may be renewed by a person while the service runs.
        _ => Ok(CredentialSource::Login),
    }
}

fn environment(
    options: &AccountOptions,
    mut variables: EnvironmentVariables,
) -> Result<CredentialSource, Problem> {
    variables.client_id.clone_from(&options.client_id);
    if let Some(token) = &variables.access_token {
        AccessToken::new(token.expose_secret())
            .map_err(|error| Problem::Environment(InvalidEnvironment::AccessToken(error)))?;
    }
    if variables.refresh_token.is_some() && variables.client_id.is_none() {
        return Err(Problem::Environment(InvalidEnvironment::NoClientId));
    }
    Ok(CredentialSource::Environment {
        variables: Box::new(variables),
        endpoints: Box::new(options.oauth_url.clone()),
    })
}
