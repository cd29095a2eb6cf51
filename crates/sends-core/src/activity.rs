//! An email activity as the upstream describes it today.
//!
//! Owns the fields of an activity and of its schedule. Must not know its send history: the lists here are the current
//! ones, those of a send are the send's.

use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;

use crate::fields::{Fields, is_not};
use crate::json;
use crate::json_repair::repair_json;
use crate::lenient::Prose;
use crate::{
    ActivityId, ActivityRole, CampaignId, CampaignStatus, DecodeError, Decoded, FromJson, FromJsonOf, ListId,
    Oddities, SegmentId, Verbatim,
};

/// An email activity (`/emails/activities/{id}`). Every field but the id, which was asked for, may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityDetail {
    /// The activity's id.
    pub id: ActivityId,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// What it is within the campaign.
    pub role: Option<Verbatim<ActivityRole>>,
    /// How far it has come.
    pub status: Option<Verbatim<CampaignStatus>>,
    /// The email's subject, freed of HTML escapes.
    pub subject: Option<String>,
    /// The line that mail programs show beside the subject, freed of HTML escapes. Empty when there is none.
    pub preheader: Option<String>,
    /// The sender's name, freed of HTML escapes.
    pub from_name: Option<String>,
    /// The sender's address.
    pub from_email: Option<String>,
    /// The address that answers go to.
    pub reply_to_email: Option<String>,
    /// The upstream's number for how the email was made.
    pub format_type: Option<i32>,
    /// The contact lists that it would be sent to now.
    pub contact_list_ids: Vec<ListId>,
    /// The segments that it would be sent to now.
    pub segment_ids: Vec<SegmentId>,
    /// How many values could not be read, and are missing. An odd id of the activity itself is not among them, since nothing
    /// is missing without it. 0 as a rule.
    pub unreadable_values: usize,
}

impl FromJsonOf<ActivityId> for ActivityDetail {
    fn decode_of(asked: ActivityId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let fields = json::object(&json, "an email activity", &mut oddities)?;
        fields.require_any(&[
            "campaign_activity_id",
            "campaign_id",
            "role",
            "current_status",
            "subject",
            "preheader",
            "from_name",
            "from_email",
            "reply_to_email",
            "format_type",
            "contact_list_ids",
            "segment_ids",
        ])?;
        fields.confirm("campaign_activity_id", &asked, &mut oddities)?;
        let odd_ids = oddities.values;
        let mut prose = |name| {
            let text: Option<Prose> = fields.read(name, &mut oddities);
            text.map(|Prose(text)| text)
        };
        let (subject, preheader) = (prose("subject"), prose("preheader"));
        let from_name = prose("from_name");
        let mut value = Self {
            id: asked,
            campaign: fields.read("campaign_id", &mut oddities),
            role: fields.read("role", &mut oddities),
            status: fields.read("current_status", &mut oddities),
            subject,
            preheader,
            from_name,
            from_email: fields.read("from_email", &mut oddities),
            reply_to_email: fields.read("reply_to_email", &mut oddities),
            format_type: fields.read("format_type", &mut oddities),
            contact_list_ids: fields.list("contact_list_ids", &mut oddities),
            segment_ids: fields.list("segment_ids", &mut oddities),
            unreadable_values: 0,
        };
        value.unreadable_values = oddities.values - odd_ids;
        Ok(Decoded { value, oddities })
    }
}

/// When an activity is to be sent (`/emails/activities/{id}/schedules`): no date unless its status is `SCHEDULED`
/// (documented), and one as a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(pub Vec<Timestamp>);

impl FromJson for Schedule {
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let mut dates = Vec::new();
        for entry in json::array(&json, "a schedule", &mut oddities)? {
            match Fields::of(entry, "a schedule's entry") {
                Some(fields) => dates.extend(fields.expect::<Timestamp>("scheduled_date", &mut oddities)),
                None => oddities.record(|| is_not(entry, "a schedule's entry, which is an object")),
            }
        }
        Ok(Decoded {
            value: Self(dates),
            oddities,
        })
    }
}
