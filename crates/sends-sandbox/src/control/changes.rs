//! Owns the control requests that change an account's data. Must not know how the changes are made.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Answered, Refusal, account};
use crate::data::campaigns::PRIMARY;
use crate::upstream::Upstream;

/// A change to an account's data.
#[derive(Deserialize)]
pub(super) struct Change {
    account: Option<String>,
    #[serde(flatten)]
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
enum Operation {
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
    RemoveCampaign {
        campaign_id: Uuid,
    },
    ForgetCampaign {
        campaign_id: Uuid,
    },
    DeleteActivity {
        activity_id: Uuid,
    },
    SetStatus {
        activity_id: Uuid,
        status: String,
    },
}

pub(super) fn apply(upstream: &Upstream, change: Change) -> Answered {
    let account = account(upstream, change.account.as_deref())?;
    let now = upstream.clock.now();
    let changed = match change.operation {
        Operation::AppendSend { activity_id, send } => account
            .append_send(activity_id, send, now)
            .map(|send_id| json!({"activity_id": activity_id, "send_id": send_id})),
        Operation::CreateCampaign { name } => {
            let name = name.unwrap_or_else(|| "Made by a control request".to_owned());
            let (campaign_id, activity_id) = account.create_campaign(name, now);
            Ok(json!({"campaign_id": campaign_id, "activity_id": activity_id}))
        }
        Operation::CreateActivity { campaign_id, role } => account
            .create_activity(campaign_id, role.unwrap_or_else(|| PRIMARY.to_owned()), now)
            .map(|activity_id| json!({"campaign_id": campaign_id, "activity_id": activity_id})),
        Operation::RemoveCampaign { campaign_id } => {
            account.remove_campaign(campaign_id, now).map(|()| Value::Null)
        }
        Operation::ForgetCampaign { campaign_id } => {
            account.forget_campaign(campaign_id, now).map(|()| Value::Null)
        }
        Operation::DeleteActivity { activity_id } => {
            account.delete_activity(activity_id, now).map(|()| Value::Null)
        }
        Operation::SetStatus { activity_id, status } => account
            .set_status(activity_id, &status, now)
            .map(|()| Value::Null),
    };
    changed.map_err(|error| Refusal::missing(&error))
}
