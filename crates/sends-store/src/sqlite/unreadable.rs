//! Queries for failed reads.

use jiff::Timestamp;
use rusqlite::{Connection, Row};
use sends_core::{ActivityId, CampaignId};

use super::campaigns::campaign;
use super::fault::Fault;
use super::read::{count as unsigned, moment};
use super::sync::limit_of;
use crate::{Owner, Subject, Unreadable};

const UNREADABLE: &str = "
    SELECT kind, subject, missing_from, missing_until, since, tried_at, attempts, records, reason,
           EXISTS (SELECT 1 FROM sync_work WHERE owner = failed.owner AND campaign = campaign.id) AS is_queued,
           campaign.campaign AS campaign, name, campaign.status AS campaign_status,
           campaign.status_spelling AS campaign_status_spelling, type, type_code,
           created_at, created_at_nanos, updated_at, updated_at_nanos
    FROM unreadable AS failed
    LEFT JOIN campaign_activity AS known
        ON failed.kind = 2 AND known.owner = failed.owner AND known.activity = failed.subject
    LEFT JOIN campaign ON campaign.id = iif(
        failed.kind = 1,
        (SELECT id FROM campaign AS own WHERE own.owner = failed.owner AND own.campaign = failed.subject),
        known.campaign)
    WHERE failed.owner = (SELECT id FROM owner WHERE key = ?1)
    ORDER BY missing_until DESC, subject LIMIT ?2";

pub(super) fn unreadable(
    connection: &Connection,
    owner: Owner,
    limit: usize,
) -> Result<Vec<Unreadable>, Fault> {
    let mut statement = connection.prepare_cached(UNREADABLE)?;
    statement
        .query_and_then((owner.as_bytes(), limit_of(limit)), one)?
        .collect()
}

/// Stored times have a precision of milliseconds, so the bounds are rounded outwards.
const COUNT: &str = "
    SELECT count(*) FROM unreadable
    WHERE owner = (SELECT id FROM owner WHERE key = ?1)
      AND (?2 IS NULL OR missing_until >= ?2)
      AND (?3 IS NULL OR missing_from IS NULL OR missing_from < ?3)";

pub(super) fn count(
    connection: &Connection,
    owner: Owner,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<u64, Fault> {
    let from = from.map(Timestamp::as_millisecond);
    let until = until.map(|until| until.as_millisecond().saturating_add(1));
    let mut statement = connection.prepare_cached(COUNT)?;
    Ok(statement.query_one((owner.as_bytes(), from, until), |row| row.get(0).map(unsigned))?)
}

fn one(row: &Row<'_>) -> Result<Unreadable, Fault> {
    let at = |column| moment(row, column)?.ok_or(Fault::Row("a failed read without a time"));
    Ok(Unreadable {
        // The kinds are listed in `schema.sql`.
        subject: match row.get("kind")? {
            1_i64 => Subject::Campaign(CampaignId::from_bytes(row.get("subject")?)),
            2 => Subject::History(ActivityId::from_bytes(row.get("subject")?)),
            3 => Subject::Campaigns,
            _ => Subject::Summaries,
        },
        campaign: campaign(row)?,
        missing_from: moment(row, "missing_from")?,
        missing_until: at("missing_until")?,
        since: at("since")?,
        tried_at: at("tried_at")?,
        attempts: row.get("attempts")?,
        records: unsigned(row.get("records")?),
        reason: row.get("reason")?,
        is_queued: row.get("is_queued")?,
    })
}
