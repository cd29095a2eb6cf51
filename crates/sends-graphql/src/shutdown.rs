//! The end of the service, in order: no longer ready, no new connections, operations in progress finish, what still waits
//! for the upstream is given up, connections are closed.
//!
//! Owns the order and the signals. What is written at the very end is in `serve.rs`.

use std::{
    io::{self, Write},
    sync::LazyLock,
    time::Duration,
};

use clap::Args;
use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    option_values::{HOUR, duration},
    sources::histories::Histories,
};

/// The stages of a shutdown.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Service")]
pub struct ShutdownOptions {
    /// Time for operations in progress at a shutdown, after its delay
    #[arg(long, env = "SENDS_GRACE", value_name = "DURATION", default_value = "5s",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub grace: Duration,

    /// Time from a signal to shut down until no connection is accepted
    ///
    /// Meanwhile /health/ready answers 503 and everything else as before, so that load balancers turn away.
    #[arg(long, env = "SENDS_SHUTDOWN_DELAY", value_name = "DURATION", default_value = "0",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub shutdown_delay: Duration,
}

/// How long answers that were given up may take to reach their callers.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What is told that the end has come, each in its turn.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Readiness says no, and connections are told that they end.
    pub unready: CancellationToken,
    /// No more connections are taken.
    pub closed: CancellationToken,
}

impl Ending {
    /// Goes through the stages. It completes when nothing is to be waited for any more; whoever has nothing in progress
    /// before that need not wait so long.
    pub async fn run(&self, options: ShutdownOptions, histories: &Histories) {
        self.unready.cancel();
        if !options.shutdown_delay.is_zero() {
            tracing::info!(
                "no longer ready; going on for {} s",
                options.shutdown_delay.as_secs_f64()
            );
            tokio::time::sleep(options.shutdown_delay).await;
        }
        self.closed.cancel();
        tokio::time::sleep(options.grace).await;
        tracing::warn!("the time for finishing is up; calls that wait for Constant Contact are given up");
        histories.give_up();
        tokio::time::sleep(LAST_ANSWERS).await;
        tracing::warn!("connections that are still open are closed");
    }
}

/// Ends the process on a signal, for commands that would just be ended by one: once no answer of the token endpoint is on its way
/// to the disk.
pub async fn exit_when_told(mut signals: Signals) {
    let status = signals.next().await;
    // Commands have no log, and standard error may be closed.
    let warn = |warning: &str| drop(writeln!(io::stderr(), "sends-graphql: {warning}"));
    finish_refresh(&mut signals, warn).await;
    std::process::exit(status);
}

/// Waits until no answer of the token endpoint is on its way to the disk, for a process that was told to end.
///
/// SIGTERM does not shorten the wait, however often it comes: supervisors repeat it without knowing what is at stake. Neither do
/// SIGHUP, which both the terminal and the shell send, and SIGQUIT. SIGINT does, once a person had the time to read what it costs. The wait is bounded by the time limits of the request and the disk.
pub async fn finish_refresh(signals: &mut Signals, warn: impl FnOnce(&str)) {
    let finished = sends_credentials::finish();
    tokio::pin!(finished);
    if finished.as_mut().now_or_never().is_some() {
        return;
    }
    warn(AT_STAKE);
    tokio::select! {
        () = finished => {}
        () = signals.interrupted_after(READING_TIME) => sends_credentials::finish_received().await,
    }
}

const AT_STAKE: &str = "a token request is under way, and its answer may hold the only refresh token that still works; waiting \
                        for it (Ctrl-C gives it up, and may make a new login necessary)";

/// How long a person takes to read what Ctrl-C would cost. A terminal's Ctrl-C may also arrive twice, from the terminal and from
/// a parent process.
const READING_TIME: Duration = Duration::from_secs(1);

/// The exit status of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// The signals that end the process. From the moment this exists they do not end it by themselves.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` where the process was started with the signal ignored.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    quit: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Listens for SIGINT and SIGTERM, and for SIGHUP and SIGQUIT unless they are ignored: `nohup` starts a program with SIGHUP
    /// ignored, so that it outlives its terminal.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let unless_ignored = |kind: SignalKind| {
            let is_ignored = IGNORED_AT_START.contains(kind);
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: unless_ignored(SignalKind::hangup())?,
            quit: unless_ignored(SignalKind::quit())?,
        })
    }

    /// Completes with the next signal, and gives the exit status of a process that it ends.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => 143,
            () = heard(self.hangup.as_mut()) => 129,
            () = heard(self.quit.as_mut()) => 131,
        }
    }

    /// Completes with the first SIGINT that comes later than this.
    async fn interrupted_after(&mut self, time: Duration) {
        let begun = Instant::now();
        loop {
            if self.next().await == INTERRUPTED && begun.elapsed() >= time {
                return;
            }
        }
    }
}

/// Completes with the next of these signals, and never for one that is ignored.
#[cfg(unix)]
async fn heard(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that the process was started with ignored, as far as the system tells without unsafe code: Linux does.
#[cfg(unix)]
static IGNORED_AT_START: LazyLock<IgnoredSignals> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    IgnoredSignals::of(&status)
});

/// A set of signals; bit 0 is signal 1.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
struct IgnoredSignals(u64);

#[cfg(unix)]
impl IgnoredSignals {
    /// Reads the set from the text of `/proc/self/status`.
    fn of(status: &str) -> Self {
        let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let set = digits.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
        Self(set.unwrap_or_default())
    }

    fn contains(self, signal: tokio::signal::unix::SignalKind) -> bool {
        let bit = u32::try_from(signal.as_raw_value() - 1).ok();
        bit.and_then(|bit| self.0.checked_shr(bit))
            .is_some_and(|set| set & 1 == 1)
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Listens for Ctrl-C, once it is waited for.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Completes with the next Ctrl-C.
    pub async fn next(&mut self) -> i32 {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("Ctrl-C cannot be noticed: {error}");
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    }

    /// Completes with the first Ctrl-C that comes later than this.
    async fn interrupted_after(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        self.next().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use tokio::signal::unix::SignalKind;

    use super::IgnoredSignals;

    #[test]
    fn ignored_signals_are_read_from_the_process_status() {
        let status =
            "Name:\tsends\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000004\n";
        let ignored = IgnoredSignals::of(status);
        assert!(ignored.contains(SignalKind::hangup()));
        assert!(ignored.contains(SignalKind::pipe()));
        assert!(!ignored.contains(SignalKind::quit()));
        assert!(!IgnoredSignals::of("").contains(SignalKind::hangup()));
    }
}
