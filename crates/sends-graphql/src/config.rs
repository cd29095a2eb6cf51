//! The settings of the service once checked: every value is of the type the program works with.

mod http;
mod limits;
mod log;
mod operations;
mod problem;
mod sync;
mod value;

use std::{path::PathBuf, time::Duration};

use secrecy::ExposeSecret;
use sends_client::{AccessToken, BaseUrl, pacing::Limits};
use sends_credentials::{
    Endpoints, EnvironmentVariables, InvalidEnvironment, Login, LoginRequired, StateDir, default_state_dir,
};

use self::value::{Problems, number, seconds, switch};
pub use self::{
    http::{ConnectionLimits, Documents, HttpSettings, RequestLimits},
    limits::LimitOptions,
    log::{ExportSettings, HistorySettings},
    operations::{EndingTimes, OperationsSettings},
    problem::Problem,
    sync::SyncSettings,
};
use crate::{
    cli::{AccountOptions, SandboxOptions, ServeOptions, SourceOptions, StateOptions, UpstreamOptions},
    guard,
    histories::Freshness,
};

/// The calls a day that Constant Contact allows partners (documented): more than anybody makes to the sandbox by hand.
const PARTNER_CALLS_A_DAY: u64 = 250_000;

/// How long a call to the sandbox may take where no option says it.
const SANDBOX_CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings the service can run with.
#[derive(Debug)]
pub struct Settings {
    /// The address to listen on, as `host:port`.
    pub listen: String,
    /// Whether there is a page to explore the schema with.
    pub graphiql: bool,
    /// Where the answers come from, and on whose behalf they are asked for.
    pub source: Source,
    /// How one operation is bounded.
    pub request_timeout: Duration,
    /// How old an answer may be.
    pub freshness: Freshness,
    /// How often the log of all sends is brought in step. `None` leaves that to others.
    pub sync_every: Option<Duration>,
    /// How the service is watched and stopped.
    pub operations: OperationsSettings,
    /// How the upstream is asked.
    pub upstream: UpstreamSettings,
    /// Whether the schema is a subgraph of a federation.
    pub federation: bool,
    /// How much one operation may be and ask for.
    pub limits: guard::Limits,
    /// Who may ask over HTTP, and how much.
    pub http: HttpSettings,
}

/// Where the answers come from, and where they are kept.
#[derive(Debug)]
pub enum Source {
    /// The embedded sandbox, with invented data that is kept nowhere.
    Sandbox(SandboxSettings),
    /// Whatever account each caller's token belongs to. Nothing is kept beyond the process.
    CallersAccounts {
        /// The day's calls are counted here; `None` counts in memory.
        store: Option<StateDir>,
    },
    /// One account, for every caller.
    OneAccount {
        /// What tells who the account is.
        credential: CredentialSource,
        /// Where the login is.
        state: StateDir,
        /// Whether answers are kept there too, or in memory only.
        keep_answers: bool,
    },
}

/// What the embedded sandbox is like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SandboxSettings {
    /// Whether it enforces the upstream's limits.
    pub limits: bool,
    /// Whether it holds malformed and undocumented records instead of plausible campaigns.
    pub odd_records: bool,
}

/// How the service comes to its own access token.
#[derive(Debug)]
pub enum CredentialSource {
    /// The environment holds a token.
    Environment {
        /// The variables.
        variables: Box<EnvironmentVariables>,
        /// Where tokens are renewed.
        endpoints: Box<Endpoints>,
    },
    /// Somebody has logged in.
    Login,
}

/// How the upstream is asked.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Where the API lives.
    pub base_url: BaseUrl,
    /// How long one call may take.
    pub call_timeout: Duration,
    /// How many calls may leave.
    pub limits: Limits,
}

