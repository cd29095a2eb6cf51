//! Command `sync`: synchronises the log once, and prints the result.

mod display;

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use sends_credentials::environment::EnvironmentVariables;
use sends_store::Unreadable;
use sends_sync::{Ended, Report};
use tokio_util::sync::CancellationToken;

use super::account::CommandError;
use crate::config::{AccountOptions, SandboxOptions, UpstreamOptions};
use crate::{
    backend::Backend,
    config::{Config, Problem, Source},
    shutdown::Signals,
    sources::histories::Freshness,
    sync::Synchroniser,
};

#[derive(Args, Clone, Debug)]
pub struct SyncOptions {
    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

const MAX_LISTED_UNREADABLE: usize = 20;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Complete, except for unreadable resources.
    Complete,
    /// The daily limit or a signal ended the synchronisation.
    Incomplete,
}

/// Synchronises until the log is complete, the daily limit is reached, or a signal arrives. Data read so far stays in the log.
pub async fn sync(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Outcome, CommandError> {
    let config = Config::of_sync(options, variables).map_err(CommandError::Settings)?;
    let is_sandbox = matches!(config.source, Source::Sandbox(_));
    // Synchronisation applies its own refresh rules instead of a maximum age.
    let freshness = Freshness::new(Duration::ZERO, Duration::ZERO);
    let backend = Backend::new(config.source, freshness, config.upstream).await?;
    let stop = CancellationToken::new();
    let synchroniser = Synchroniser::of(&backend, stop.clone()).ok_or(Problem::NoAccount)?;
    let _lease = synchroniser.lease()?.ok_or(CommandError::AlreadySynchronising)?;
    let synchronisation = synchroniser.synchronisation();
    let mut signals = Signals::listen()?;
    let displayed = tokio::spawn(display::show(synchronisation.progress.subscribe()));
    let interrupted = async {
        signals.next().await;
        // The first signal lets calls in progress finish; a second signal cancels them.
        stop.cancel();
        signals.next().await;
    };
    let ran = tokio::select! {
        ran = synchronisation.run() => Some(ran),
        () = interrupted => None,
    };
    displayed.abort();
    let log = &synchronisation.log;
    let unreadable = log
        .unreadable(synchronisation.owner, MAX_LISTED_UNREADABLE)
        .await?;
    // A failed write does not invalidate the log.
    let _ = tokio::time::timeout(FLUSH_TIMEOUT, backend.pacer.flush()).await;
    let _ = tokio::time::timeout(FLUSH_TIMEOUT, backend.store.close()).await;
    ran.map_or(Ok(Outcome::Incomplete), |ran| {
        let outcome = print_report(ran?, &unreadable, synchronisation.clock.now());
        if is_sandbox {
            writeln!(
                io::stdout(),
                "the log of the sandbox is discarded; `serve --sandbox` creates its own"
            )?;
        }
        outcome
    })
}

fn print_report(report: Report, unreadable: &[Unreadable], now: Timestamp) -> Result<Outcome, CommandError> {
    let left = display::left(&report.pending);
    let mut out = io::stdout();
    writeln!(out, "read {} campaigns with {} calls", report.read, report.calls)?;
    let outcome = match report.ended {
        Ended::Complete => {
            let except = if report.unreadable > 0 {
                ", except for unreadable resources"
            } else {
                ""
            };
            writeln!(out, "the log is complete as of {now:.0}{except}")?;
            Ok(Outcome::Complete)
        }
        Ended::Stopped => {
            writeln!(
                out,
                "{left} campaigns are left; run the command again to continue"
            )?;
            Ok(Outcome::Incomplete)
        }
        Ended::DayUsedUp { until } => {
            writeln!(
                out,
                "{left} campaigns are left; the daily limit allows further calls from {until:.0}"
            )?;
            Ok(Outcome::Incomplete)
        }
        Ended::Failed { reason, .. } => Err(CommandError::Synchronisation(reason)),
    };
    for one in unreadable {
        writeln!(out, "{}", display::unreadable(one))?;
    }
    let unnamed = report.unreadable.saturating_sub(unreadable.len() as u64);
    if unnamed > 0 {
        writeln!(out, "and {unnamed} more unreadable resources")?;
    }
    outcome
}
