//! Changes of an account's data by control requests.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::account::{Account, Explicit};
use super::campaigns::{Activity, Campaign, FROM_EMAIL, ListedActivity, PRIMARY};
use super::send::Send;
use crate::clock::Moment;
use crate::lock::write;

#[derive(Debug, thiserror::Error)]
#[error("the account has no {what} {id}")]
pub(crate) struct NoSuch {
    what: &'static str,
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub(crate) enum Change {
    /// Appends a row with these members, which replace the members of a successful send.
    AppendSend {
        activity_id: Uuid,
        #[serde(default)]
        send: Map<String, Value>,
    },
    CreateCampaign {
        name: Option<String>,
    },
    CreateActivity {
        campaign_id: Uuid,
        role: Option<String>,
    },
    /// Sets the campaign's status to Removed, after which its activities cannot be read.
    RemoveCampaign {
        campaign_id: Uuid,
    },
    /// Makes requests for a listed campaign return 404.
    ForgetCampaign {
        campaign_id: Uuid,
    },
    /// Makes requests for the activity return 404.
    DeleteActivity {
        activity_id: Uuid,
    },
    /// Sets the status of an activity and of its campaign.
    SetStatus {
        activity_id: Uuid,
        status: String,
    },
}

impl Account {
    pub(crate) fn change(&self, change: Change, now: Moment) -> Result<Value, NoSuch> {
        let mut explicit = write(&self.explicit);
        let explicit = &mut *explicit;
        match change {
            Change::AppendSend { activity_id, send } => {
                let activity = self.activity_mut(explicit, activity_id, now)?;
                let send_id = append_send(activity, send, now);
                set_status(explicit, activity_id, "Done", now);
                return Ok(json!({"activity_id": activity_id, "send_id": send_id}));
            }
            Change::CreateCampaign { name } => {
                let campaign_id = random_id();
                let campaign = Campaign {
                    id: campaign_id,
                    name: name.unwrap_or_else(|| "Made by a control request".to_owned()),
                    status: "Draft".to_owned(),
                    created_at: now,
                    updated_at: now,
                    activities: Vec::new(),
                    detail_is_gone: false,
                };
                explicit.campaigns.insert(campaign_id, Arc::new(campaign));
                return self.add_activity(explicit, campaign_id, None, now);
            }
            Change::CreateActivity { campaign_id, role } => {
                return self.add_activity(explicit, campaign_id, role, now);
            }
            Change::RemoveCampaign { campaign_id } => {
                let campaign = self.campaign_mut(explicit, campaign_id, now)?;
                campaign.status = "Removed".into();
                for listed in campaign.activities.clone() {
                    self.activity_mut(explicit, listed.id, now)?.status = "REMOVED".into();
                }
            }
            Change::ForgetCampaign { campaign_id } => {
                self.campaign_mut(explicit, campaign_id, now)?.detail_is_gone = true;
            }
            Change::DeleteActivity { activity_id } => {
                let campaign_id = self.activity_mut(explicit, activity_id, now)?.campaign_id;
                explicit.activities.remove(&activity_id);
                explicit.order.retain(|id| *id != activity_id);
                explicit.deleted_activities.push(activity_id);
                let campaign = self.campaign_mut(explicit, campaign_id, now)?;
                campaign.activities.retain(|listed| listed.id != activity_id);
            }
            Change::SetStatus { activity_id, status } => {
                self.activity_mut(explicit, activity_id, now)?;
                set_status(explicit, activity_id, &status, now);
            }
        }
        Ok(Value::Null)
    }

    fn add_activity(
        &self,
        explicit: &mut Explicit,
        campaign_id: Uuid,
        role: Option<String>,
        now: Moment,
    ) -> Result<Value, NoSuch> {
        let campaign = self.campaign_mut(explicit, campaign_id, now)?;
        let activity = Activity {
            id: random_id(),
            campaign_id,
            role: role.unwrap_or_else(|| PRIMARY.to_owned()),
            status: "DRAFT".to_owned(),
            list_ids: vec![super::lists::GUIDE_LIST],
            segment_ids: Vec::new(),
            subject: campaign.name.clone(),
            from_email: FROM_EMAIL.to_owned(),
            scheduled_at: None,
            sends: Vec::new(),
        };
        let id = activity.id;
        campaign.activities.push(ListedActivity::new(id, &activity.role));
        explicit.activities.insert(id, Arc::new(activity));
        explicit.order.push(id);
        Ok(json!({"campaign_id": campaign_id, "activity_id": id}))
    }

    /// Returns an explicit campaign with a new update date. A generated campaign becomes explicit together with its activities.
    fn campaign_mut<'a>(
        &self,
        explicit: &'a mut Explicit,
        id: Uuid,
        now: Moment,
    ) -> Result<&'a mut Campaign, NoSuch> {
        let missing = NoSuch { what: "campaign", id };
        if !explicit.campaigns.contains_key(&id) {
            let Some(campaign) = self.generated.find_campaign(id) else {
                return Err(missing);
            };
            for listed in &campaign.activities {
                if let Some(activity) = self.generated.find_activity(listed.id) {
                    explicit.activities.insert(listed.id, Arc::new(activity));
                }
            }
            explicit.campaigns.insert(id, Arc::new(campaign));
        }
        let campaign = explicit
            .campaigns
            .get_mut(&id)
            .map(Arc::make_mut)
            .ok_or(missing)?;
        campaign.updated_at = now;
        Ok(campaign)
    }

    /// Returns an explicit activity, and updates the date of its campaign.
    fn activity_mut<'a>(
        &self,
        explicit: &'a mut Explicit,
        id: Uuid,
        now: Moment,
    ) -> Result<&'a mut Activity, NoSuch> {
        let missing = || NoSuch { what: "activity", id };
        let campaign_id = match explicit.activities.get(&id) {
            Some(activity) => activity.campaign_id,
            None if explicit.deleted_activities.contains(&id) => return Err(missing()),
            None => self.generated.find_activity(id).ok_or_else(missing)?.campaign_id,
        };
        self.campaign_mut(explicit, campaign_id, now)?;
        explicit
            .activities
            .get_mut(&id)
            .map(Arc::make_mut)
            .ok_or_else(missing)
    }
}

fn append_send(activity: &mut Activity, members: Map<String, Value>, now: Moment) -> i64 {
    let send_id = activity.next_send_id();
    let mut row = json!({
        "send_id": send_id, "count": 100, "run_date": now, "send_status": "COMPLETED", "reason_code": 0,
    });
    let by_segments = activity.list_ids.is_empty() && !activity.segment_ids.is_empty();
    if by_segments || members.contains_key("segment_ids") {
        row["segment_ids"] = json!(activity.segment_ids);
    } else {
        row["contact_list_ids"] = json!(activity.list_ids);
    }
    if let Value::Object(mut row) = row {
        row.extend(members);
        activity.sends.push(Send::verbatim(row));
    }
    send_id
}

/// Sets the uppercase status of an activity, and the capitalised status of its campaign.
fn set_status(explicit: &mut Explicit, activity_id: Uuid, status: &str, now: Moment) {
    let Some(activity) = explicit.activities.get_mut(&activity_id).map(Arc::make_mut) else {
        return;
    };
    activity.status = status.to_uppercase();
    activity.scheduled_at = (activity.status == "SCHEDULED").then(|| now.plus_seconds(86_400));
    if let Some(campaign) = explicit
        .campaigns
        .get_mut(&activity.campaign_id)
        .map(Arc::make_mut)
    {
        let mut letters = status.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        campaign.status = first.chain(letters.flat_map(char::to_lowercase)).collect();
    }
}

fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}
