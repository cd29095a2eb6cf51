//! Owns the changes that control requests make to an account: sends that appear, campaigns that come and go, states that
//! move. Must not know the control requests' JSON.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::account::{Account, Explicit};
use super::campaigns::{Activity, Campaign, PRIMARY};
use super::send::Send;
use crate::clock::Moment;
use crate::lock::write;

/// Nothing of that identifier is in the account.
#[derive(Debug, thiserror::Error)]
#[error("the account has no {what} {id}")]
pub(crate) struct NoSuch {
    what: &'static str,
    id: Uuid,
}

impl Account {
    /// Appends a row to an activity's history, with `fields` over what a plain successful send would hold.
    pub(crate) fn append_send(
        &self,
        activity_id: Uuid,
        fields: Map<String, Value>,
        now: Moment,
    ) -> Result<i64, NoSuch> {
        let mut explicit = write(&self.explicit);
        let explicit = &mut *explicit;
        self.change_activity(explicit, activity_id, now, |activity| {
            let send_id = activity.sends.iter().filter_map(Send::send_id).max().unwrap_or(0) + 1;
            let mut row = json!({
                "send_id": send_id, "count": 100, "run_date": now, "send_status": "COMPLETED", "reason_code": 0,
            });
            let by_segments = activity.list_ids.is_empty() && !activity.segment_ids.is_empty();
            if by_segments || fields.contains_key("segment_ids") {
                row["segment_ids"] = json!(activity.segment_ids);
            } else {
                row["contact_list_ids"] = json!(activity.list_ids);
            }
            if let Some(row) = row.as_object_mut() {
                row.extend(fields);
            }
            activity.sends.push(Send::Verbatim(row));
            activity.status = "DONE".into();
            send_id
        })
        .inspect(|_| set_campaign_status(explicit, activity_id, "Done"))
    }

    pub(crate) fn create_campaign(&self, name: String, now: Moment) -> (Uuid, Uuid) {
        let campaign_id = fresh();
        let mut explicit = write(&self.explicit);
        let campaign = Campaign {
            id: campaign_id,
            name: name.into(),
            status: "Draft".into(),
            kind: "NEWSLETTER".into(),
            created_at: now,
            updated_at: now,
            activities: Vec::new(),
            detail_is_gone: false,
        };
        explicit.campaigns.insert(campaign_id, Arc::new(campaign));
        (
            campaign_id,
            add_activity(&mut explicit, campaign_id, PRIMARY.to_owned()),
        )
    }

    pub(crate) fn create_activity(
        &self,
        campaign_id: Uuid,
        role: String,
        now: Moment,
    ) -> Result<Uuid, NoSuch> {
        let mut explicit = write(&self.explicit);
        self.hold_campaign(&mut explicit, campaign_id, now)?;
        Ok(add_activity(&mut explicit, campaign_id, role))
    }

    /// Marks a campaign as removed: still listed, its activities no longer readable.
    pub(crate) fn remove_campaign(&self, campaign_id: Uuid, now: Moment) -> Result<(), NoSuch> {
        let mut explicit = write(&self.explicit);
        let campaign = self.hold_campaign(&mut explicit, campaign_id, now)?;
        campaign.status = "Removed".into();
        let activities = campaign.activities.clone();
        for (id, _) in activities {
            self.change_activity(&mut explicit, id, now, |activity| {
                activity.status = "REMOVED".into();
            })?;
        }
        Ok(())
    }

    /// Makes a campaign 404 when asked for by itself, while it stays listed.
    pub(crate) fn forget_campaign(&self, campaign_id: Uuid, now: Moment) -> Result<(), NoSuch> {
        let mut explicit = write(&self.explicit);
        self.hold_campaign(&mut explicit, campaign_id, now)?
            .detail_is_gone = true;
        Ok(())
    }

    /// Deletes an activity without a trace: it is 404 from now on.
    pub(crate) fn delete_activity(&self, activity_id: Uuid, now: Moment) -> Result<(), NoSuch> {
        let mut explicit = write(&self.explicit);
        let campaign_id =
            self.change_activity(&mut explicit, activity_id, now, |activity| activity.campaign_id)?;
        explicit.activities.remove(&activity_id);
        explicit.order.retain(|id| *id != activity_id);
        explicit.deleted_activities.push(activity_id);
        let campaign = self.hold_campaign(&mut explicit, campaign_id, now)?;
        campaign.activities.retain(|(id, _)| *id != activity_id);
        Ok(())
    }

