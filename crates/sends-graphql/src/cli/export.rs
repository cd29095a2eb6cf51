//! `export`: the log of all sends as a file for other programs.
//!
//! Owns that memory holds one page at a time, and that a file is either complete or not there. The forms are in
//! `form.rs`, the choice of sends in `filter.rs`.
//! Nothing here calls upstream but to fill the log of the sandbox, and the service may run meanwhile.

mod filter;
mod form;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use sends_client::{Clock as _, SystemClock};
use sends_credentials::environment::EnvironmentVariables;
use sends_store::{
    Completeness, Coverage, LogFilter, LogOrder, LogPageRequest, LoggedSend, Owner, SqliteStore, Store,
    StoreError,
};
use tempfile::NamedTempFile;

use self::form::Form;
pub use self::{filter::FilterOptions, form::Format};
use super::account::CommandError;
use crate::config::{AccountOptions, SandboxOptions};
use crate::option_values::order;
use crate::{
    backend::{self, Backend},
    config::{self, Config, Problem},
    sources::access::OwnOwner,
    sources::histories::Freshness,
    sources::send_log::Log,
    sync,
};

/// The options of `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// Format of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,

    /// File to write, instead of standard output; it appears when it is complete
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Which send comes first
    #[arg(long, value_name = "newest|oldest", default_value = "newest", value_parser = order)]
    pub order: LogOrder,

    #[command(flatten)]
    pub filter: FilterOptions,

    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// How many sends are read at a time.
const PAGE: usize = 500;

/// Writes the sends that the options choose.
pub async fn export(options: &ExportOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let filter = options.filter.log_filter()?;
    if let Some(Config { source, upstream }) = Config::of_export(options)? {
        // What the histories are asked for is not older than the sandbox.
        let freshness = Freshness::new(Duration::ZERO, Duration::ZERO);
        let backend = Backend::new(source, freshness, upstream).await?;
        let (log, owner) = sync::filled_log(&backend).await?;
        return write_to(&log, owner, options, &filter).await;
    }
    let state = config::state_dir(&options.account.state)?;
    let owner = OwnOwner::of(&state, &variables)?.ok_or(Problem::NoAccount)?;
    // Looking must not leave anything behind, least of all a store.
    if !SqliteStore::is_begun(state.path()) {
        return Err(CommandError::NoStore(state.path().to_owned()));
    }
    let store = Arc::new(backend::open(&state).await?);
    let written = write_to(&Log::of(&store), owner, options, &filter).await;
    store.close().await?;
    written
}

async fn write_to(
    log: &Log,
    owner: Owner,
    options: &ExportOptions,
    filter: &LogFilter,
) -> Result<(), CommandError> {
    warn_of_gaps(log, owner, filter).await?;
    let written = match &options.output {
        None => write(log, owner, options, filter, io::stdout().lock()).await,
        Some(path) => write_file(log, owner, options, filter, path).await,
    };
    match written {
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Why not everything was written.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot write to standard output: {0}")]
    Io(#[from] io::Error),
    #[error("cannot write {}: {reason}", .path.display())]
    File { path: PathBuf, reason: io::Error },
}

/// A file beside the one that is meant takes its place once it is complete and on the disk.
async fn write_file(
    log: &Log,
    owner: Owner,
    options: &ExportOptions,
    filter: &LogFilter,
    path: &Path,
) -> Result<(), Failure> {
    let failed = |reason| Failure::File {
        path: path.to_owned(),
        reason,
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    match write(log, owner, options, filter, file.as_file()).await {
        Err(Failure::Io(error)) => return Err(failed(error)),
        other => other?,
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

async fn write(
    log: &Log,
    owner: Owner,
    options: &ExportOptions,
    filter: &LogFilter,
    out: impl Write,
) -> Result<(), Failure> {
    let mut form = Form::begin(options.format, BufWriter::new(out))?;
    let mut request = LogPageRequest {
        order: options.order,
        limit: PAGE,
        ..LogPageRequest::default()
    };
    loop {
        let page = log.sends.page(owner, filter, request.clone()).await?;
        for logged in &page.sends {
            form.write(logged)?;
        }
        if !page.has_next {
            break;
        }
        request.after = page.sends.last().map(LoggedSend::position);
    }
    Ok(form.end()?)
}

/// Says on standard error what the log cannot know.
async fn warn_of_gaps(log: &Log, owner: Owner, filter: &LogFilter) -> Result<(), CommandError> {
    let send = &filter.send;
    let completeness = log
        .sync
        .completeness(owner, send.from, send.until, SystemClock.now());
    let Completeness {
        coverage,
        unreadable_count: unreadable,
        ..
    } = completeness.await?;
    if unreadable > 0 {
        warn(&format!(
            "of the campaigns, histories and listings {unreadable} cannot be read; `sends-graphql sync` names them"
        ));
    }
    if coverage.contains(send.from, send.until) {
        return Ok(());
    }
    let known = match coverage {
        Coverage::Nothing => {
            "the account was never read as a whole, so this is what was asked for so far".to_owned()
        }
        Coverage::Between { since: None, until } => format!("the log is complete until {until:.0} only"),
        Coverage::Between {
            since: Some(since),
            until,
        } => {
            format!("the log is complete from {since:.0} until {until:.0} only")
        }
    };
    warn(&known);
    Ok(())
}

fn warn(gap: &str) {
    // Nobody may be there to be told.
    let _ = writeln!(io::stderr(), "sends-graphql: sends may be missing: {gap}");
}
