//! Queries for campaigns and claims.

use std::collections::HashMap;

use rusqlite::{Connection, Row};
use sends_core::{ActivityId, Campaign, CampaignId};

use super::fault::Fault;
use super::read::{count, moment, optional_timestamp, verbatim};
use super::statement::Statement;
use crate::{Claim, KnownActivity, KnownCampaign, Owner};

pub(super) fn campaign(row: &Row<'_>) -> Result<Option<Campaign>, Fault> {
    let Some(id) = row.get("campaign")? else {
        return Ok(None);
    };
    Ok(Some(Campaign {
        id: CampaignId::from_bytes(id),
        name: row.get("name")?,
        status: verbatim(row, "campaign_status", "campaign_status_spelling")?,
        campaign_type: row.get("type")?,
        type_code: row.get("type_code")?,
        created_at: optional_timestamp(row, "created_at", "created_at_nanos")?,
        updated_at: optional_timestamp(row, "updated_at", "updated_at_nanos")?,
    }))
}

const CAMPAIGN: &str = "
    SELECT campaign.id AS number, campaign.campaign AS campaign, name, campaign.status AS campaign_status,
           campaign.status_spelling AS campaign_status_spelling, type, type_code,
           created_at, created_at_nanos, updated_at, updated_at_nanos, last_sent_at, last_sent_at_nanos, is_gone,
           known.activity AS activity, role, role_spelling, fetched_at, fetched_at_nanos, kept.sends AS send_count,
           (SELECT run_date FROM send WHERE history = kept.id ORDER BY run_date DESC, run_date_nanos DESC LIMIT 1)
               AS last_run,
           (SELECT run_date_nanos FROM send WHERE history = kept.id ORDER BY run_date DESC, run_date_nanos DESC LIMIT 1)
               AS last_run_nanos,
           EXISTS (SELECT 1 FROM sync_work WHERE owner = campaign.owner AND campaign = campaign.id) AS is_queued,
           failed.since AS failing_since, failed_history.since AS history_failing_since
    FROM campaign
    LEFT JOIN campaign_activity AS known ON known.campaign = campaign.id
    LEFT JOIN activity_history AS kept ON kept.owner = known.owner AND kept.activity = known.activity
    LEFT JOIN unreadable AS failed
        ON failed.owner = campaign.owner AND failed.kind = 1 AND failed.subject = campaign.campaign
    LEFT JOIN unreadable AS failed_history
        ON failed_history.owner = known.owner AND failed_history.kind = 2 AND failed_history.subject = known.activity
    WHERE campaign.owner = (SELECT id FROM owner WHERE key = ";

const IDS_PER_STATEMENT: usize = 500;

pub(super) fn campaigns(
    connection: &Connection,
    owner: Owner,
    campaigns: &[CampaignId],
) -> Result<Vec<Option<KnownCampaign>>, Fault> {
    let mut found: HashMap<CampaignId, KnownCampaign> = HashMap::new();
    for some in campaigns.chunks(IDS_PER_STATEMENT) {
        let mut sql = Statement::new(CAMPAIGN);
        sql.push_bind(owner.as_bytes().to_vec());
        let ids = some.iter().map(|id| id.as_bytes().to_vec());
        sql.push_in(") AND campaign.campaign IN (", ids);
        sql.push(" ORDER BY known.activity");
        sql.read(connection, |row| add(&mut found, row))?;
    }
    Ok(campaigns.iter().map(|id| found.get(id).cloned()).collect())
}

const WITH_ACTIVITIES: &str = "
    SELECT campaign FROM campaign
    WHERE owner = (SELECT id FROM owner WHERE key = ?1) AND is_gone = 0 AND status IS NOT 'REMOVED'
      AND EXISTS (SELECT 1 FROM campaign_activity AS known WHERE known.campaign = campaign.id)";

pub(super) fn with_activities(connection: &Connection, owner: Owner) -> Result<Vec<CampaignId>, Fault> {
    let mut statement = connection.prepare_cached(WITH_ACTIVITIES)?;
    let ids = statement.query_map([owner.as_bytes()], |row| row.get(0).map(CampaignId::from_bytes))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

const OF_ACTIVITY: &str = "known.activity = ?3 AND own.campaign <> ?2";

const OF_CAMPAIGN: &str = "
    claimed_by IS NOT NULL AND (claimed_by = (SELECT id FROM campaign WHERE owner = known.owner AND campaign = ?2)
                                OR own.campaign = ?2 AND ?3 IS NULL)";

pub(super) fn claims(
    connection: &Connection,
    owner: Owner,
    campaign: CampaignId,
    activities: &[ActivityId],
) -> Result<Vec<Claim>, Fault> {
    let mut found = Vec::new();
    let activities = activities
        .iter()
        .map(|activity| (OF_ACTIVITY, Some(activity.as_bytes())));
    for (condition, activity) in activities.chain([(OF_CAMPAIGN, None)]) {
        let sql = format!(
            "SELECT known.activity, own.campaign, is_listed, claimer.campaign FROM campaign_activity AS known
             JOIN campaign AS own ON own.id = known.campaign LEFT JOIN campaign AS claimer ON claimer.id = claimed_by
             WHERE known.owner = (SELECT id FROM owner WHERE key = ?1) AND {condition}"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_and_then(
            (owner.as_bytes(), campaign.as_bytes(), activity),
            |row| -> Result<Claim, Fault> {
                Ok(Claim {
                    activity: ActivityId::from_bytes(row.get(0)?),
                    campaign: CampaignId::from_bytes(row.get(1)?),
                    is_listed: row.get(2)?,
                    claimed_by: row.get::<_, Option<_>>(3)?.map(CampaignId::from_bytes),
                })
            },
        )?;
        for claim in rows {
            found.push(claim?);
        }
    }
    Ok(found)
}

fn add(found: &mut HashMap<CampaignId, KnownCampaign>, row: &Row<'_>) -> Result<(), Fault> {
    let campaign = campaign(row)?.ok_or(Fault::Row("a campaign without an id"))?;
    let last_sent_at = optional_timestamp(row, "last_sent_at", "last_sent_at_nanos")?;
    let is_gone = row.get("is_gone")?;
    let failing_since = moment(row, "failing_since")?;
    let is_queued = row.get("is_queued")?;
    let known = found.entry(campaign.id).or_insert(KnownCampaign {
        campaign,
        last_sent_at,
        is_gone,
        failing_since,
        is_queued,
        activities: Vec::new(),
    });
    known.activities.extend(activity(row)?);
    Ok(())
}

fn activity(row: &Row<'_>) -> Result<Option<KnownActivity>, Fault> {
    let Some(id) = row.get("activity")? else {
        return Ok(None);
    };
    Ok(Some(KnownActivity {
        id: ActivityId::from_bytes(id),
        role: verbatim(row, "role", "role_spelling")?,
        fetched_at: optional_timestamp(row, "fetched_at", "fetched_at_nanos")?,
        send_count: row.get::<_, Option<i64>>("send_count")?.map(count),
        last_run_date: optional_timestamp(row, "last_run", "last_run_nanos")?,
        failing_since: moment(row, "history_failing_since")?,
    }))
}