    /// Sets an activity's status (in upper case) and its campaign's (capitalised).
    pub(crate) fn set_status(&self, activity_id: Uuid, status: &str, now: Moment) -> Result<(), NoSuch> {
        let mut explicit = write(&self.explicit);
        self.change_activity(&mut explicit, activity_id, now, |activity| {
            activity.status = status.to_uppercase().into();
            activity.scheduled_at = (activity.status == "SCHEDULED").then(|| now.plus_seconds(86_400));
        })?;
        set_campaign_status(&mut explicit, activity_id, status);
        Ok(())
    }

    /// Takes a campaign and its activities into memory if they are not there, and touches it.
    fn hold_campaign<'a>(
        &self,
        explicit: &'a mut Explicit,
        campaign_id: Uuid,
        now: Moment,
    ) -> Result<&'a mut Campaign, NoSuch> {
        let missing = NoSuch {
            what: "campaign",
            id: campaign_id,
        };
        if !explicit.campaigns.contains_key(&campaign_id) {
            let Some(campaign) = self.generated.find_campaign(campaign_id) else {
                return Err(missing);
            };
            for (id, _) in &campaign.activities {
                if let Some(activity) = self.generated.find_activity(*id) {
                    explicit.activities.insert(*id, Arc::new(activity));
                }
            }
            explicit.campaigns.insert(campaign_id, Arc::new(campaign));
        }
        let campaign = explicit
            .campaigns
            .get_mut(&campaign_id)
            .map(Arc::make_mut)
            .ok_or(missing)?;
        campaign.updated_at = now;
        Ok(campaign)
    }

    fn change_activity<T>(
        &self,
        explicit: &mut Explicit,
        activity_id: Uuid,
        now: Moment,
        change: impl FnOnce(&mut Activity) -> T,
    ) -> Result<T, NoSuch> {
        let missing = || NoSuch {
            what: "activity",
            id: activity_id,
        };
        let held = explicit
            .activities
            .get(&activity_id)
            .map(|activity| activity.campaign_id);
        let campaign_id = match held {
            Some(campaign_id) => campaign_id,
            None if explicit.deleted_activities.contains(&activity_id) => return Err(missing()),
            None => {
                self.generated
                    .find_activity(activity_id)
                    .ok_or_else(missing)?
                    .campaign_id
            }
        };
        self.hold_campaign(explicit, campaign_id, now)?;
        explicit
            .activities
            .get_mut(&activity_id)
            .map(Arc::make_mut)
            .map(change)
            .ok_or_else(missing)
    }
}

fn set_campaign_status(explicit: &mut Explicit, activity_id: Uuid, status: &str) {
    let campaign_id = explicit
        .activities
        .get(&activity_id)
        .map(|activity| activity.campaign_id);
    if let Some(campaign) = campaign_id.and_then(|id| explicit.campaigns.get_mut(&id)) {
        let mut letters = status.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let capitalised: String = first.chain(letters.flat_map(char::to_lowercase)).collect();
        Arc::make_mut(campaign).status = capitalised.into();
    }
}

fn add_activity(explicit: &mut Explicit, campaign_id: Uuid, role: String) -> Uuid {
    let id = fresh();
    if let Some(campaign) = explicit.campaigns.get_mut(&campaign_id).map(Arc::make_mut) {
        campaign.activities.push((id, role.clone().into()));
        let activity = Activity {
            id,
            campaign_id,
            role: role.into(),
            status: "DRAFT".into(),
            list_ids: vec![super::lists::GUIDE_LIST],
            segment_ids: Vec::new(),
            subject: campaign.name.clone(),
            from_name: "The Lantern Bookshop".into(),
            from_email: "hello@lantern.example".into(),
            scheduled_at: None,
            sends: Vec::new(),
        };
        explicit.activities.insert(id, Arc::new(activity));
        explicit.order.push(id);
    }
    id
}

fn fresh() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}
