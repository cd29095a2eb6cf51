//! Command `export`: writes the log of all sends in a format of `form.rs`, filtered by `filter.rs`.
//!
//! Only one page is in memory at a time, and the output file appears only when it is complete. The command makes no upstream
//! call, except to fill the log of the sandbox, and can run concurrently with the service.

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

#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// Format of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,

    /// Output file, created once complete; standard output by default
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Order of the sends
    #[arg(long, value_name = "newest|oldest", default_value = "newest", value_parser = order)]
    pub order: LogOrder,

    #[command(flatten)]
    pub filter: FilterOptions,

    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

const PAGE: usize = 500;

/// Writes the selected sends. A broken pipe is not an error.
pub async fn export(options: &ExportOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let filter = options.filter.log_filter()?;
    let export = |log, owner| Export {
        log,
        owner,
        options,
        filter: &filter,
    };
    if let Some(Config { source, upstream }) = Config::of_export(options)? {
        // The sandbox starts with this process, so its log must be filled first.
        let freshness = Freshness::new(Duration::ZERO, Duration::ZERO);
        let backend = Backend::new(source, freshness, upstream).await?;
        let (log, owner) = sync::filled_log(&backend).await?;
        return export(log, owner).run().await;
    }
    let state = config::state_dir(&options.account.state)?;
    let owner = OwnOwner::of(&state, &variables)?.ok_or(Problem::NoAccount)?;
    // Opening a missing store would create it.
    if !SqliteStore::is_begun(state.path()) {
        return Err(CommandError::NoStore(state.path().to_owned()));
    }
    let store = Arc::new(backend::open(&state).await?);
    let written = export(Log::of(&store), owner).run().await;
    store.close().await?;
    written
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot write to standard output: {0}")]
    Io(#[from] io::Error),
    #[error("cannot write {}: {reason}", .path.display())]
    File { path: PathBuf, reason: io::Error },
}

struct Export<'o> {
    log: Log,
    owner: Owner,
    options: &'o ExportOptions,
    filter: &'o LogFilter,
}

impl Export<'_> {
    async fn run(&self) -> Result<(), CommandError> {
        self.warn_of_gaps().await?;
        let written = match &self.options.output {
            None => self.write(io::stdout().lock()).await,
            Some(path) => self.write_file(path).await,
        };
        match written {
            Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Writes and syncs a temporary file in the same folder, then renames it.
    async fn write_file(&self, path: &Path) -> Result<(), Failure> {
        let failed = |reason| Failure::File {
            path: path.to_owned(),
            reason,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        match self.write(file.as_file()).await {
            Err(Failure::Io(error)) => return Err(failed(error)),
            other => other?,
        }
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    async fn write(&self, out: impl Write) -> Result<(), Failure> {
        let mut form = Form::begin(self.options.format, BufWriter::new(out))?;
        let mut request = LogPageRequest {
            order: self.options.order,
            limit: PAGE,
            ..LogPageRequest::default()
        };
        loop {
            let sends = &self.log.sends;
            let page = sends.page(self.owner, self.filter, request.clone()).await?;
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

    async fn warn_of_gaps(&self) -> Result<(), CommandError> {
        let send = &self.filter.send;
        let sync = &self.log.sync;
        let completeness = sync.completeness(self.owner, send.from, send.until, SystemClock.now());
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
        if coverage.contains(send.from, send.until) {
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
}

fn warn(gap: &str) {
    // Write errors are ignored, since standard error can be closed.
    let _ = writeln!(io::stderr(), "sends-graphql: sends may be missing: {gap}");
}
