//! Data source: the sandbox, the callers' accounts, or one account with its credential.

use secrecy::ExposeSecret;
use sends_client::AccessToken;
use sends_credentials::{
    Endpoints, EnvironmentVariables, InvalidEnvironment, Login, LoginRequired, StateDir,
};

use super::{AccountOptions, Problem, SandboxOptions, UpstreamOptions, problem::Problems, state_dir};

#[derive(Debug)]
pub enum Source {
    /// The embedded sandbox, whose data is not stored.
    Sandbox(SandboxOptions),
    /// Accounts of the callers' tokens, whose histories are not stored persistently.
    CallersAccounts {
        /// Folder of the daily call count. `None` if the count is only in memory.
        store: Option<StateDir>,
    },
    OneAccount {
        credential: CredentialSource,
        state: StateDir,
        /// Whether histories are stored in `state` instead of memory only.
        store_answers: bool,
    },
}

#[derive(Debug)]
pub enum CredentialSource {
    Environment {
        variables: Box<EnvironmentVariables>,
        /// Endpoints for refreshing the access token.
        endpoints: Box<Endpoints>,
    },
    Login,
}

pub(crate) struct SourceSelection<'o> {
    pub(crate) sandbox: SandboxOptions,
    pub(crate) stores_answers: bool,
    pub(crate) caller_tokens: bool,
    pub(crate) upstream: &'o UpstreamOptions,
    pub(crate) account: &'o AccountOptions,
}

impl SourceSelection<'_> {
    pub(crate) fn source(&self, variables: EnvironmentVariables, problems: &mut Problems) -> Option<Source> {
        let has_token = variables.access_token.is_some() || variables.refresh_token.is_some();
        match (problems.check(sandbox(self.sandbox))?, self.caller_tokens) {
            (Some(_), true) => problems.add(Problem::SandboxOfCallers),
            (Some(_), false) if self.upstream.upstream_url.is_some() => problems.add(Problem::TwoUpstreams),
            (Some(sandbox), false) => Some(Source::Sandbox(sandbox)),
            (None, true) if has_token => problems.add(Problem::TwoModes),
            (None, true) => {
                let store = self.stores_answers.then(|| state_dir(&self.account.state));
                let store = problems.check(store.transpose())?;
                Some(Source::CallersAccounts { store })
            }
            (None, false) => {
                let state = problems.check(state_dir(&self.account.state));
                let credential = if has_token {
                    environment(self.account, variables)
                } else {
                    login(state.as_ref()?)
                };
                Some(Source::OneAccount {
                    credential: problems.check(credential)?,
                    state: state?,
                    store_answers: self.stores_answers,
                })
            }
        }
    }
}

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
        // An expired login can be replaced while the service runs.
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
