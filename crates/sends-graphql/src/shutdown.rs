//! Signals, and the stages of a graceful shutdown: the service becomes unready, stops accepting connections, drains operations in
//! progress, cancels calls that wait for the upstream, and closes connections. `serve.rs` performs the final writes.

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

#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Service")]
pub struct ShutdownOptions {
    /// Maximum time for draining operations in progress at a shutdown, after the shutdown delay
    #[arg(long, env = "SENDS_GRACE", value_name = "DURATION", default_value = "5s",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub grace: Duration,

    /// Time between a signal and the close of the listener
    ///
    /// In the meantime /health/ready responds with 503 and other requests are served, so that load balancers divert traffic.
    #[arg(long, env = "SENDS_SHUTDOWN_DELAY", value_name = "DURATION", default_value = "0",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub shutdown_delay: Duration,
}

/// Time for writing the responses of cancelled calls.
const LAST_RESPONSES: Duration = Duration::from_secs(1);

/// Shutdown signals for the components of the service.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Token that is cancelled when the service becomes unready and responses start to announce the close of their connection.
    pub unready: CancellationToken,
    /// Token that is cancelled when the listener must close.
    pub closed: CancellationToken,
}

impl Ending {
    /// Runs all stages. The caller drops the future once nothing is in progress.
    pub async fn run(&self, options: ShutdownOptions, histories: &Histories) {
        self.unready.cancel();
        if !options.shutdown_delay.is_zero() {
            tracing::info!(
                "no longer ready; serving for another {} s",
                options.shutdown_delay.as_secs_f64()
            );
            tokio::time::sleep(options.shutdown_delay).await;
        }
        self.closed.cancel();
        tokio::time::sleep(options.grace).await;
        tracing::warn!("the time for draining is over; calls that wait for Constant Contact are cancelled");
        histories.give_up();
        tokio::time::sleep(LAST_RESPONSES).await;
        tracing::warn!("closing the remaining connections");
    }
}

/// Exits on a signal after [`finish_refresh`], for commands without a graceful shutdown.
pub async fn exit_on_signal(mut signals: Signals) {
    let status = signals.next().await;
    // Commands have no log, and standard error can be closed.
    let warn = |warning: &str| drop(writeln!(io::stderr(), "sends-graphql: {warning}"));
    finish_refresh(&mut signals, warn).await;
    std::process::exit(status);
}

/// Waits until token requests in progress have finished and their tokens are stored.
///
/// Only SIGINT cancels the wait, and only after a second. Supervisors repeat SIGTERM regardless of the consequences, and both the
/// terminal and the shell send SIGHUP. The timeouts of the request and of the disk bound the wait.
pub async fn finish_refresh(signals: &mut Signals, warn: impl FnOnce(&str)) {
    let finished = sends_credentials::finish();
    tokio::pin!(finished);
    if finished.as_mut().now_or_never().is_some() {
        return;
    }
    warn(TOKENS_IN_PROGRESS);
    tokio::select! {
        () = finished => {}
        () = signals.interrupted_after(READING_TIME) => sends_credentials::finish_received().await,
    }
}

const TOKENS_IN_PROGRESS: &str = "a token request is in progress, whose response can contain the only valid refresh token; waiting for \
                                  it (Ctrl-C cancels it, and can require a new login)";

/// Time to read the warning, during which SIGINT is ignored. A single Ctrl-C can also arrive twice, from the terminal and from a
/// parent process.
const READING_TIME: Duration = Duration::from_secs(1);

const INTERRUPTED: i32 = 130;

/// Signals that request a shutdown. While the value exists, the signals do not terminate the process.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` if the process was started with the signal ignored.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    quit: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Listens for SIGINT and SIGTERM. Also listens for SIGHUP and SIGQUIT unless the process ignores them, for example under
    /// `nohup`.
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

    /// Waits for the next signal, and returns its exit status.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => 143,
            () = received(self.hangup.as_mut()) => 129,
            () = received(self.quit.as_mut()) => 131,
        }
    }

    async fn interrupted_after(&mut self, time: Duration) {
        let started = Instant::now();
        loop {
            if self.next().await == INTERRUPTED && started.elapsed() >= time {
                return;
            }
        }
    }
}

#[cfg(unix)]
async fn received(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Signals that were ignored at the start of the process. Only Linux exposes them without unsafe code.
#[cfg(unix)]
static IGNORED_AT_START: LazyLock<IgnoredSignals> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    IgnoredSignals::of(&status)
});

/// Bit set of signals, in which bit 0 is signal 1.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
struct IgnoredSignals(u64);

#[cfg(unix)]
impl IgnoredSignals {
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
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    pub async fn next(&mut self) -> i32 {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("listening for Ctrl-C failed: {error}");
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    }

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
