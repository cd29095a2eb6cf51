//! `sends-graphql sync`: brings the log in step once, and says what that came to.

use std::{
    io::{self, Write},
    time::Duration,
};

use sends_credentials::environment::EnvironmentVariables;
use sends_sync::{Ended, Report, Synchronisation};
use tokio_util::sync::CancellationToken;

use super::{Synchroniser, display};
use crate::{
    account::CommandError,
    backend::Backend,
    command::SyncOptions,
    settings::{self, Problem},
    shutdown::Signals,
};

/// How long the end of the command may wait for its calls to be counted.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// What a synchronisation that did not fail came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The log is complete.
    Complete,
    /// Something is left for the next time: the day's calls are used up, or a person has ended it.
    Incomplete,
}

/// Synchronises until the log is complete, the day's calls are used up, or the person who started it has seen enough. What
/// is in the log by then stays there.
///
/// # Errors
///
/// [`CommandError`] when there is no account to ask, when another process synchronises, and when something fails.
pub async fn sync(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Outcome, CommandError> {
    let settings = settings::SyncSettings::check(options, variables).map_err(CommandError::Settings)?;
    let backend = Backend::new(settings.source, settings.freshness, settings.upstream).await?;
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
    // A count that cannot be written is not worth the log.
    let _ = tokio::time::timeout(LAST_WRITES, backend.pacer.flush()).await;
    let _ = tokio::time::timeout(LAST_WRITES, backend.store.close()).await;
    ran.map_or(Ok(Outcome::Incomplete), |ran| tell(&synchronisation, ran?))
}

fn tell(synchronisation: &Synchronisation, report: Report) -> Result<Outcome, CommandError> {
    let Report {
        ended,
        pending,
        read,
        calls,
    } = report;
    let left = display::left(&pending);
    let mut out = io::stdout();
    writeln!(out, "read {read} campaigns with {calls} calls")?;
    match ended {
        Ended::Complete => {
            writeln!(out, "the log is complete as of {}", synchronisation.clock.now())?;
            Ok(Outcome::Complete)
        }
        Ended::ToldToStop => {
            writeln!(out, "{left} campaigns are left; run it again to go on")?;
            Ok(Outcome::Incomplete)
        }
        Ended::DayUsedUp { until } => {
            writeln!(
                out,
                "{left} campaigns are left; there are calls for them from {until} on"
            )?;
            Ok(Outcome::Incomplete)
        }
        Ended::Failed { reason, .. } => Err(CommandError::Synchronisation(reason)),
    }
}
