//! Commands `logout` and `rebuild-store`, and the error type of all commands.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use sends_client::{BuildError, SystemClock, UpstreamError};
use sends_credentials::{Login, LoginError, StoreError as LoginStoreError};
use sends_store::SqliteStore;

use super::export;
use crate::config::{AccountOptions, StateOptions};
use crate::{
    backend::BackendError,
    config::{self, Problem},
    sync::FillError,
    telemetry::traces::TracesError,
};

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{}", list(.0))]
    Settings(Vec<Problem>),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error("{error}; {hint}")]
    ClientRejected { error: LoginError, hint: &'static str },
    #[error(transparent)]
    LoginStore(#[from] LoginStoreError),
    #[error(transparent)]
    Client(#[from] BuildError),
    #[error("the login is stored, but a call with it failed: {0}")]
    Proof(Box<UpstreamError>),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Store(#[from] sends_store::StoreError),
    #[error("another process is synchronising the log of sends: wait for it to finish, or stop it")]
    AlreadySynchronising,
    #[error("the log is incomplete: {0}; run the command again to continue")]
    Synchronisation(String),
    #[error("{} contains no data yet: run the service or `sends-graphql sync` first", .0.display())]
    NoStore(PathBuf),
    #[error(transparent)]
    Export(#[from] export::Failure),
    #[error("cannot write {}: {reason}", .path.display())]
    File { path: PathBuf, reason: io::Error },
    #[error("the histories of {0} activities could not be read")]
    Unreadable(usize),
    #[error("cannot listen on {address}: {reason}{hint}")]
    Listen {
        address: String,
        reason: io::Error,
        hint: &'static str,
    },
    #[error(transparent)]
    Traces(#[from] TracesError),
    #[error("the operating system provides no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("a system call failed: {0}")]
    Io(#[from] io::Error),
}

impl CommandError {
    pub fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::Settings(_) | Self::Traces(_) | Self::Backend(BackendError::Settings(_))
        )
    }
}

impl From<Problem> for CommandError {
    fn from(problem: Problem) -> Self {
        Self::Settings(vec![problem])
    }
}

impl From<FillError> for CommandError {
    fn from(error: FillError) -> Self {
        match error {
            FillError::NoLog => Problem::NoAccount.into(),
            FillError::Failed(reason) => Self::Synchronisation(reason),
            FillError::Store(error) => error.into(),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\nsends-graphql: ")
}

pub async fn logout(options: &AccountOptions) -> Result<(), CommandError> {
    let login = Login::new(
        &config::state_dir(&options.state)?,
        sends_credentials::Settings::default(),
    );
    let message = if login.logout().await? {
        "Logged out. The tokens remain valid at Constant Contact until they expire; revoke the application there to invalidate them."
    } else {
        "There was no login."
    };
    Ok(writeln!(io::stdout(), "{message}")?)
}

pub async fn rebuild_store(options: &StateOptions) -> Result<(), CommandError> {
    let state = config::state_dir(options)?;
    let rebuilt = SqliteStore::rebuild(state.path(), sends_client::Clock::now(&SystemClock)).await?;
    let message = match rebuilt.set_aside {
        Some(path) => format!(
            "A new store was created; the former one is now {}.",
            path.display()
        ),
        None => "There was no store; a new one was created.".to_owned(),
    };
    sends_store::Store::close(&rebuilt.store).await?;
    Ok(writeln!(io::stdout(), "{message}")?)
}