impl Settings {
    /// Checks what was written on the command line and in the environment. `variables` are the tokens in the environment,
    /// which have no options: a command line is visible to every process on the machine.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is, in the order of the options.
    pub fn check(options: &ServeOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let listen = problems.keep(check_listen(&options.listen));
        let graphiql = given(Some(&options.graphiql)).map_or(Ok(true), |text| switch("graphiql", text));
        let graphiql = problems.keep(graphiql);
        let request_timeout =
            problems.keep(seconds("request-timeout", &options.request_timeout, 0.1, 3_600.0));
        let max_age = problems.keep(seconds("max-age", &options.max_age, 0.0, 31_536_000.0));
        let max_age_settled = problems.keep(seconds(
            "max-age-settled",
            &options.max_age_settled,
            0.0,
            31_536_000.0,
        ));
        let operations = OperationsSettings::check(&options.operations, &mut problems);
        let upstream = UpstreamSettings::check(&options.upstream, &mut problems);
        let federation = problems.keep(switch("federation", &options.federation));
        let limits = limits::check(&options.limits, &mut problems);
        let callers = problems.keep(switch("caller-tokens", &options.caller_tokens));
        let source = callers.and_then(|callers| {
            check_source(
                &options.source,
                callers,
                &options.upstream,
                &options.account,
                variables,
                &mut problems,
            )
        });
        let sync_every = sync::check_every(&options.sync, source.as_ref(), &mut problems);
        let http = HttpSettings::check(&options.http, &mut problems);
        let behind_proxy = problems.keep(switch(
            "behind-authenticating-proxy",
            &options.http.behind_authenticating_proxy,
        ));
        if let (Some(listen), Some(Source::OneAccount { .. }), Some(http), Some(false)) =
            (&listen, &source, &http, behind_proxy)
            && http.api_keys.is_none()
            && !http::is_loopback(listen)
        {
            problems.note::<()>(Problem::OpenToAnybody(listen.clone()));
        }
        match (
            listen,
            graphiql,
            request_timeout,
            max_age,
            max_age_settled,
            operations,
            upstream,
            limits,
            source,
            federation,
            http,
        ) {
            (
                Some(listen),
                Some(graphiql),
                Some(request_timeout),
                Some(max_age),
                Some(settled),
                Some(operations),
                Some(upstream),
                Some(limits),
                Some(source),
                Some(federation),
                Some(http),
            ) => {
                let freshness = Freshness::new(max_age, settled);
                problems.or(Self {
                    upstream: upstream.paced_for(&source, &options.upstream),
                    listen,
                    graphiql,
                    source,
                    request_timeout,
                    freshness,
                    sync_every,
                    operations,
                    federation,
                    limits,
                    http,
                })
            }
            _ => Err(problems.into()),
        }
    }
}

impl UpstreamSettings {
    fn check(options: &UpstreamOptions, problems: &mut Problems) -> Option<Self> {
        let base_url = given(options.upstream_url.as_deref())
            .unwrap_or(BaseUrl::REAL_UPSTREAM)
            .parse();
        let base_url = problems.keep(base_url.map_err(Problem::UpstreamUrl));
        let call_timeout = problems.keep(seconds("upstream-timeout", &options.upstream_timeout, 0.1, 600.0));
        let rate_per_second = match given(options.rate_per_second.as_deref()) {
            Some(text) => problems.keep(number("rate-per-second", text, 1_000_000)),
            None => Some(Limits::default().rate_per_second.into()),
        };
        let rate_per_day = match given(options.rate_per_day.as_deref()) {
            Some(text) => problems.keep(number("rate-per-day", text, 1_000_000_000)),
            None => Some(Limits::default().rate_per_day),
        };
        let reserve = problems.keep(number("rate-reserve", &options.rate_reserve, 1_000_000_000));
        let limits = Limits {
            rate_per_second: u32::try_from(rate_per_second?).unwrap_or(u32::MAX),
            rate_per_day: rate_per_day?,
            reserve: reserve?,
            ..Limits::default()
        };
        Some(Self {
            base_url: base_url?,
            call_timeout: call_timeout?,
            limits,
        })
    }

    /// The same with the calls of a sandbox without limits as close together as they come, unless the options say otherwise.
    /// The calls of the day are counted all the same, against the number that partner keys have.
    fn paced_for(mut self, source: &Source, options: &UpstreamOptions) -> Self {
        let is_told = given(options.rate_per_second.as_deref()).is_some();
        if let Source::Sandbox(SandboxSettings { limits: false, .. }) = source
            && !is_told
        {
            self.limits.rate_per_second = 0;
            if given(options.rate_per_day.as_deref()).is_none() {
                self.limits.rate_per_day = PARTNER_CALLS_A_DAY;
            }
        }
        self
    }

    /// How a command asks the sandbox that takes no options about it. The address is that of the sandbox once it runs.
    fn of_sandbox(sandbox: SandboxSettings, problems: &mut Problems) -> Option<Self> {
        let base_url = BaseUrl::REAL_UPSTREAM.parse().map_err(Problem::UpstreamUrl);
        let limits = Limits::default();
        Some(Self {
            base_url: problems.keep(base_url)?,
            call_timeout: SANDBOX_CALL_TIMEOUT,
            limits: Limits {
                rate_per_second: if sandbox.limits { limits.rate_per_second } else { 0 },
                ..limits
            },
        })
    }

    /// The same for a command that is no service.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
    pub fn of(options: &UpstreamOptions) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        Self::check(options, &mut problems).ok_or(problems.into())
    }
}

/// The authorization server that the options name.
///
/// # Errors
///
/// [`Problem::OAuthUrl`].
pub fn endpoints(options: &AccountOptions) -> Result<Endpoints, Problem> {
    given(options.oauth_url.as_deref()).map_or_else(
        || Ok(Endpoints::default()),
        |url| Endpoints::from_base(url).map_err(Problem::OAuthUrl),
    )
}

