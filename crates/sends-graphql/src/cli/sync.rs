//! `sends-graphql sync`: brings the log in step once, and says what that came to.

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

/// The options of `sync`.
#[derive(Args, Clone, Debug)]
pub struct SyncOptions {
    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// How long the end of the command may wait for its calls to be counted.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// How many of those that cannot be read are named.
const MOST_NAMED: usize = 20;

/// What a synchronisation that did not fail came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The log is complete, but for what cannot be read.
    Complete,
    /// Something is left for the next time: the day's calls are used up, or a person has ended it.
    Incomplete,
}

/// Synchronises until the log is complete, the day's calls are used up, or the person who started it has seen enough. What
/// is in the log by then stays there.
pub async fn sync(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Outcome, CommandError> {
    let config = Config::of_sync(options, variables).map_err(CommandError::Settings)?;
    let is_sandbox = matches!(config.source, Source::Sandbox(_));
    // A synchronisation asks for nothing that it can know.
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
        // The calls in flight are waited for, so that their answers are kept; a second signal does not wait.
        stop.cancel();
        signals.next().await;
    };
    let ran = tokio::select! {
        ran = synchronisation.run() => Some(ran),
        () = interrupted => None,
    };
    displayed.abort();
    let log = &synchronisation.log;
    let unreadable = log.unreadable(synchronisation.owner, MOST_NAMED).await?;
    // A count that cannot be written is not worth the log.
    let _ = tokio::time::timeout(LAST_WRITES, backend.pacer.flush()).await;
    let _ = tokio::time::timeout(LAST_WRITES, backend.store.close()).await;
    ran.map_or(Ok(Outcome::Incomplete), |ran| {
        let outcome = tell(ran?, &unreadable, synchronisation.clock.now());
        if is_sandbox {
            writeln!(
                io::stdout(),
                "the log of the sandbox is not kept; `serve --sandbox` fills one of its own"
            )?;
        }
        outcome
    })
}

fn tell(report: Report, unreadable: &[Unreadable], now: Timestamp) -> Result<Outcome, CommandError> {
    let left = display::left(&report.pending);
    let mut out = io::stdout();
    writeln!(out, "read {} campaigns with {} calls", report.read, report.calls)?;
    let outcome = match report.ended {
        Ended::Complete => {
            let except = if report.unreadable > 0 {
                ", but for what cannot be read"
            } else {
                ""
            };
            writeln!(out, "the log is complete as of {now:.0}{except}")?;
            Ok(Outcome::Complete)
        }
        Ended::ToldToStop => {
            writeln!(out, "{left} campaigns are left; run it again to go on")?;
            Ok(Outcome::Incomplete)
        }
        Ended::DayUsedUp { until } => {
            writeln!(
                out,
                "{left} campaigns are left; there are calls for them from {until:.0} on"
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
        writeln!(out, "and {unnamed} more that cannot be read")?;
    }
    outcome
}
