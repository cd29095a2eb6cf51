//! What is written of campaigns, their activities, and a sync's memory.
//!
//! Owns that the sends of the log know their campaign. Must not know of transactions: each function is a part of one.

use sends_core::{ActivityReference, ActivityRole, Campaign, CampaignId, CampaignStatus};
use sqlx::{Error, SqliteConnection};

use super::moments::{rounded_down, stretch};
use super::owners::owner_number;
use super::{parts, unreadable};
use crate::log::folded;
use crate::{Listing, Owner, Subject, SyncState, SyncWork};

const KEEP: &str = "
    INSERT INTO campaign (owner, campaign, name, folded_name, status, type, type_code,
                          created_at, created_at_nanos, updated_at, updated_at_nanos)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (owner, campaign) DO UPDATE
    SET name = excluded.name, folded_name = excluded.folded_name, status = excluded.status, type = excluded.type,
        type_code = excluded.type_code, created_at = excluded.created_at, created_at_nanos = excluded.created_at_nanos,
        updated_at = excluded.updated_at, updated_at_nanos = excluded.updated_at_nanos, is_gone = 0
    RETURNING id";

/// A campaign of which only the id is known.
const MENTION: &str =
    "INSERT INTO campaign (owner, campaign) VALUES (?1, ?2) ON CONFLICT (owner, campaign) DO NOTHING";

const KEEP_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = ?3, last_sent_at_nanos = ?4 WHERE owner = ?1 AND campaign = ?2";

const ADD_WORK: &str = "
    INSERT INTO sync_work (owner, campaign, missing_from, missing_until)
    SELECT owner, id, ?3, ?4 FROM campaign WHERE owner = ?1 AND campaign = ?2
    ON CONFLICT (owner, campaign) DO UPDATE
    -- With NULL, which reaches back to the beginning, the lesser one is NULL.
    SET missing_from = min(missing_from, excluded.missing_from),
        missing_until = max(missing_until, excluded.missing_until)";

pub(super) async fn keep_listing(
    connection: &mut SqliteConnection,
    owner: Owner,
    listing: &Listing,
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    for campaign in &listing.campaigns {
        keep_campaign(connection, number, campaign).await?;
    }
    for (id, last_sent) in &listing.last_sent {
        mention(connection, number, *id).await?;
        let (second, nanosecond) = parts(*last_sent);
        let keep = sqlx::query(KEEP_LAST_SENT)
            .bind(number)
            .bind(id.as_bytes().as_slice());
        keep.bind(second)
            .bind(nanosecond)
            .execute(&mut *connection)
            .await?;
    }
    for work in &listing.work {
        mention(connection, number, work.campaign).await?;
        let (from, until) = stretch(work.missing_from, work.missing_until);
        let add = sqlx::query(ADD_WORK)
            .bind(number)
            .bind(work.campaign.as_bytes().as_slice());
        add.bind(from).bind(until).execute(&mut *connection).await?;
    }
    match &listing.state {
        Some(state) => keep_state_of(connection, number, state).await,
        None => Ok(()),
    }
}

const TAKE_ACTIVITY: &str = "
    INSERT INTO campaign_activity (owner, activity, campaign, role) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (owner, activity) DO UPDATE SET campaign = excluded.campaign, role = excluded.role";

const NAME_CAMPAIGN: &str = "
    UPDATE send SET campaign = ?3
    WHERE history = (SELECT id FROM activity_history WHERE owner = ?1 AND activity = ?2) AND campaign IS NOT ?3";

const ACTIVITIES: &str = "SELECT activity FROM campaign_activity WHERE campaign = ?1";

pub(super) async fn keep_activities(
    connection: &mut SqliteConnection,
    owner: Owner,
    campaign: &Campaign,
    activities: &[ActivityReference],
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    unreadable::clear(connection, number, Subject::Campaign(campaign.id)).await?;
    let campaign = keep_campaign(connection, number, campaign).await?;
    let known: Vec<Vec<u8>> = sqlx::query_scalar(ACTIVITIES)
        .bind(campaign)
        .fetch_all(&mut *connection)
        .await?;
    for id in known {
        if activities
            .iter()
            .all(|activity| activity.id.as_bytes().as_slice() != id)
        {
            drop_activity(connection, number, &id).await?;
        }
    }
    for activity in activities {
        let id = activity.id.as_bytes().as_slice();
        let role = activity.role.as_ref().map(ActivityRole::as_str);
        let take = sqlx::query(TAKE_ACTIVITY).bind(number).bind(id).bind(campaign);
        take.bind(role).execute(&mut *connection).await?;
        let name = sqlx::query(NAME_CAMPAIGN).bind(number).bind(id).bind(campaign);
        name.execute(&mut *connection).await?;
    }
    Ok(())
}

