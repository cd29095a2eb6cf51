//! An email activity as the upstream describes it today.
//!
//! Owns the fields of an activity and of its schedule. Must not know its send history: the lists here are the current
//! ones, those of a send are the send's.

use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Deserialize;

use crate::json::read_as_object;
use crate::lenient::{count, list, text, timestamp};
use crate::{ActivityId, ActivityRole, CampaignId, CampaignStatus, DecodeError, FromJson, ListId, SegmentId};

/// An email activity (`/emails/activities/{id}`). Every field but the id may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct ActivityDetail {
    /// The activity's id.
    #[serde(rename = "campaign_activity_id")]
    pub id: ActivityId,
    /// The campaign it belongs to.
    #[serde(rename = "campaign_id")]
    pub campaign: Option<CampaignId>,
    /// What it is within the campaign.
    pub role: Option<ActivityRole>,
    /// How far it has come.
    #[serde(rename = "current_status")]
    pub status: Option<CampaignStatus>,
    /// The email's subject, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub subject: Option<String>,
    /// The line that mail programs show beside the subject, freed of HTML escapes. Empty when there is none.
    #[serde(default, deserialize_with = "text")]
    pub preheader: Option<String>,
    /// The sender's name, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub from_name: Option<String>,
    /// The sender's address.
    pub from_email: Option<String>,
    /// The address that answers go to.
    pub reply_to_email: Option<String>,
    /// The upstream's number for how the email was made.
    #[serde(default, deserialize_with = "count")]
    pub format_type: Option<i64>,
    /// The contact lists that it would be sent to now.
    #[serde(default, deserialize_with = "list")]
    pub contact_list_ids: Vec<ListId>,
    /// The segments that it would be sent to now.
    #[serde(default, deserialize_with = "list")]
    pub segment_ids: Vec<SegmentId>,
}

read_as_object! {
    ActivityDetail = "an email activity",
}

/// When an activity is to be sent (`/emails/activities/{id}/schedules`): no date unless its status is `SCHEDULED`
/// (documented), and one as a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(pub Vec<Timestamp>);

impl FromJson for Schedule {
    fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(default, deserialize_with = "timestamp")]
            scheduled_date: Option<Timestamp>,
        }

        let entries: Vec<Entry> = crate::json::array(json, "a schedule")?;
        Ok(Self(
            entries
                .into_iter()
                .filter_map(|entry| entry.scheduled_date)
                .collect(),
        ))
    }
}
