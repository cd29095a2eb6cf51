//! What stands behind the schema: the store (`kept.rs`), the pacer, the client and the credential, put together from the
//! settings.

mod kept;
mod sandbox;

use std::{io, path::PathBuf, sync::Arc};

use sends_client::{
    BuildError, Clock, ConstantContact, Pacer, SystemClock,
    pacing::{DayLedger, DepartureFile, LedgerError, MemoryLedger},
};
use sends_credentials::{EnvironmentCredential, Login, StateDir};
use sends_store::{Owner, Store, StoreError};

use self::kept::{KeptAnswers, drop_former};
pub use self::{kept::open, sandbox::EmbeddedSandbox};
use crate::{
    config::{CredentialSource, Problem, Source, Upstream},
    ledger::StoreLedger,
    readiness::Credential,
    sources::access::{Access, CallersTokens, OwnOwner},
    sources::histories::{Freshness, Histories},
    sources::resources::Resources,
    sources::send_log::Log,
    telemetry::metrics::Metrics,
};

/// Everything the schema needs.
pub struct Backend {
    /// Reads histories.
    pub histories: Histories,
    /// The log of all sends, if one is kept.
    pub log: Option<Log>,
    /// Reads what stands around them.
    pub resources: Resources,
    /// Counts and spaces the upstream calls.
    pub pacer: Pacer,
    /// Asks the upstream.
    pub client: ConstantContact,
    /// What counts that.
    pub metrics: Metrics,
    /// The credential, as far as somebody may have to log in.
    pub credential: Credential,
    /// Whose data a request reads.
    pub access: Access,
    /// Where answers and the day's count are kept.
    pub store: Arc<dyn Store>,
    /// The folder that the log is in, where other processes may use it too. `None` where it is gone with this one.
    pub log_folder: Option<PathBuf>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The embedded sandbox, which lives as long as this does.
    pub sandbox: Option<EmbeddedSandbox>,
    /// Whom the service asks, in words for the log.
    pub description: String,
}

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error(transparent)]
    Client(#[from] BuildError),
    #[error("the sandbox could not be started: {0}")]
    Sandbox(#[source] io::Error),
    #[error("{0} (`sends-graphql rebuild-store` begins a new one)")]
    DamagedStore(StoreError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Login(#[from] sends_credentials::StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Settings(Problem),
    #[error("the operating system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl Backend {
    /// Puts the parts together.
    pub async fn new(
        source: Source,
        freshness: Freshness,
        mut upstream: Upstream,
    ) -> Result<Self, BackendError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut sandbox = None;
        let mut credential_watched = Credential::NotOurs;
        let departures = departures(&source);
        let log_folder = match &source {
            Source::OneAccount {
                state,
                keep_answers: true,
                ..
            } => Some(state.path().to_owned()),
            _ => None,
        };
        let (access, kept, ledger): (_, KeptAnswers, Arc<dyn DayLedger>) = match source {
            Source::Sandbox(options) => {
                let started = EmbeddedSandbox::start(options)
                    .await
                    .map_err(BackendError::Sandbox)?;
                upstream.base_url = started.base_url.clone();
                let access = Access::OwnCredential {
                    owner: OwnOwner::Fixed(Owner::new([0; 16])),
                    tokens: Arc::new(started.token.clone()),
                };
                sandbox = Some(started);
                (
                    access,
                    KeptAnswers::in_memory().await?,
                    Arc::new(MemoryLedger::default()),
                )
            }
            Source::CallersAccounts { store } => {
                let access = Access::CallersTokens(CallersTokens::new(freshness.max_age)?);
                let ledger: Arc<dyn DayLedger> = match store {
                    // Only the day's count is kept. Answers belong to tokens that mean nothing after a restart.
                    Some(state) => Arc::new(StoreLedger::new(Arc::new(open(&state).await?))),
                    None => Arc::new(MemoryLedger::default()),
                };
                (access, KeptAnswers::of_callers(), ledger)
            }
            Source::OneAccount {
                credential,
                state,
                keep_answers,
            } => {
                let access;
                (access, credential_watched) = own_credential(credential, &state, &upstream)?;
                if keep_answers {
                    let store = open(&state).await?;
                    drop_former(&store, &access, clock.now()).await;
                    let kept = KeptAnswers::behind_memory(store);
                    let ledger = StoreLedger::new(Arc::clone(&kept.store));
                    (access, kept, Arc::new(ledger))
                } else {
                    (
                        access,
                        KeptAnswers::in_memory().await?,
                        Arc::new(MemoryLedger::default()),
                    )
                }
            }
        };
        let pacer = pacer(&upstream, ledger, departures, Arc::clone(&clock)).await?;
        let metrics = Metrics::new();
        let observer = Arc::new(metrics.clone());
        let client = ConstantContact::observed_by(observer, client_settings(&upstream), pacer.clone())?;
        let description = describe(&upstream, &access, sandbox.is_some());
        let histories = Histories::new(
            Arc::new(client.clone()),
            Arc::clone(&kept.store),
            Arc::clone(&clock),
            freshness,
        );
        let resources = Resources::new(
            client.clone(),
            Arc::clone(&clock),
            freshness.max_age,
            histories.ending(),
        );
        Ok(Self {
            histories,
            log: kept.log,
            resources,
            pacer,
            client,
            metrics,
            credential: credential_watched,
            access,
            store: kept.store,
            log_folder,
            clock,
            sandbox,
            description,
        })
    }
}

/// The departures that all processes on the source's state folder share. Answers may be kept in memory alone, but the limits
/// are still those of the API key.
fn departures(source: &Source) -> Option<DepartureFile> {
    let folder = match source {
        Source::Sandbox(_) => None,
        Source::CallersAccounts { store } => store.as_ref().map(StateDir::path),
        Source::OneAccount { state, .. } => Some(state.path()),
    };
    folder.map(DepartureFile::in_folder)
}

async fn pacer(
    upstream: &Upstream,
    ledger: Arc<dyn DayLedger>,
    departures: Option<DepartureFile>,
    clock: Arc<dyn Clock>,
) -> Result<Pacer, LedgerError> {
    match departures {
        Some(departures) => Pacer::open_shared(upstream.limits, ledger, Arc::new(departures), clock).await,
        None => Pacer::open(upstream.limits, ledger, clock).await,
    }
}

/// Settings of a client for this upstream.
pub fn client_settings(upstream: &Upstream) -> sends_client::Settings {
    sends_client::Settings {
        call_timeout: upstream.call_timeout,
        ..sends_client::Settings::new(upstream.base_url.clone())
    }
}

fn own_credential(
    credential: CredentialSource,
    state: &StateDir,
    upstream: &Upstream,
) -> Result<(Access, Credential), BackendError> {
    let settings = sends_credentials::Settings {
        call_timeout: upstream.call_timeout,
        ..Default::default()
    };
    match credential {
        CredentialSource::Environment { variables, endpoints } => {
            let owner = OwnOwner::of_environment(&variables);
            let credential = EnvironmentCredential::new(*variables, *endpoints, state, settings)
                .map_err(|error| BackendError::Settings(Problem::Environment(error)))?
                .ok_or(BackendError::Settings(Problem::NoAccount))?;
            let credential = Arc::new(credential);
            let access = Access::OwnCredential {
                owner,
                tokens: Arc::<EnvironmentCredential>::clone(&credential),
            };
            Ok((access, Credential::Environment(credential)))
        }
        CredentialSource::Login => {
            let login = Login::new(state, settings);
            // The service starts all the same: it picks up a new login by itself.
            if let Some(reason) = login.login_required()? {
                tracing::error!("log in again with `sends-graphql login`: {reason}");
            }
            let access = Access::OwnCredential {
                owner: OwnOwner::of_login(login.clone()),
                tokens: Arc::new(login.clone()),
            };
            Ok((access, Credential::Login(login)))
        }
    }
}

fn describe(upstream: &Upstream, access: &Access, is_sandbox: bool) -> String {
    let url = &upstream.base_url;
    if is_sandbox {
        return format!("the embedded sandbox at {url}: all data is invented");
    }
    match access {
        Access::OwnCredential { .. } => format!("{url} with the service's own credential"),
        Access::CallersTokens(_) => format!("{url} with the token of each caller"),
    }
}
