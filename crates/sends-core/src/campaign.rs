//! Campaign models for the listing, for the campaign with its activities, and for the summaries report.

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

/// Campaign in a listing (`/emails`). An optional field is `None` when its member is missing, null or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Campaign {
    /// Id of the campaign.
    pub id: CampaignId,
    /// Display name, with HTML entities decoded.
    pub name: Option<String>,
    /// Status of the campaign.
    pub status: Option<Verbatim<CampaignStatus>>,
    /// The upstream's name for the campaign type, such as `NEWSLETTER`.
    pub campaign_type: Option<String>,
    /// The upstream's numeric code of the campaign type, such as 10.
    pub type_code: Option<i32>,
    /// Creation time.
    pub created_at: Option<Timestamp>,
    /// Time of the last change of the campaign, by which listings are sorted (documented).
    pub updated_at: Option<Timestamp>,
}

/// Campaign with its activities (`/emails/{id}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignDetail {
    /// Fields that a campaign in a listing also has.
    pub campaign: Campaign,
    /// Activities in the upstream's order. The order has no meaning; select activities by role.
    pub activities: Vec<ActivityReference>,
    /// Number of unreadable activities, which are omitted, or 1 when the list of activities itself is missing. The vendor's
    /// documentation has examples of activities without an id.
    pub unreadable_activities: usize,
    /// Number of values of the campaign itself that could not be decoded and are `None`. Normally 0.
    pub unreadable_values: usize,
    /// Number of unreadable roles of its activities, which are `None`. Normally 0.
    pub unreadable_roles: usize,
}

/// Reference to an activity of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityReference {
    /// Id of the activity.
    pub id: ActivityId,
    /// Role within the campaign. `None` when it is missing, null or unreadable.
    pub role: Option<Verbatim<ActivityRole>>,
}

impl ActivityReference {
    /// Returns whether an activity with this [role](ActivityRole::can_be_sent) can have a send history. Returns `true` if the
    /// role is `None`.
    pub fn can_be_sent(&self) -> bool {
        self.role.as_deref().is_none_or(ActivityRole::can_be_sent)
    }
}

/// Sent campaign in the summaries report. An optional field is `None` when its member is missing, null or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignSummary {
    /// Id of the campaign.
    pub id: CampaignId,
    /// The upstream's name for the campaign type, such as `Newsletter`. The spelling differs from that in [`Campaign`].
    pub campaign_type: Option<String>,
    /// Time of the last send, by which summaries are sorted (documented).
    pub last_sent_date: Option<Timestamp>,
    /// Statistics that count each contact once.
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
    fn decode_of(requested: CampaignId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
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
        fields.confirm("campaign_id", &requested, &mut oddities)?;
        let odd_ids = oddities.values;
        let mut activities = Vec::new();
        // A campaign whose list is missing must be distinguishable from a campaign without activities.
        let listed = match fields.member("campaign_activities") {
            Member::Json(json) => elements(json),
            Member::Absent | Member::Repeated => None,
        };
        if listed.is_none() {
            oddities.record(|| "field campaign_activities: missing or not an array".into());
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
        let odd_activities = oddities.values;
        let campaign = Campaign::read(requested, &fields, &mut oddities);
        let value = Self {
            campaign,
            unreadable_activities: unlisted + count - activities.len(),
            unreadable_values: oddities.values - odd_activities,
            unreadable_roles: odd_activities - odd_ids,
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
