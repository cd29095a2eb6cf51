//! What is read of a sync's memory.
//!
//! Owns the order of the work, and what it says about gaps in the log. Must not know who writes the rows.

use std::path::Path;

use jiff::Timestamp;
use sends_core::{ActivityId, CampaignId, CampaignStatus, Outcome};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::campaigns::uuid;
use super::read::{Fault, count};
use super::write::{outcome_code, parts};
use crate::{Coverage, Owner, Pending, StoreError, SyncState, SyncWork};

const STATE: &str = "
    SELECT listed_at, reports_read_at, finished_at, paused_until, failed_at, failure
    FROM sync_state WHERE owner = (SELECT id FROM owner WHERE key = ?1)";

pub(super) async fn state(readers: &SqlitePool, file: &Path, owner: Owner) -> Result<SyncState, StoreError> {
    let read = async {
        let row = sqlx::query(STATE)
            .bind(key(owner))
            .fetch_optional(readers)
            .await?;
        row.map_or(Ok(SyncState::default()), |row| {
            Ok(SyncState {
                listed_at: moment(&row, "listed_at")?,
                reports_read_at: moment(&row, "reports_read_at")?,
                finished_at: moment(&row, "finished_at")?,
                paused_until: moment(&row, "paused_until")?,
                failed_at: moment(&row, "failed_at")?,
                failure: row.try_get("failure")?,
            })
        })
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

const WORK: &str = "
    SELECT campaign.campaign AS campaign, missing_from, missing_until
    FROM sync_work AS work JOIN campaign ON campaign.id = work.campaign
    WHERE work.owner = (SELECT id FROM owner WHERE key = ?1)
    ORDER BY missing_until DESC, work.campaign DESC LIMIT ?2";

pub(super) async fn next_work(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    limit: usize,
) -> Result<Vec<SyncWork>, StoreError> {
    let read = async {
        let query = sqlx::query(WORK).bind(key(owner)).bind(limit_of(limit));
        query
            .fetch_all(readers)
            .await?
            .iter()
            .map(work)
            .collect::<Result<Vec<_>, _>>()
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

fn work(row: &SqliteRow) -> Result<SyncWork, Fault> {
    Ok(SyncWork {
        campaign: CampaignId::from_bytes(uuid(row.try_get("campaign")?)?),
        missing_from: moment(row, "missing_from")?,
        missing_until: moment(row, "missing_until")?.ok_or(Fault::Row("work without a time"))?,
    })
}

const PENDING: &str = "
    SELECT count(*) FILTER (WHERE missing_from IS NULL) AS unread,
           count(*) FILTER (WHERE missing_from IS NOT NULL) AS changed,
           (SELECT count(*) FROM sync_work JOIN campaign_activity USING (campaign)
            WHERE sync_work.owner = work.owner AND role IS NOT 'permalink') AS activities
    FROM sync_work AS work WHERE owner = (SELECT id FROM owner WHERE key = ?1)";

pub(super) async fn pending(readers: &SqlitePool, file: &Path, owner: Owner) -> Result<Pending, StoreError> {
    let read = async {
        let row = sqlx::query(PENDING).bind(key(owner)).fetch_one(readers).await?;
        Ok(Pending {
            unread_campaigns: count(row.try_get("unread")?),
            changed_campaigns: count(row.try_get("changed")?),
            known_activities: count(row.try_get::<Option<i64>, _>("activities")?.unwrap_or(0)),
        })
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

/// What was never read reaches back without a gap from where the newest of it may be; what has changed leaves a gap from
/// where it did.
const COVERAGE: &str = "
    SELECT listed_at,
           (SELECT max(missing_until) FROM sync_work WHERE owner = state.owner AND missing_from IS NULL) AS since,
           (SELECT min(missing_from) FROM sync_work WHERE owner = state.owner) AS until
    FROM sync_state AS state WHERE owner = (SELECT id FROM owner WHERE key = ?1) AND listed_at IS NOT NULL";

pub(super) async fn coverage(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
) -> Result<Coverage, StoreError> {
    let read = async {
        let Some(row) = sqlx::query(COVERAGE)
            .bind(key(owner))
            .fetch_optional(readers)
            .await?
        else {
            return Ok(Coverage::Nothing);
        };
        let since = moment(&row, "since")?;
        let until = [moment(&row, "listed_at")?, moment(&row, "until")?]
            .into_iter()
            .flatten()
            .min();
        Ok(match until {
            Some(until) if since.is_none_or(|since| since < until) => Coverage::Between { since, until },
            _ => Coverage::Nothing,
        })
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

const UNSETTLED: &str = "
    SELECT kept.activity FROM activity_history AS kept
    WHERE kept.owner = (SELECT id FROM owner WHERE key = ?1)
      AND (kept.fetched_at, kept.fetched_at_nanos) < (?2, ?3)
      AND kept.sends IS NOT NULL
      AND kept.id IN (
        SELECT history FROM send INDEXED BY send_by_date
        WHERE owner = (SELECT id FROM owner WHERE key = ?1) AND (run_date, run_date_nanos) >= (?4, ?5)
        UNION
        SELECT history FROM send INDEXED BY send_by_date
        WHERE owner = (SELECT id FROM owner WHERE key = ?1) AND outcome = ?6
        UNION
        SELECT executing.id FROM campaign
        JOIN campaign_activity AS known ON known.campaign = campaign.id
        JOIN activity_history AS executing ON executing.owner = known.owner AND executing.activity = known.activity
        WHERE campaign.owner = (SELECT id FROM owner WHERE key = ?1) AND campaign.status = ?7 AND is_gone = 0)
      AND NOT EXISTS (SELECT 1 FROM unreadable WHERE owner = kept.owner AND kind = 2 AND subject = kept.activity)
    ORDER BY kept.fetched_at, kept.fetched_at_nanos, kept.activity";

pub(super) async fn unsettled(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    ran_since: Timestamp,
    fetched_before: Timestamp,
) -> Result<Vec<ActivityId>, StoreError> {
    let read = async {
        let (fetched, fetched_nanos) = parts(fetched_before);
        let (ran, ran_nanos) = parts(ran_since);
        let query = sqlx::query_scalar(UNSETTLED)
            .bind(key(owner))
            .bind(fetched)
            .bind(fetched_nanos)
            .bind(ran)
            .bind(ran_nanos)
            .bind(outcome_code(Outcome::Staged))
            .bind(CampaignStatus::Executing.as_str());
        let ids: Vec<Vec<u8>> = query.fetch_all(readers).await?;
        ids.iter()
            .map(|id| Ok(ActivityId::from_bytes(uuid(id)?)))
            .collect::<Result<Vec<_>, _>>()
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

pub(super) fn key(owner: Owner) -> Vec<u8> {
    owner.as_bytes().to_vec()
}

pub(super) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A moment that is kept to the millisecond.
pub(super) fn moment(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, Fault> {
    let millisecond: Option<i64> = row.try_get(column)?;
    let moment = millisecond.map(Timestamp::from_millisecond).transpose();
    moment.map_err(|_| Fault::Row("a time is out of range"))
}
