//! Access to the send log for commands that make no upstream calls.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sends_client::{Clock as _, SystemClock};
use sends_credentials::environment::EnvironmentVariables;
use sends_store::{Completeness, Coverage, Owner, SqliteStore, Store};

use super::account::CommandError;
use crate::{
    backend::{self, Backend},
    config::{self, AccountOptions, Config, Problem, SandboxOptions},
    sources::{access::OwnOwner, histories::Freshness, send_log::Log},
    sync,
};

pub(super) struct AccountLog {
    pub(super) log: Log,
    pub(super) store: Arc<dyn Store>,
    pub(super) owner: Owner,
}

/// Opens the log in the state folder, or fills the log of an embedded sandbox.
///
/// # Errors
///
/// [`CommandError::NoStore`] if the folder has no store, because opening a missing store would create it.
pub(super) async fn open_log(
    sandbox: SandboxOptions,
    account: &AccountOptions,
    variables: &EnvironmentVariables,
) -> Result<AccountLog, CommandError> {
    if let Some(Config { source, upstream }) = Config::of_sandbox_log(sandbox)? {
        let freshness = Freshness::new(Duration::ZERO, Duration::ZERO);
        let backend = Backend::new(source, freshness, upstream).await?;
        let (log, owner) = sync::filled_log(&backend).await?;
        let store = backend.store;
        return Ok(AccountLog { log, store, owner });
    }
    let state = config::state_dir(&account.state)?;
    let owner = OwnOwner::of(&state, variables)?.ok_or(Problem::NoAccount)?;
    if !SqliteStore::is_begun(state.path()) {
        return Err(CommandError::NoStore(state.path().to_owned()));
    }
    let store = Arc::new(backend::open(&state).await?);
    let log = Log::of(&store);
    Ok(AccountLog { log, store, owner })
}

/// Warns on standard error if the log is incomplete for this period.
pub(super) async fn warn_of_gaps(
    log: &Log,
    owner: Owner,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<(), CommandError> {
    let completeness = log.sync.completeness(owner, from, until, SystemClock.now());
    let Completeness {
        coverage,
        unreadable_count: unreadable,
        ..
    } = completeness.await?;
    if unreadable > 0 {
        warn(&format!(
            "{unreadable} campaigns, histories or listings cannot be read; `sends-graphql sync` lists them"
        ));
    }
    if coverage.contains(from, until) {
        return Ok(());
    }
    warn(&match coverage {
        Coverage::Nothing => {
            "the account was never synchronised, so the log contains only queried histories".to_owned()
        }
        Coverage::Between { since: None, until } => {
            format!("the log is complete until {until:.0} only")
        }
        Coverage::Between {
            since: Some(since),
            until,
        } => format!("the log is complete from {since:.0} until {until:.0} only"),
    });
    Ok(())
}

fn warn(gap: &str) {
    // Write errors are ignored, since standard error can be closed.
    let _ = writeln!(io::stderr(), "sends-graphql: sends may be missing: {gap}");
}
