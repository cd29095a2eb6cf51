//! `logout` and `rebuild-store`, and the errors of all commands.

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
};

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{}", list(.0))]
    Settings(Vec<Problem>),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    LoginStore(#[from] LoginStoreError),
    #[error(transparent)]
    Client(#[from] BuildError),
    #[error("the login was kept, but Constant Contact does not answer it: {0}")]
    Proof(Box<UpstreamError>),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Store(#[from] sends_store::StoreError),
    #[error("another process is bringing the log of sends in step already: wait for it to finish, or end it")]
    AlreadySynchronising,
    #[error("the log is not complete: {0}; what was read is kept, and running it again goes on")]
    Synchronisation(String),
    #[error("nothing was ever fetched into {}: run the service or a sync first", .0.display())]
    NoStore(PathBuf),
    #[error(transparent)]
    Export(#[from] export::Failure),
    #[error("{0} of the activities have no answer")]
    Unanswered(usize),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl CommandError {
    /// Whether the command was given wrongly, rather than failed.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Settings(_))
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

/// Forgets the connected account.
pub async fn logout(options: &AccountOptions) -> Result<(), CommandError> {
    let login = Login::new(
        &config::state_dir(&options.state)?,
        sends_credentials::Settings::default(),
    );
    let said = if login.logout().await? {
        "Logged out. The tokens stay valid at Constant Contact until they expire; revoke the application there to end them."
    } else {
        "Nobody was logged in."
    };
    Ok(writeln!(io::stdout(), "{said}")?)
}

/// Sets the store aside and begins a new one.
pub async fn rebuild_store(options: &StateOptions) -> Result<(), CommandError> {
    let state = config::state_dir(options)?;
    let rebuilt = SqliteStore::rebuild(state.path(), sends_client::Clock::now(&SystemClock)).await?;
    let said = match rebuilt.set_aside {
        Some(path) => format!("A new store was begun; the former one is now {}.", path.display()),
        None => "There was no store; a new one was begun.".to_owned(),
    };
    sends_store::Store::close(&rebuilt.store).await?;
    Ok(writeln!(io::stdout(), "{said}")?)
}
