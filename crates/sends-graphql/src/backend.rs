//! Builds the data sources from the settings: the store, the pacer, the client and the credential.

mod sandbox;
mod stores;

use std::{io, path::PathBuf, sync::Arc};

use sends_client::{
    BuildError, Clock, ConstantContact, Pacer, SystemClock,
    pacing::{DayLedger, DepartureFile, LedgerError, MemoryLedger},
};
use sends_credentials::{EnvironmentCredential, Login, StateDir};
use sends_store::{Owner, Store, StoreError};

use self::stores::{Stores, drop_former_tokens};
pub use self::{sandbox::EmbeddedSandbox, stores::open};
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

pub struct Backend {
    pub histories: Histories,
    /// `None` if callers use their own accounts.
    pub log: Option<Log>,
    pub resources: Resources,
    pub pacer: Pacer,
    pub client: ConstantContact,
    pub metrics: Metrics,
    pub credential: Credential,
    pub access: Access,
    /// Store of histories and of the daily call count.
    pub store: Arc<dyn Store>,
    /// Folder of the log, which other processes can access. `None` if the log is in memory.
    pub log_folder: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
    pub sandbox: Option<EmbeddedSandbox>,
    pub description: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error(transparent)]
    Client(#[from] BuildError),
    #[error("the embedded sandbox cannot start: {0}")]
    Sandbox(#[source] io::Error),
    #[error("{0} (`sends-graphql rebuild-store` creates a new one)")]
    DamagedStore(StoreError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Login(#[from] sends_credentials::StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Settings(Problem),
    #[error("the operating system provides no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl Backend {
    pub async fn new(
        source: Source,
        freshness: Freshness,
        mut upstream: Upstream,
    ) -> Result<Self, BackendError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut sandbox = None;
        let mut login = Credential::External;
        let departures = departures(&source);
        let log_folder = match &source {
            Source::OneAccount {
                state,
                store_answers: true,
                ..
            } => Some(state.path().to_owned()),
            _ => None,
        };
        let (access, stores, ledger): (_, Stores, Arc<dyn DayLedger>) = match source {
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
                    Stores::in_memory().await?,
                    Arc::new(MemoryLedger::default()),
                )
            }
            Source::CallersAccounts { store } => {
                let access = Access::CallersTokens(CallersTokens::new(freshness.max_age)?);
                let ledger: Arc<dyn DayLedger> = match store {
                    // The database stores only the daily call count, since histories belong to tokens that are unknown after a
                    // restart.
                    Some(state) => Arc::new(StoreLedger::new(Arc::new(open(&state).await?))),
                    None => Arc::new(MemoryLedger::default()),
                };
                (access, Stores::of_callers(), ledger)
            }
            Source::OneAccount {
                credential,
                state,
                store_answers,
            } => {
                let access;
                (access, login) = own_credential(credential, &state, &upstream)?;
                if store_answers {
                    let store = open(&state).await?;
                    drop_former_tokens(&store, &access, clock.now()).await;
                    let stores = Stores::layered(store);
                    let ledger = StoreLedger::new(Arc::clone(&stores.store));
                    (access, stores, Arc::new(ledger))
                } else {
                    (
                        access,
                        Stores::in_memory().await?,
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
            Arc::clone(&stores.store),
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
            log: stores.log,
            resources,
            pacer,
            client,
            metrics,
            credential: login,
            access,
            store: stores.store,
            log_folder,
            clock,
            sandbox,
            description,
        })
    }
}

/// Returns the file of call departure times, which all processes with the same state folder share. Rate limits apply to the API
/// key, even if histories are only in memory.
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
            // The service starts anyway, because it detects a later login.
            if let Some(reason) = login.login_required()? {
                tracing::error!(
                    "the login cannot be used: {reason}; log in again with `sends-graphql login`"
                );
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
        Access::OwnCredential { .. } => format!("{url} with the service's credential"),
        Access::CallersTokens(_) => format!("{url} with the token of each caller"),
    }
}
