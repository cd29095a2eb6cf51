//! Writes campaigns, their activities and the synchronisation state within the caller's transaction.

use rusqlite::{Connection, Result, params};
use sends_core::{ActivityReference, ActivityRole, Campaign, CampaignId, CampaignStatus, Verbatim};

use super::moments::{rounded_down, rounded_outwards};
use super::owners::owner_number;
use super::{execute, one, parts, unreadable};
use crate::log::folded;
use crate::{Listing, Owner, Subject, SyncState, SyncWork};

const KEEP: &str = "
    INSERT INTO campaign (owner, campaign, name, folded_name, status, status_spelling, type, type_code,
                          created_at, created_at_nanos, updated_at, updated_at_nanos)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (owner, campaign) DO UPDATE
    SET name = excluded.name, folded_name = excluded.folded_name, status = excluded.status,
        status_spelling = excluded.status_spelling, type = excluded.type,
        type_code = excluded.type_code, created_at = excluded.created_at, created_at_nanos = excluded.created_at_nanos,
        updated_at = excluded.updated_at, updated_at_nanos = excluded.updated_at_nanos, is_gone = 0
    RETURNING id";

const MENTION: &str =
    "INSERT INTO campaign (owner, campaign) VALUES (?1, ?2) ON CONFLICT (owner, campaign) DO NOTHING";

const KEEP_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = ?3, last_sent_at_nanos = ?4 WHERE owner = ?1 AND campaign = ?2";

const ADD_WORK: &str = "
    INSERT INTO sync_work (owner, campaign, missing_from, missing_until)
    SELECT owner, id, ?3, ?4 FROM campaign WHERE owner = ?1 AND campaign = ?2
    ON CONFLICT (owner, campaign) DO UPDATE
    -- `min` returns NULL if either value is NULL, which means from the beginning.
    SET missing_from = min(missing_from, excluded.missing_from),
        missing_until = max(missing_until, excluded.missing_until)";

pub(super) fn keep_listing(connection: &Connection, owner: Owner, listing: &Listing) -> Result<()> {
    let number = owner_number(connection, owner)?;
    for campaign in &listing.campaigns {
        keep_campaign(connection, number, campaign)?;
    }
    for (id, last_sent) in &listing.last_sent {
        mention(connection, number, *id)?;
        let (second, nanosecond) = last_sent.map(parts).unzip();
        let values = (number, id.as_bytes(), second, nanosecond);
        execute(connection, KEEP_LAST_SENT, values)?;
    }
    for work in &listing.work {
        mention(connection, number, work.campaign)?;
        let (from, until) = rounded_outwards(work.missing_from, work.missing_until);
        let values = (number, work.campaign.as_bytes(), from, until);
        execute(connection, ADD_WORK, values)?;
    }
    match &listing.state {
        Some(state) => keep_state_of(connection, number, state),
        None => Ok(()),
    }
}

