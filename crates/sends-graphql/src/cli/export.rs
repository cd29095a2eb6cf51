//! `export`: the log of all sends as a file, in one of the formats of `form.rs`, filtered by `filter.rs`.
//!
//! Only one page is in memory at a time, and a file appears only when it is complete. No upstream call is made, except to fill
//! the log of the sandbox. The service can run in the meantime.

mod filter;
mod form;

use std::{
    fs::{self, File},
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

    /// Output file, which appears when it is complete, or a device or pipe; standard output by default
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

/// Sends of one page.
const PAGE: usize = 500;

/// Writes the selected sends. A closed pipe is not an error.
pub async fn export(options: &ExportOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let filter = options.filter.log_filter()?;
    let export = |log, owner| Export {
        log,
        owner,
        options,
        filter: &filter,
    };
    if let Some(Config { source, upstream }) = Config::of_export(options)? {
        // The sandbox starts with this process, so nothing is stored yet.
        let freshness = Freshness::new(Duration::ZERO, Duration::ZERO);
        let backend = Backend::new(source, freshness, upstream).await?;
        let (log, owner) = sync::filled_log(&backend).await?;
        return export(log, owner).run().await;
    }
    let state = config::state_dir(&options.account.state)?;
    let owner = OwnOwner::of(&state, &variables)?.ok_or(Problem::NoAccount)?;
    // Opening would create the store.
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

    /// Writes a temporary file in the same folder, and renames it once it is on the disk. A device or a pipe is written directly,
    /// and a symbolic link is kept.
    async fn write_file(&self, path: &Path) -> Result<(), Failure> {
        let failed = |reason| Failure::File {
            path: path.to_owned(),
            reason,
        };
        if is_standard_output(path) {
            return self.write(io::stdout().lock()).await;
        }
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let device = File::options().write(true).open(path).map_err(failed)?;
            return match self.write(device).await {
                Err(Failure::Io(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(error)),
                written => written,
            };
        }
        let path = &link_target(path);
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

    /// Warns on standard error if the log is incomplete.
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
                "{unreadable} campaigns, histories or listings cannot be read; `sends-graphql sync` names them"
            ));
        }
        if coverage.contains(send.from, send.until) {
            return Ok(());
        }
        warn(&match coverage {
            Coverage::Nothing => {
                "the account was never synchronised, so that only queried histories are in the log".to_owned()
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

/// Whether the path leads to the file, pipe or terminal that is the standard output, such as `/dev/stdout`.
#[cfg(unix)]
fn is_standard_output(path: &Path) -> bool {
    use std::os::{fd::AsFd, unix::fs::MetadataExt};

    let metadata = || {
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        io::Result::Ok((output.metadata()?, fs::metadata(path)?))
    };
    metadata().is_ok_and(|(output, file)| (output.dev(), output.ino()) == (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn is_standard_output(_: &Path) -> bool {
    false
}

/// Maximum number of symbolic links that are followed, as in Linux.
const MAX_LINKS: usize = 40;

/// The path without symbolic links to the file itself, which may not exist.
fn link_target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&target) else {
            return target;
        };
        target.pop();
        target.push(next);
    }
    target
}

fn warn(gap: &str) {
    // Standard error can be closed.
    let _ = writeln!(io::stderr(), "sends-graphql: sends may be missing: {gap}");
}
