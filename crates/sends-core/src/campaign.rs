//! A campaign, as it is listed and as it is read by itself.
//!
//! Owns the fields of both and what a summary of the reports says of it. Must not know its activities beyond their ids and
//! roles.

use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Deserialize;

use crate::json::{self, read_as_object};
use crate::lenient::{count, list, text, timestamp};
use crate::{
    ActivityId, ActivityRole, CampaignId, CampaignStatus, DecodeError, FromJson, Listed, UniqueCounts,
};

/// A campaign: what `/emails` lists. Every field but the id may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Campaign {
    /// The campaign's id.
    #[serde(rename = "campaign_id")]
    pub id: CampaignId,
    /// Its name, for people, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// How far it has come.
    #[serde(rename = "current_status")]
    pub status: Option<CampaignStatus>,
    /// The upstream's word for its kind, such as `NEWSLETTER`.
    #[serde(rename = "type")]
    pub campaign_type: Option<String>,
    /// The upstream's number for its kind, such as 10.
    #[serde(default, deserialize_with = "count")]
    pub type_code: Option<i64>,
    /// When it was made.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed, which is what campaigns are listed by (documented).
    #[serde(default, deserialize_with = "timestamp")]
    pub updated_at: Option<Timestamp>,
}

/// A campaign read by itself: what is listed of it, and its activities.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignDetail {
    /// What is listed of it too.
    pub campaign: Campaign,
    /// Its activities, in the upstream's order, which means nothing: choose by role.
    pub activities: Vec<ActivityReference>,
}

/// One activity of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct ActivityReference {
    /// The activity's id.
    #[serde(rename = "campaign_activity_id")]
    pub id: ActivityId,
    /// What it is within the campaign. `None` when the record does not say.
    pub role: Option<ActivityRole>,
}

impl ActivityReference {
    /// Whether the activity can have a send history, by its [role](ActivityRole::can_be_sent); one without a role may.
    pub fn can_be_sent(&self) -> bool {
        self.role.as_ref().is_none_or(ActivityRole::can_be_sent)
    }
}

/// What the summaries report says of a campaign that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct CampaignSummary {
    /// The campaign's id.
    #[serde(rename = "campaign_id")]
    pub id: CampaignId,
    /// The upstream's word for its kind, in another spelling than the campaign's own: `Newsletter`.
    pub campaign_type: Option<String>,
    /// When it was last sent, which is what summaries are listed by (documented).
    #[serde(default, deserialize_with = "timestamp")]
    pub last_sent_date: Option<Timestamp>,
    /// How many contacts did what, each counted once.
    #[serde(default)]
    pub unique_counts: Option<UniqueCounts>,
}

read_as_object! {
    Campaign = "a campaign",
    CampaignSummary = "a campaign summary",
}

impl FromJson for CampaignDetail {
    fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Activities {
            #[serde(default, deserialize_with = "list")]
            campaign_activities: Vec<ActivityReference>,
        }

        let campaign = Campaign::from_json(json)?;
        let activities: Activities = json::object(json, "a campaign")?;
        Ok(Self {
            campaign,
            activities: activities.campaign_activities,
        })
    }
}

impl Listed for Campaign {
    const MEMBER: &'static str = "campaigns";
}

impl Listed for CampaignSummary {
    const MEMBER: &'static str = "bulk_email_campaign_summaries";
}