/// The state folder that the options name, or the platform's, made if it is not there.
///
/// # Errors
///
/// [`Problem::StateDir`] when it cannot be made or others can enter it.
pub fn state_dir(options: &StateOptions) -> Result<StateDir, Problem> {
    let path =
        given(options.state_dir.as_deref()).map_or_else(default_state_dir, |path| Ok(PathBuf::from(path)));
    path.and_then(StateDir::open).map_err(Problem::StateDir)
}

fn check_listen(listen: &str) -> Result<String, Problem> {
    match listen.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(listen.to_owned()),
        _ => Err(Problem::value(
            "listen",
            listen,
            "HOST:PORT, such as 127.0.0.1:8080",
        )),
    }
}

fn check_source(
    options: &SourceOptions,
    callers: bool,
    upstream: &UpstreamOptions,
    account: &AccountOptions,
    variables: EnvironmentVariables,
    problems: &mut Problems,
) -> Option<Source> {
    let sandbox = check_sandbox(&options.sandbox, problems);
    let keep_answers = problems.keep(match options.store.as_str() {
        "sqlite" => Ok(true),
        "memory" => Ok(false),
        other => Err(Problem::value("store", other, "sqlite or memory")),
    });
    let has_token = variables.access_token.is_some() || variables.refresh_token.is_some();
    match (sandbox?, callers) {
        (Some(_), true) => problems.note(Problem::SandboxOfCallers),
        (Some(sandbox), false) => sandbox_alone(sandbox, upstream, problems),
        (None, true) if has_token => problems.note(Problem::TwoModes),
        (None, true) => {
            let store = keep_answers?.then(|| problems.keep(state_dir(&account.state)));
            Some(Source::CallersAccounts {
                store: store.map_or(Some(None), |store| store.map(Some))?,
            })
        }
        (None, false) => check_one_account(account, keep_answers, variables, problems),
    }
}

/// The embedded sandbox, if it is asked for. `None` where a problem was noted.
#[expect(
    clippy::option_option,
    reason = "the outer one is of every check, the inner one is the answer"
)]
fn check_sandbox(options: &SandboxOptions, problems: &mut Problems) -> Option<Option<SandboxSettings>> {
    let sandbox = problems.keep(switch("sandbox", &options.sandbox));
    let limits = problems.keep(switch("sandbox-limits", &options.sandbox_limits));
    let odd_records = problems.keep(switch("sandbox-odd-records", &options.sandbox_odd_records));
    let settings = SandboxSettings {
        limits: limits?,
        odd_records: odd_records?,
    };
    let sandbox = sandbox?;
    if !sandbox && (settings.limits || settings.odd_records) {
        return problems.note(Problem::NoSandbox);
    }
    Some(sandbox.then_some(settings))
}

/// The sandbox, which is an upstream by itself.
fn sandbox_alone(
    sandbox: SandboxSettings,
    upstream: &UpstreamOptions,
    problems: &mut Problems,
) -> Option<Source> {
    match given(upstream.upstream_url.as_deref()) {
        Some(_) => problems.note(Problem::TwoUpstreams),
        None => Some(Source::Sandbox(sandbox)),
    }
}

fn check_one_account(
    options: &AccountOptions,
    keep_answers: Option<bool>,
    variables: EnvironmentVariables,
    problems: &mut Problems,
) -> Option<Source> {
    let state = problems.keep(state_dir(&options.state));
    let credential = if variables.access_token.is_some() || variables.refresh_token.is_some() {
        check_environment(options, variables, problems)
    } else {
        state.as_ref().and_then(|state| problems.keep(check_login(state)))
    };
    Some(Source::OneAccount {
        credential: credential?,
        state: state?,
        keep_answers: keep_answers?,
    })
}

fn check_login(state: &StateDir) -> Result<CredentialSource, Problem> {
    let login = Login::new(state, sends_credentials::Settings::default());
    match login.login_required().map_err(Problem::StateDir)? {
        Some(LoginRequired::NotLoggedIn) => Err(Problem::NoAccount),
        // A login that has ended may be renewed by a person while the service runs.
        _ => Ok(CredentialSource::Login),
    }
}

fn check_environment(
    options: &AccountOptions,
    mut variables: EnvironmentVariables,
    problems: &mut Problems,
) -> Option<CredentialSource> {
    let endpoints = problems.keep(endpoints(options));
    variables.client_id = given(options.client_id.as_deref()).map(String::from);
    let token = variables
        .access_token
        .as_ref()
        .map(|token| AccessToken::new(token.expose_secret()));
    if let Some(Err(error)) = token {
        return problems.note(Problem::Environment(InvalidEnvironment::AccessToken(error)));
    }
    if variables.refresh_token.is_some() && variables.client_id.is_none() {
        return problems.note(Problem::Environment(InvalidEnvironment::NoClientId));
    }
    Some(CredentialSource::Environment {
        variables: Box::new(variables),
        endpoints: Box::new(endpoints?),
    })
}

/// What is empty counts as not given, which is how compose files leave a variable out.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
