//! Queries for the synchronisation state.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use sends_core::{ActivityId, CampaignId, CampaignStatus, Outcome};

use super::fault::Fault;
use super::read::{count, moment};
use super::write::{outcome_code, parts};
use crate::{Coverage, Owner, Pending, SyncState, SyncWork, UNCONFIRMED_REMOVAL};

const STATE: &str = "
    SELECT listed_at, reports_read_at, changes_until, sends_until, finished_at, paused_until, failed_at, failure
    FROM sync_state WHERE owner = (SELECT id FROM owner WHERE key = ?1)";

pub(super) fn state(connection: &Connection, owner: Owner) -> Result<SyncState, Fault> {
    let mut statement = connection.prepare_cached(STATE)?;
    let mut rows = statement.query([owner.as_bytes()])?;
    rows.next()?.map_or(Ok(SyncState::default()), |row| {
        Ok(SyncState {
            listed_at: moment(row, "listed_at")?,
            reports_read_at: moment(row, "reports_read_at")?,
            changes_until: moment(row, "changes_until")?,
            sends_until: moment(row, "sends_until")?,
            finished_at: moment(row, "finished_at")?,
            paused_until: moment(row, "paused_until")?,
            failed_at: moment(row, "failed_at")?,
            failure: row.get("failure")?,
        })
    })
}

const WORK: &str = "
    SELECT campaign.campaign AS campaign, missing_from, missing_until
    FROM sync_work AS work JOIN campaign ON campaign.id = work.campaign
    WHERE work.owner = (SELECT id FROM owner WHERE key = ?1)
    ORDER BY missing_until DESC, work.campaign DESC LIMIT ?2";

pub(super) fn next_work(connection: &Connection, owner: Owner, limit: usize) -> Result<Vec<SyncWork>, Fault> {
    let mut statement = connection.prepare_cached(WORK)?;
    statement
        .query_and_then((owner.as_bytes(), limit_of(limit)), work)?
        .collect()
}

fn work(row: &Row<'_>) -> Result<SyncWork, Fault> {
    Ok(SyncWork {
        campaign: CampaignId::from_bytes(row.get("campaign")?),
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

pub(super) fn pending(connection: &Connection, owner: Owner) -> Result<Pending, Fault> {
    let mut statement = connection.prepare_cached(PENDING)?;
    let pending = statement.query_one([owner.as_bytes()], |row| {
        Ok(Pending {
            unread_campaigns: count(row.get("unread")?),
            changed_campaigns: count(row.get("changed")?),
            known_activities: count(row.get::<_, Option<i64>>("activities")?.unwrap_or(0)),
        })
    });
    Ok(pending?)
}

/// Campaigns that were never read leave a gap from the beginning to their latest possible send. Changed campaigns leave a gap
/// from their last read.
const COVERAGE: &str = "
    SELECT listed_at,
           (SELECT max(missing_until) FROM sync_work WHERE owner = state.owner AND missing_from IS NULL) AS since,
           (SELECT min(missing_from) FROM sync_work WHERE owner = state.owner) AS until
    FROM sync_state AS state WHERE owner = (SELECT id FROM owner WHERE key = ?1) AND listed_at IS NOT NULL";

pub(super) fn coverage(connection: &Connection, owner: Owner) -> Result<Coverage, Fault> {
    let mut statement = connection.prepare_cached(COVERAGE)?;
    let mut rows = statement.query([owner.as_bytes()])?;
    let Some(row) = rows.next()? else {
        return Ok(Coverage::Nothing);
    };
    let since = moment(row, "since")?;
    let until = [moment(row, "listed_at")?, moment(row, "until")?]
        .into_iter()
        .flatten()
        .min();
    Ok(match until {
        Some(until) if since.is_none_or(|since| since < until) => Coverage::Between { since, until },
        _ => Coverage::Nothing,
    })
}

const UNSETTLED: &str = "
    SELECT kept.activity FROM activity_history AS kept
    WHERE kept.owner = (SELECT id FROM owner WHERE key = ?1)
      AND ((kept.fetched_at, kept.fetched_at_nanos) < (?2, ?3) OR (kept.fetched_at, kept.fetched_at_nanos) > (?8, ?9))
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
      -- A partial read counts as an attempt at the time of its fetch.
      AND NOT EXISTS (
        SELECT 1 FROM unreadable
        WHERE owner = kept.owner AND kind = 2 AND subject = kept.activity
          AND (tried_at > 1000 * kept.fetched_at + kept.fetched_at_nanos / 1000000 OR reason = ?10))
    ORDER BY kept.fetched_at, kept.fetched_at_nanos, kept.activity";

pub(super) fn unsettled(
    connection: &Connection,
    owner: Owner,
    ran_since: Timestamp,
    fetched_before: Timestamp,
    now: Timestamp,
) -> Result<Vec<ActivityId>, Fault> {
    let (fetched, fetched_nanos) = parts(fetched_before);
    let (now, now_nanos) = parts(now);
    let (ran, ran_nanos) = parts(ran_since);
    let mut statement = connection.prepare_cached(UNSETTLED)?;
    let found = statement.query_and_then(
        params![
            owner.as_bytes(),
            fetched,
            fetched_nanos,
            ran,
            ran_nanos,
            outcome_code(Outcome::Staged),
            CampaignStatus::Executing.as_str(),
            now,
            now_nanos,
            UNCONFIRMED_REMOVAL,
        ],
        |row| Ok(ActivityId::from_bytes(row.get(0)?)),
    )?;
    found.collect()
}

pub(super) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
