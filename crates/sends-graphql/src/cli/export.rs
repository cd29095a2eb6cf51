//! Command `export`: writes the log of all sends in a format of `form.rs`, filtered by `filter.rs`.
//!
//! Only one page is in memory at a time, and the output file appears only when it is complete. The command makes no upstream
//! call, except to fill the log of the sandbox, and can run concurrently with the service.

mod filter;
mod form;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use sends_credentials::environment::EnvironmentVariables;
use sends_store::{LogFilter, LogOrder, LogPageRequest, LoggedSend, Owner, SendLog, StoreError};
use tempfile::NamedTempFile;

use self::form::Form;
pub use self::{filter::FilterOptions, form::Format};
use super::{
    account::CommandError,
    log::{open_log, warn_of_gaps},
};
use crate::config::{AccountOptions, SandboxOptions};
use crate::option_values::order;

#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// Format of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,

    /// Output file, created once complete, or a device or pipe; standard output by default
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
    let opened = open_log(options.sandbox, &options.account, &variables).await?;
    let (from, until) = (filter.send.from, filter.send.until);
    warn_of_gaps(&opened.log, opened.owner, from, until).await?;
    let export = Export {
        log: &*opened.log.sends,
        owner: opened.owner,
        options,
        filter: &filter,
    };
    let written = export.run().await;
    opened.store.close().await?;
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
    log: &'o dyn SendLog,
    owner: Owner,
    options: &'o ExportOptions,
    filter: &'o LogFilter,
}

impl Export<'_> {
    async fn run(&self) -> Result<(), CommandError> {
        let written = match &self.options.output {
            None => self.write(io::stdout().lock()).await,
            Some(path) => self.write_file(path).await,
        };
        match written {
            Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Writes and syncs a temporary file in the same folder, then renames it. Devices and pipes are written directly. The target of
    /// a symbolic link is replaced, not the link.
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
            let page = self.log.page(self.owner, self.filter, request.clone()).await?;
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