const GONE: &str = "UPDATE campaign SET is_gone = 1 WHERE owner = ?1 AND campaign = ?2 RETURNING id";

pub(super) async fn keep_gone(
    connection: &mut SqliteConnection,
    owner: Owner,
    campaign: CampaignId,
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    mention(connection, number, campaign).await?;
    unreadable::clear(connection, number, Subject::Campaign(campaign)).await?;
    let gone = sqlx::query_scalar(GONE)
        .bind(number)
        .bind(campaign.as_bytes().as_slice());
    let campaign: i64 = gone.fetch_one(&mut *connection).await?;
    let known: Vec<Vec<u8>> = sqlx::query_scalar(ACTIVITIES)
        .bind(campaign)
        .fetch_all(&mut *connection)
        .await?;
    for id in known {
        drop_activity(connection, number, &id).await?;
    }
    let done = sqlx::query("DELETE FROM sync_work WHERE owner = ?1 AND campaign = ?2").bind(number);
    done.bind(campaign).execute(connection).await?;
    Ok(())
}

/// The sends go with the answer, by the foreign keys.
const DROP_ACTIVITY: [&str; 3] = [
    "DELETE FROM activity_history WHERE owner = ?1 AND activity = ?2",
    "DELETE FROM campaign_activity WHERE owner = ?1 AND activity = ?2",
    "DELETE FROM unreadable WHERE owner = ?1 AND kind = 2 AND subject = ?2",
];

async fn drop_activity(connection: &mut SqliteConnection, owner: i64, activity: &[u8]) -> Result<(), Error> {
    for delete in DROP_ACTIVITY {
        let delete = sqlx::query(delete).bind(owner).bind(activity);
        delete.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Only as it was taken: what was added since is not done.
const FINISH: &str = "
    DELETE FROM sync_work
    WHERE owner = ?1 AND missing_from IS ?3 AND missing_until = ?4
      AND campaign = (SELECT id FROM campaign WHERE owner = ?1 AND campaign = ?2)";

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    owner: Owner,
    work: &SyncWork,
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    let (from, until) = stretch(work.missing_from, work.missing_until);
    let finish = sqlx::query(FINISH)
        .bind(number)
        .bind(work.campaign.as_bytes().as_slice());
    finish.bind(from).bind(until).execute(connection).await?;
    Ok(())
}

pub(super) async fn keep_state(
    connection: &mut SqliteConnection,
    owner: Owner,
    state: &SyncState,
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    keep_state_of(connection, number, state).await
}

const KEEP_STATE: &str = "
    INSERT OR REPLACE INTO sync_state (owner, listed_at, reports_read_at, finished_at, paused_until, failed_at, failure)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

async fn keep_state_of(
    connection: &mut SqliteConnection,
    owner: i64,
    state: &SyncState,
) -> Result<(), Error> {
    let keep = sqlx::query(KEEP_STATE)
        .bind(owner)
        .bind(state.listed_at.map(rounded_down))
        .bind(state.reports_read_at.map(rounded_down))
        .bind(state.finished_at.map(rounded_down))
        .bind(state.paused_until.map(rounded_down))
        .bind(state.failed_at.map(rounded_down))
        .bind(state.failure.as_deref());
    keep.execute(connection).await?;
    Ok(())
}

async fn keep_campaign(
    connection: &mut SqliteConnection,
    owner: i64,
    campaign: &Campaign,
) -> Result<i64, Error> {
    let created = campaign.created_at.map(parts);
    let updated = campaign.updated_at.map(parts);
    sqlx::query_scalar(KEEP)
        .bind(owner)
        .bind(campaign.id.as_bytes().as_slice())
        .bind(campaign.name.as_deref())
        .bind(campaign.name.as_deref().map(folded))
        .bind(campaign.status.as_ref().map(CampaignStatus::as_str))
        .bind(campaign.campaign_type.as_deref())
        .bind(campaign.type_code)
        .bind(created.map(|(second, _)| second))
        .bind(created.map(|(_, nanosecond)| nanosecond))
        .bind(updated.map(|(second, _)| second))
        .bind(updated.map(|(_, nanosecond)| nanosecond))
        .fetch_one(connection)
        .await
}

async fn mention(connection: &mut SqliteConnection, owner: i64, campaign: CampaignId) -> Result<(), Error> {
    let mention = sqlx::query(MENTION)
        .bind(owner)
        .bind(campaign.as_bytes().as_slice());
    mention.execute(connection).await?;
    Ok(())
}
