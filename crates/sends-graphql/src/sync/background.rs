//! Periodic synchronisation while the service runs.

use std::time::Duration;

use jiff::Timestamp;
use sends_store::{LogFilter, StoreError};
use sends_sync::{Ended, Report};

use super::Synchroniser;

/// Delay after midnight, since the upstream's clock can lag behind.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(30);

/// Synchronises immediately and then periodically, until the synchroniser is stopped. Pauses until the next UTC day once the
/// daily limit is reached, and does nothing while another process has the lease.
pub async fn synchronise_periodically(synchroniser: Synchroniser, every: Duration) {
    let stop = synchroniser.stop.clone();
    while !stop.is_cancelled() {
        let pause = match run_once(&synchroniser).await {
            Some(Ended::DayUsedUp { until }) => {
                let now = synchroniser.clock.now();
                every.max(duration_until(until, now).saturating_add(AFTER_MIDNIGHT))
            }
            _ => every,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Synchronises the log of the embedded sandbox, which is empty at each start, and logs the result.
pub async fn fill_sandbox_log(synchroniser: &Synchroniser) {
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
        Ok((report, _)) => log_report(&report),
        Err(error) => tracing::warn!("synchronising the send log of the sandbox failed: {error}"),
    }
}

async fn run_once(synchroniser: &Synchroniser) -> Option<Ended> {
    let _lease = match synchroniser.lease() {
        Ok(Some(lease)) => lease,
        Ok(None) => {
            tracing::debug!("another process synchronises the log of sends");
            return None;
        }
        Err(error) => {
            tracing::warn!("synchronising the log of sends failed: {error}");
            return None;
        }
    };
    match synchroniser.synchronisation().run().await {
        Ok(report) => {
            log_report(&report);
            Some(report.ended)
        }
        Err(error) => {
            tracing::warn!("synchronising the log of sends failed: {error}");
            None
        }
    }
}

fn log_report(report: &Report) {
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
            "the log of sends is missing unreadable resources; `syncState` lists them"
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
            "synchronisation of the log pauses until {until:.0}, since the daily limit is reached"
        ),
        Ended::Failed { reason, .. } => {
            tracing::warn!(
                campaigns = read,
                calls,
                left,
                "the log of sends is incomplete: {reason}"
            );
        }
    }
}

fn duration_until(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}
