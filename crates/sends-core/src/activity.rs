//! Email activity and its schedule. The lists and segments of an activity are the current selection; a send record has the
//! selection of that send.

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

/// Email activity (`/emails/activities/{id}`). An optional field is `None` when its member is missing, null or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityDetail {
    /// Id of the activity, as requested.
    pub id: ActivityId,
    /// Campaign of the activity.
    pub campaign: Option<CampaignId>,
    /// Role within the campaign.
    pub role: Option<Verbatim<ActivityRole>>,
    /// Status of the activity.
    pub status: Option<Verbatim<CampaignStatus>>,
    /// Subject line, with HTML entities decoded.
    pub subject: Option<String>,
    /// Preview text that mail clients show next to the subject, with HTML entities decoded. Empty when the email has no preview
    /// text.
    pub preheader: Option<String>,
    /// Name of the sender, with HTML entities decoded.
    pub from_name: Option<String>,
    /// Email address of the sender.
    pub from_email: Option<String>,
    /// Email address for replies.
    pub reply_to_email: Option<String>,
    /// The upstream's numeric code of the email format.
    pub format_type: Option<i32>,
    /// Contact lists of the next send.
    pub contact_list_ids: Vec<ListId>,
    /// Segments of the next send.
    pub segment_ids: Vec<SegmentId>,
    /// Number of values that could not be decoded and are `None` or omitted. Normally 0. An unreadable id of the activity is
    /// not counted because the requested id replaces it.
    pub unreadable_values: usize,
}

impl FromJsonOf<ActivityId> for ActivityDetail {
    fn decode_of(requested: ActivityId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
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
        fields.confirm("campaign_activity_id", &requested, &mut oddities)?;
        let odd_ids = oddities.values;
        let mut prose = |name| {
            let text: Option<Prose> = fields.read(name, &mut oddities);
            text.map(|Prose(text)| text)
        };
        let (subject, preheader) = (prose("subject"), prose("preheader"));
        let from_name = prose("from_name");
        let mut value = Self {
            id: requested,
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

/// Scheduled send times of an activity (`/emails/activities/{id}/schedules`). Empty unless the status of the activity is
/// `SCHEDULED` (documented). Normally contains a single time.
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
