//! What is read of campaigns.
//!
//! Owns how rows become campaigns and their activities. Must not know who writes the rows.

use std::collections::HashMap;
use std::path::Path;

use sends_core::{ActivityId, ActivityRole, Campaign, CampaignId, CampaignStatus};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, SqlitePool, ValueRef};

use super::read::{Fault, optional_timestamp};
use super::sync::moment;
use crate::{KnownActivity, KnownCampaign, Owner, StoreError};

/// The campaign of a row with the columns of one, or `None` where they are all missing.
pub(super) fn campaign(row: &SqliteRow) -> Result<Option<Campaign>, Fault> {
    if row.try_get_raw("campaign")?.is_null() {
        return Ok(None);
    }
    Ok(Some(Campaign {
        id: CampaignId::from_bytes(uuid(row.try_get("campaign")?)?),
        name: row.try_get("name")?,
        status: row
            .try_get::<Option<&str>, _>("campaign_status")?
            .map(CampaignStatus::from),
        campaign_type: row.try_get("type")?,
        type_code: row.try_get("type_code")?,
        created_at: optional_timestamp(row, "created_at", "created_at_nanos")?,
        updated_at: optional_timestamp(row, "updated_at", "updated_at_nanos")?,
    }))
}

/// An id of 16 bytes.
pub(super) fn uuid(bytes: &[u8]) -> Result<[u8; 16], Fault> {
    bytes
        .try_into()
        .map_err(|_| Fault::Row("an id of another length than 16 bytes"))
}

const CAMPAIGN: &str = "
    SELECT campaign.id AS number, campaign.campaign AS campaign, name, campaign.status AS campaign_status, type, type_code,
           created_at, created_at_nanos, updated_at, updated_at_nanos, last_sent_at, last_sent_at_nanos, is_gone,
           known.activity AS activity, role, fetched_at, fetched_at_nanos,
           (SELECT run_date FROM send WHERE history = kept.id ORDER BY run_date DESC, run_date_nanos DESC LIMIT 1)
               AS last_run,
           (SELECT run_date_nanos FROM send WHERE history = kept.id ORDER BY run_date DESC, run_date_nanos DESC LIMIT 1)
               AS last_run_nanos,
           failed.since AS failing_since, failed_history.since AS history_failing_since
    FROM campaign
    LEFT JOIN campaign_activity AS known ON known.campaign = campaign.id
    LEFT JOIN activity_history AS kept ON kept.owner = known.owner AND kept.activity = known.activity
    LEFT JOIN unreadable AS failed
        ON failed.owner = campaign.owner AND failed.kind = 1 AND failed.subject = campaign.campaign
    LEFT JOIN unreadable AS failed_history
        ON failed_history.owner = known.owner AND failed_history.kind = 2 AND failed_history.subject = known.activity
    WHERE campaign.owner = (SELECT id FROM owner WHERE key = ";

pub(super) async fn campaigns(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    campaigns: &[CampaignId],
) -> Result<Vec<Option<KnownCampaign>>, StoreError> {
    let read = async {
        let mut found: HashMap<CampaignId, KnownCampaign> = HashMap::new();
        for some in campaigns.chunks(500) {
            let mut sql = QueryBuilder::new(CAMPAIGN);
            sql.push_bind(owner.as_bytes().to_vec());
            sql.push(") AND campaign.campaign IN (");
            let mut items = sql.separated(", ");
            for id in some {
                items.push_bind(id.as_bytes().to_vec());
            }
            sql.push(") ORDER BY known.activity");
            for row in sql.build().fetch_all(readers).await? {
                let campaign = campaign(&row)?.ok_or(Fault::Row("a campaign without an id"))?;
                let last_sent_at = optional_timestamp(&row, "last_sent_at", "last_sent_at_nanos")?;
                let is_gone = row.try_get("is_gone")?;
                let failing_since = moment(&row, "failing_since")?;
                let known = found.entry(campaign.id).or_insert(KnownCampaign {
                    campaign,
                    last_sent_at,
                    is_gone,
                    failing_since,
                    activities: Vec::new(),
                });
                known.activities.extend(activity(&row)?);
            }
        }
        Ok(campaigns.iter().map(|id| found.get(id).cloned()).collect())
    };
    read.await.map_err(|fault: Fault| fault.at(file))
}

fn activity(row: &SqliteRow) -> Result<Option<KnownActivity>, Fault> {
    let Some(id) = row.try_get::<Option<&[u8]>, _>("activity")? else {
        return Ok(None);
    };
    Ok(Some(KnownActivity {
        id: ActivityId::from_bytes(uuid(id)?),
        role: row.try_get::<Option<&str>, _>("role")?.map(ActivityRole::from),
        fetched_at: optional_timestamp(row, "fetched_at", "fetched_at_nanos")?,
        last_run_date: optional_timestamp(row, "last_run", "last_run_nanos")?,
        failing_since: moment(row, "history_failing_since")?,
    }))
}