/// An activity that another campaign lists stays with that campaign.
const TAKE_ACTIVITY: &str = "
    INSERT INTO campaign_activity (owner, activity, campaign, role, role_spelling, is_listed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (owner, activity) DO UPDATE
    SET campaign = excluded.campaign, role = excluded.role, role_spelling = excluded.role_spelling,
        is_listed = excluded.is_listed
    WHERE campaign = excluded.campaign OR excluded.is_listed AND NOT is_listed";

const CLAIM: &str =
    "UPDATE campaign_activity SET claimed_by = ?3 WHERE owner = ?1 AND activity = ?2 AND campaign <> ?3";

const END_CLAIMS: &str = "UPDATE campaign_activity SET claimed_by = NULL WHERE claimed_by = ?1";

const NAME_CAMPAIGN: &str = "
    UPDATE send SET campaign = ?3
    WHERE history = (SELECT id FROM activity_history WHERE owner = ?1 AND activity = ?2) AND campaign IS NOT ?3
      AND EXISTS (SELECT 1 FROM campaign_activity WHERE owner = ?1 AND activity = ?2 AND campaign = ?3)";

const ACTIVITIES: &str = "SELECT activity FROM campaign_activity WHERE campaign = ?1";

pub(super) fn keep_activities(
    connection: &Connection,
    owner: Owner,
    campaign: &Campaign,
    listed: &[ActivityReference],
    unlisted: &[ActivityReference],
) -> Result<()> {
    let number = owner_number(connection, owner)?;
    let campaign = keep_campaign(connection, number, campaign)?;
    let all = || {
        let listed = listed.iter().map(|activity| (activity, true));
        listed.chain(unlisted.iter().map(|activity| (activity, false)))
    };
    for id in known_activities(connection, campaign)? {
        if all().all(|(activity, _)| *activity.id.as_bytes() != id) {
            drop_activity(connection, number, &id)?;
        }
    }
    execute(connection, END_CLAIMS, [campaign])?;
    // If an activity is listed twice, the last row wins. Permalinks come first because they have no sends.
    let is_permalink =
        |activity: &ActivityReference| activity.role.as_deref() == Some(&ActivityRole::Permalink);
    let (permalinks, sendable): (Vec<_>, Vec<_>) = all().partition(|(activity, _)| is_permalink(activity));
    for (activity, is_listed) in permalinks.into_iter().chain(sendable) {
        let id = activity.id.as_bytes();
        let role = activity.role.as_deref().map(ActivityRole::as_str);
        let spelling = activity.role.as_ref().and_then(Verbatim::other_spelling);
        let values = (number, id, campaign, role, spelling, is_listed);
        execute(connection, TAKE_ACTIVITY, values)?;
        if is_listed {
            execute(connection, CLAIM, (number, id, campaign))?;
        }
        execute(connection, NAME_CAMPAIGN, (number, id, campaign))?;
    }
    Ok(())
}

fn known_activities(connection: &Connection, campaign: i64) -> Result<Vec<[u8; 16]>> {
    let mut statement = connection.prepare_cached(ACTIVITIES)?;
    statement.query_map([campaign], |row| row.get(0))?.collect()
}

const GIVE_TO_CLAIMERS: [&str; 2] = [
    "UPDATE send SET campaign = known.claimed_by
     FROM campaign_activity AS known JOIN activity_history AS kept USING (owner, activity)
     WHERE known.campaign = ?1 AND known.claimed_by IS NOT NULL AND send.history = kept.id",
    "UPDATE campaign_activity SET campaign = claimed_by, claimed_by = NULL, is_listed = 1
     WHERE campaign = ?1 AND claimed_by IS NOT NULL",
];

const GONE: &str = "UPDATE campaign SET is_gone = 1 WHERE owner = ?1 AND campaign = ?2 RETURNING id";

pub(super) fn keep_gone(connection: &Connection, owner: Owner, campaign: CampaignId) -> Result<()> {
    let number = owner_number(connection, owner)?;
    mention(connection, number, campaign)?;
    unreadable::clear(connection, number, Subject::Campaign(campaign))?;
    let campaign: i64 = one(connection, GONE, (number, campaign.as_bytes()))?;
    for give in GIVE_TO_CLAIMERS {
        execute(connection, give, [campaign])?;
    }
    for id in known_activities(connection, campaign)? {
        drop_activity(connection, number, &id)?;
    }
    execute(connection, END_CLAIMS, [campaign])?;
    execute(connection, DONE, (number, campaign))
}

const DONE: &str = "DELETE FROM sync_work WHERE owner = ?1 AND campaign = ?2";

/// Cascading foreign keys delete the sends.
const DROP_ACTIVITY: [&str; 3] = [
    "DELETE FROM activity_history WHERE owner = ?1 AND activity = ?2",
    "DELETE FROM campaign_activity WHERE owner = ?1 AND activity = ?2",
    "DELETE FROM unreadable WHERE owner = ?1 AND kind = 2 AND subject = ?2",
];

fn drop_activity(connection: &Connection, owner: i64, activity: &[u8; 16]) -> Result<()> {
    for delete in DROP_ACTIVITY {
        execute(connection, delete, (owner, activity))?;
    }
    Ok(())
}

/// Deletes the work only if it is unchanged since it was taken.
const FINISH: &str = "
    DELETE FROM sync_work
    WHERE owner = ?1 AND missing_from IS ?3 AND missing_until = ?4
      AND campaign = (SELECT id FROM campaign WHERE owner = ?1 AND campaign = ?2)";

pub(super) fn finish(connection: &Connection, owner: Owner, work: &SyncWork) -> Result<()> {
    let number = owner_number(connection, owner)?;
    let (from, until) = rounded_outwards(work.missing_from, work.missing_until);
    let values = (number, work.campaign.as_bytes(), from, until);
    execute(connection, FINISH, values)
}

pub(super) fn keep_state(connection: &Connection, owner: Owner, state: &SyncState) -> Result<()> {
    let number = owner_number(connection, owner)?;
    keep_state_of(connection, number, state)
}

const KEEP_STATE: &str = "
    INSERT OR REPLACE INTO sync_state
        (owner, listed_at, reports_read_at, changes_until, sends_until, finished_at, paused_until, failed_at, failure)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

fn keep_state_of(connection: &Connection, owner: i64, state: &SyncState) -> Result<()> {
    let values = params![
        owner,
        state.listed_at.map(rounded_down),
        state.reports_read_at.map(rounded_down),
        state.changes_until.map(rounded_down),
        state.sends_until.map(rounded_down),
        state.finished_at.map(rounded_down),
        state.paused_until.map(rounded_down),
        state.failed_at.map(rounded_down),
        state.failure,
    ];
    execute(connection, KEEP_STATE, values)
}

fn keep_campaign(connection: &Connection, owner: i64, campaign: &Campaign) -> Result<i64> {
    let created = campaign.created_at.map(parts);
    let updated = campaign.updated_at.map(parts);
    let values = params![
        owner,
        campaign.id.as_bytes(),
        campaign.name,
        campaign.name.as_deref().map(folded),
        campaign.status.as_deref().map(CampaignStatus::as_str),
        campaign.status.as_ref().and_then(Verbatim::other_spelling),
        campaign.campaign_type,
        campaign.type_code,
        created.map(|(second, _)| second),
        created.map(|(_, nanosecond)| nanosecond),
        updated.map(|(second, _)| second),
        updated.map(|(_, nanosecond)| nanosecond),
    ];
    one(connection, KEEP, values)
}

fn mention(connection: &Connection, owner: i64, campaign: CampaignId) -> Result<()> {
    execute(connection, MENTION, (owner, campaign.as_bytes()))
}
