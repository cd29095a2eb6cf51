//! A campaign, as it is listed and as it is read by itself.
//!
//! Owns the fields of both and what a summary of the reports says of it. Must not know its activities beyond their ids and
//! roles.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;

use crate::fields::{Fields, Member, elements, is_not};
use crate::json::{self, read_as_object};
use crate::json_repair::repair_json;
use crate::lenient::Prose;
use crate::{
    ActivityId, ActivityRole, CampaignId, CampaignStatus, DecodeError, Decoded, FromJsonOf, Listed, Oddities,
    UniqueCounts, Verbatim,
};

/// A campaign: what `/emails` lists. Every field but the id may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Campaign {
    /// The campaign's id.
    pub id: CampaignId,
    /// Its name, for people, freed of HTML escapes.
    pub name: Option<String>,
    /// How far it has come.
    pub status: Option<Verbatim<CampaignStatus>>,
    /// The upstream's word for its kind, such as `NEWSLETTER`.
    pub campaign_type: Option<String>,
    /// The upstream's number for its kind, such as 10.
    pub type_code: Option<i32>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, which is what campaigns are listed by (documented).
    pub updated_at: Option<Timestamp>,
}

/// A campaign read by itself: what is listed of it, and its activities.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignDetail {
    /// What is listed of it too.
    pub campaign: Campaign,
    /// Its activities, in the upstream's order, which means nothing: choose by role.
    pub activities: Vec<ActivityReference>,
    /// How many activities the answer names in a form that cannot be read, such as without an id; 1 where their list is missing
    /// as a whole. They are not among the others. The vendor's documentation has such examples.
    pub unreadable_activities: usize,
    /// How many values of the campaign and how many roles of its activities could not be read, and are missing. 0 as a rule.
    pub unreadable_values: usize,
}

/// One activity of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityReference {
    /// The activity's id.
    pub id: ActivityId,
    /// What it is within the campaign. `None` when the record does not say.
    pub role: Option<Verbatim<ActivityRole>>,
}

impl ActivityReference {
    /// Whether the activity can have a send history, by its [role](ActivityRole::can_be_sent); one without a role may.
    pub fn can_be_sent(&self) -> bool {
        self.role.as_deref().is_none_or(ActivityRole::can_be_sent)
    }
}

/// What the summaries report says of a campaign that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignSummary {
    /// The campaign's id.
    pub id: CampaignId,
    /// The upstream's word for its kind, in another spelling than the campaign's own: `Newsletter`.
    pub campaign_type: Option<String>,
    /// When it was last sent, which is what summaries are listed by (documented).
    pub last_sent_date: Option<Timestamp>,
    /// How many contacts did what, each counted once.
    pub unique_counts: Option<UniqueCounts>,
}

read_as_object! {
    Campaign = "a campaign", |fields, oddities| {
        let id = fields.require("campaign_id")?;
        Self::read(id, &fields, oddities)
    }
    CampaignSummary = "a campaign summary", |fields, oddities| {
        Self {
            id: fields.require("campaign_id")?,
            campaign_type: fields.read("campaign_type", oddities),
            last_sent_date: fields.read("last_sent_date", oddities),
            unique_counts: fields.object("unique_counts", oddities).map(|counts| UniqueCounts::read(&counts, oddities)),
        }
    }
}

impl Campaign {
    fn read(id: CampaignId, fields: &Fields<'_>, oddities: &mut Oddities) -> Self {
        Self {
            id,
            name: fields.read("name", oddities).map(|Prose(name)| name),
            status: fields.read("current_status", oddities),
            campaign_type: fields.read("type", oddities),
            type_code: fields.read("type_code", oddities),
            created_at: fields.read("created_at", oddities),
            updated_at: fields.read("updated_at", oddities),
        }
    }
}

impl FromJsonOf<CampaignId> for CampaignDetail {
    fn decode_of(asked: CampaignId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let fields = json::object(&json, "a campaign", &mut oddities)?;
        fields.require_any(&[
            "campaign_id",
            "name",
            "current_status",
            "type",
            "type_code",
            "created_at",
            "updated_at",
            "campaign_activities",
        ])?;
        fields.confirm("campaign_id", &asked, &mut oddities)?;
        let odd_ids = oddities.values;
        let mut activities = Vec::new();
        // Without its list a campaign must not look like one that has no activities.
        let listed = match fields.member("campaign_activities") {
            Member::Json(json) => elements(json),
            Member::Absent | Member::Repeated => None,
        };
        if listed.is_none() {
            oddities.record(|| "field campaign_activities: it is missing or no array".into());
        }
        let unlisted = usize::from(listed.is_none());
        let entries = listed.unwrap_or_default();
        let count = entries.len();
        for (entry, index) in entries.into_iter().zip(0_usize..) {
            match ActivityReference::read(entry, &mut oddities) {
                Ok(activity) => activities.push(activity),
                Err(reason) => oddities.record(|| format!("field campaign_activities[{index}]: {reason}")),
            }
        }
        let campaign = Campaign::read(asked, &fields, &mut oddities);
        let value = Self {
            campaign,
            unreadable_activities: unlisted + count - activities.len(),
            unreadable_values: oddities.values - odd_ids,
            activities,
        };
        Ok(Decoded { value, oddities })
    }
}

impl ActivityReference {
    fn read(json: &str, oddities: &mut Oddities) -> Result<Self, String> {
        const WHAT: &str = "an activity of a campaign";

        let fields = Fields::of(json, WHAT).ok_or_else(|| is_not(json, "an object"))?;
        Ok(Self {
            id: fields
                .require("campaign_activity_id")
                .map_err(|error| format!("{error}"))?,
            role: fields.read("role", oddities),
        })
    }
}

impl Listed for Campaign {
    const MEMBER: &'static str = "campaigns";
}

impl Listed for CampaignSummary {
    const MEMBER: &'static str = "bulk_email_campaign_summaries";
}
