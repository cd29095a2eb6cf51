//! What is read of what cannot be read from the upstream.
//!
//! Owns how much of it matters to a stretch of the log. Must not know who writes the rows.

use std::path::Path;

use jiff::Timestamp;
use sends_core::{ActivityId, CampaignId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::campaigns::{campaign, uuid};
use super::read::{Fault, count as unsigned};
use super::sync::{key, limit_of, moment};
use crate::{Owner, StoreError, Subject, Unreadable};

const UNREADABLE: &str = "
    SELECT kind, subject, missing_from, missing_until, since, tried_at, reason,
           EXISTS (SELECT 1 FROM sync_work WHERE owner = failed.owner AND campaign = campaign.id) AS is_queued,
           campaign.campaign AS campaign, name, campaign.status AS campaign_status, type, type_code,
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

pub(super) async fn unreadable(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    limit: usize,
) -> Result<Vec<Unreadable>, StoreError> {
    let read = async {
        let query = sqlx::query(UNREADABLE).bind(key(owner)).bind(limit_of(limit));
        let rows = query.fetch_all(readers).await?;
        rows.iter().map(one).collect::<Result<Vec<_>, _>>()
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

/// What is missing at a moment belongs to the millisecond that begins before it.
const COUNT: &str = "
    SELECT count(*) FROM unreadable
    WHERE owner = (SELECT id FROM owner WHERE key = ?1)
      AND (?2 IS NULL OR missing_until >= ?2)
      AND (?3 IS NULL OR missing_from IS NULL OR missing_from < ?3)";

pub(super) async fn count(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<u64, StoreError> {
    let query = sqlx::query_scalar(COUNT)
        .bind(key(owner))
        .bind(from.map(Timestamp::as_millisecond))
        .bind(until.map(|until| until.as_millisecond().saturating_add(1)));
    let counted = query.fetch_one(readers).await;
    counted
        .map(unsigned)
        .map_err(|error| StoreError::from_sqlx(file, &error))
}

fn one(row: &SqliteRow) -> Result<Unreadable, Fault> {
    let id = uuid(row.try_get("subject")?)?;
    let at = |column| moment(row, column)?.ok_or(Fault::Row("a failed reading without a time"));
    Ok(Unreadable {
        subject: match row.try_get("kind")? {
            1_i64 => Subject::Campaign(CampaignId::from_bytes(id)),
            _ => Subject::History(ActivityId::from_bytes(id)),
        },
        campaign: campaign(row)?,
        missing_from: moment(row, "missing_from")?,
        missing_until: at("missing_until")?,
        since: at("since")?,
        tried_at: at("tried_at")?,
        reason: row.try_get("reason")?,
        is_queued: row.try_get("is_queued")?,
    })
}
