//! Command `history`: prints the histories of activities as tables.
//!
//! As in the service, a history comes from the store if it is fresh enough, otherwise from the upstream within the shared rate
//! limits.

use std::io::{self, Write};

use clap::Args;
use futures_util::future::join_all;
use http::HeaderMap;
use sends_core::ActivityId;
use sends_credentials::environment::EnvironmentVariables;
use tokio::time::Instant;

use super::{WaitOptions, account::CommandError};
use crate::config::{AccountOptions, SourceOptions, UpstreamOptions};
use crate::{
    backend::Backend,
    config::Config,
    schema::ApiError,
    sources::histories::{Freshness, HistoryKey, Reading},
    sources::loader::HistoryLoader,
};

#[derive(Args, Clone, Debug)]
pub struct HistoryOptions {
    /// Ids of activities
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,

    #[command(flatten)]
    pub wait: WaitOptions,

    #[command(flatten)]
    pub source: SourceOptions,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

pub async fn history(options: &HistoryOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let config = Config::of_history(options, variables).map_err(CommandError::Settings)?;
    let freshness = Freshness::new(options.wait.max_age, options.wait.max_age);
    let backend = Backend::new(config.source, freshness, config.upstream).await?;
    let context = backend
        .access
        .context(
            &HeaderMap::new(),
            backend.clock.now(),
            Instant::now() + options.wait.request_timeout,
        )
        .map_err(io::Error::other)?;
    let loader = HistoryLoader::new(backend.histories, context);
    let readings = options.ids.iter().map(|text| read(&loader, text));
    let readings = join_all(readings).await;
    backend.pacer.flush().await;
    backend.store.close().await?;

    let mut failed = 0;
    for (index, (text, reading)) in readings.iter().enumerate() {
        let printed = match reading {
            Ok(reading) => print(index, text, reading),
            Err(error) => {
                failed += 1;
                let text = text.escape_debug();
                writeln!(io::stderr(), "sends-graphql: {text}: {}", error.message())
            }
        };
        match printed {
            // A reader such as `head` closed the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(CommandError::Unreadable(failed)),
    }
}

async fn read(loader: &HistoryLoader, text: &str) -> (String, Result<Reading, ApiError>) {
    match text.parse::<ActivityId>() {
        Ok(activity) => {
            let max_age = None;
            let reading = loader.load(HistoryKey { activity, max_age }).await;
            (activity.to_string(), reading.map_err(Into::into))
        }
        Err(error) => (text.to_owned(), Err(error.into())),
    }
}

fn print(index: usize, activity: &str, reading: &Reading) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if index > 0 {
        writeln!(out)?;
    }
    let age = if reading.stale.is_some() {
        " (stale: Constant Contact could not be reached)"
    } else {
        ""
    };
    writeln!(out, "{activity} as of {:.0}{age}", reading.fetched_at)?;
    write!(out, "{}", reading.history.explanation())
}
