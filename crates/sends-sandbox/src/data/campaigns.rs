//! Campaigns, activities, and the statistics of an activity.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::send::Send;
use crate::clock::Moment;

pub(crate) const PRIMARY: &str = "primary_email";
pub(crate) const PERMALINK: &str = "permalink";
pub(crate) const RESEND: &str = "resend";

pub(crate) const FROM_NAME: &str = "The Lantern Bookshop";
pub(super) const FROM_EMAIL: &str = "hello@lantern.example";

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Activity {
    #[serde(rename = "campaign_activity_id")]
    pub(crate) id: Uuid,
    pub(crate) campaign_id: Uuid,
    pub(crate) role: String,
    /// Status in upper case, in contrast to the capitalised status of a campaign.
    #[serde(rename = "current_status")]
    pub(crate) status: String,
    #[serde(rename = "contact_list_ids", default)]
    pub(crate) list_ids: Vec<Uuid>,
    #[serde(default)]
    pub(crate) segment_ids: Vec<i64>,
    pub(crate) subject: String,
    #[serde(default = "from_email")]
    pub(crate) from_email: String,
    pub(crate) scheduled_at: Option<Moment>,
    #[serde(default)]
    pub(crate) sends: Vec<Send>,
}

pub(super) fn from_email() -> String {
    FROM_EMAIL.to_owned()
}

impl Activity {
    pub(crate) fn is_sendable(&self) -> bool {
        self.role != PERMALINK && self.status != "REMOVED"
    }

    pub(crate) fn last_sent_at(&self) -> Option<Moment> {
        self.sends.iter().filter_map(Send::run_at).max()
    }

    pub(crate) fn next_send_id(&self) -> i64 {
        self.sends.iter().filter_map(Send::send_id).max().unwrap_or(0) + 1
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Campaign {
    #[serde(rename = "campaign_id")]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(rename = "current_status")]
    pub(crate) status: String,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// Activities in arbitrary order, because the upstream defines none.
    #[serde(rename = "campaign_activities", skip_serializing)]
    pub(crate) activities: Vec<ListedActivity>,
    /// The campaign is listed, but a request for it returns 404.
    #[serde(default, skip_serializing)]
    pub(crate) detail_is_gone: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListedActivity {
    #[serde(rename = "campaign_activity_id")]
    pub(crate) id: Uuid,
    pub(crate) role: String,
}

impl ListedActivity {
    pub(crate) fn new(id: Uuid, role: &str) -> Self {
        let role = role.to_owned();
        Self { id, role }
    }
}

/// Counts of a report, in the order of [`COUNTS`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Engagement([i64; 8]);

const COUNTS: [&str; 8] = [
    "sends",
    "opens",
    "clicks",
    "forwards",
    "optouts",
    "abuse",
    "bounces",
    "not_opened",
];

impl Engagement {
    /// Derives the counts from the identifier and the number of contacts reached.
    pub(crate) fn of(activity: &Activity) -> Self {
        let (high, low) = activity.id.as_u64_pair();
        let reached: i64 = activity.sends.iter().map(Send::reached).sum();
        let spread = i64::try_from((high ^ low) % 20).unwrap_or(0);
        let percent = |share: i64| (reached / 100).saturating_mul(share) + reached % 100 * share / 100;
        // Few contacts open a resend.
        let opened = if activity.role == RESEND {
            8 + spread / 3
        } else {
            30 + spread
        };
        let (opens, bounces) = (percent(opened), percent(1 + spread / 5));
        Self([
            reached,
            opens,
            opens / 5,
            opens / 90,
            reached / 400,
            reached / 9000,
            bounces,
            reached - opens - bounces,
        ])
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] + other.0[index]))
    }

    pub(crate) fn counts(self) -> impl Iterator<Item = (&'static str, i64)> {
        COUNTS.into_iter().zip(self.0)
    }

    pub(crate) fn opens(self) -> i64 {
        self.0[1]
    }

    pub(crate) fn clicks(self) -> i64 {
        self.0[2]
    }

    pub(crate) fn bounces(self) -> i64 {
        self.0[6]
    }
}
