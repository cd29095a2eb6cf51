//! The end of the service, in order: no longer ready, no new connections, operations in progress finish, what still waits
//! for the upstream is given up, connections are closed.
//!
//! Owns the order and the signals. What is written at the very end is in `serve.rs`.

use std::{io, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{histories::Histories, settings::EndingTimes};

/// How long answers that were given up may take to reach their callers.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What is told that the end has come, each in its turn.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Readiness says no.
    pub unready: CancellationToken,
    /// No more connections are taken.
    pub closed: CancellationToken,
}

impl Ending {
    /// Goes through the stages. It completes when nothing is to be waited for any more; whoever has nothing in progress
    /// before that need not wait so long.
    pub async fn run(&self, times: EndingTimes, histories: &Histories) {
        self.unready.cancel();
        if !times.delay.is_zero() {
            tracing::info!("no longer ready; going on for {} s", times.delay.as_secs_f64());
            tokio::time::sleep(times.delay).await;
        }
        self.closed.cancel();
        tokio::time::sleep(times.grace).await;
        tracing::warn!("the time for finishing is up; calls that wait for Constant Contact are given up");
        histories.give_up();
        tokio::time::sleep(LAST_ANSWERS).await;
        tracing::warn!("connections that are still open are closed");
    }
}

/// Ends the process on a signal, for commands that would just be ended by one: once no answer of the token endpoint is on its way
/// to the disk, or on a second signal once those received are stored.
pub async fn exit_when_told(mut signals: Signals) {
    let status = signals.next().await;
    tokio::select! {
        () = sends_credentials::finish() => {}
        _ = signals.next() => sends_credentials::finish_received().await,
    }
    std::process::exit(status);
}

/// The signals that end the process. From the moment this exists they do not end it by themselves.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens for SIGINT and SIGTERM.
    ///
    /// # Errors
    ///
    /// When the operating system does not let it.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Completes with the next signal, and gives the exit status of a process that it ends.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Listens for Ctrl-C, once it is waited for.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Completes with the next Ctrl-C.
    pub async fn next(&mut self) -> i32 {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("Ctrl-C cannot be noticed: {error}");
            std::future::pending::<()>().await;
        }
        130
    }
}
