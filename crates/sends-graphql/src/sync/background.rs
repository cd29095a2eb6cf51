//! Synchronising again and again while the service runs.

use std::time::Duration;

use jiff::Timestamp;
use sends_store::{LogFilter, StoreError};
use sends_sync::{Ended, Report};

use super::Synchroniser;

/// After midnight the upstream may need a moment until it has noticed: its clock is another one.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(30);

/// Keeps the log in step until the synchroniser is told to stop: once at the beginning, and then `every` so often, or when
/// the next day's calls are there. Where another process has the lease, that one does it instead.
pub async fn keep_in_step(synchroniser: Synchroniser, every: Duration) {
    let stop = synchroniser.stop.clone();
    while !stop.is_cancelled() {
        let pause = match run_once(&synchroniser).await {
            Some(Ended::DayUsedUp { until }) => {
                let now = synchroniser.clock.now();
                every.max(until_then(until, now).saturating_add(AFTER_MIDNIGHT))
            }
            _ => every,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Fills the log of the embedded sandbox, which begins empty with each start, and says what is in it.
pub async fn fill_of_sandbox(synchroniser: &Synchroniser) {
    let synchronisation = synchroniser.synchronisation();
    let filled = async {
        let report = synchronisation.run().await?;
        let filter = LogFilter::default();
        let sends = synchroniser
            .log
            .sends
            .count(synchronisation.owner, &filter)
            .await?;
        Ok::<_, StoreError>((report, sends))
    };
    match filled.await {
        Ok((report, sends)) if report.ended == Ended::Complete && report.unreadable == 0 => {
            tracing::info!(
                calls = report.calls,
                "send log of the sandbox: {} campaigns, {sends} sends, complete",
                report.read
            );
        }
        Ok((report, _)) => tell(&report),
        Err(error) => tracing::warn!("the send log of the sandbox is not filled: {error}"),
    }
}

async fn run_once(synchroniser: &Synchroniser) -> Option<Ended> {
    let _lease = match synchroniser.lease() {
        Ok(Some(lease)) => lease,
        Ok(None) => {
            tracing::debug!("another process keeps the log of sends in step");
            return None;
        }
        Err(error) => {
            tracing::warn!("the log of sends is not kept in step: {error}");
            return None;
        }
    };
    match synchroniser.synchronisation().run().await {
        Ok(report) => {
            tell(&report);
            Some(report.ended)
        }
        Err(error) => {
            tracing::warn!("the log of sends is not kept in step: {error}");
            None
        }
    }
}

fn tell(report: &Report) {
    let Report {
        ended,
        pending,
        unreadable,
        read,
        calls,
    } = report;
    if *unreadable > 0 {
        tracing::warn!(
            unreadable,
            "the log of sends goes without what cannot be read; `syncState` names it"
        );
    }
    let left = pending.unread_campaigns + pending.changed_campaigns;
    match ended {
        Ended::Complete => {
            tracing::info!(campaigns = read, calls, "the log of sends is complete");
        }
        Ended::Stopped => {}
        Ended::DayUsedUp { until } => tracing::info!(
            campaigns = read,
            calls,
            left,
            "the log of sends goes on at {until:.0}, when there are calls for it again"
        ),
        Ended::Failed { reason, .. } => {
            tracing::warn!(
                campaigns = read,
                calls,
                left,
                "the log of sends is behind: {reason}"
            );
        }
    }
}

fn until_then(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}
