//! Owns what a campaign and an activity are to the sandbox. Must not know where they come from (showcase, generator or
//! a control request) nor how an endpoint shows them.

use std::borrow::Cow;

use uuid::Uuid;

use super::send::Send;
use crate::clock::Moment;

type Text = Cow<'static, str>;

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: Uuid,
    pub(crate) campaign_id: Uuid,
    pub(crate) role: Text,
    /// In upper case, as activities spell it.
    pub(crate) status: Text,
    pub(crate) list_ids: Vec<Uuid>,
    pub(crate) segment_ids: Vec<i64>,
    pub(crate) subject: Text,
    pub(crate) from_name: Text,
    pub(crate) from_email: Text,
    pub(crate) scheduled_at: Option<Moment>,
    pub(crate) sends: Vec<Send>,
}

impl Activity {
    pub(crate) fn is_sendable(&self) -> bool {
        self.role != PERMALINK && self.status != "REMOVED"
    }

    pub(crate) fn last_sent_at(&self) -> Option<Moment> {
        self.sends.iter().filter_map(Send::run_at).max()
    }

    pub(crate) fn reached(&self) -> i64 {
        self.sends.iter().map(Send::reached).sum()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) id: Uuid,
    pub(crate) name: Text,
    /// Capitalised, as campaigns spell it.
    pub(crate) status: Text,
    pub(crate) kind: Text,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// The activities with their roles, in the order the upstream happens to list them.
    pub(crate) activities: Vec<(Uuid, Text)>,
    /// Listed, but 404 when asked for by itself.
    pub(crate) detail_is_gone: bool,
}

pub(crate) const PRIMARY: &str = "primary_email";
pub(crate) const PERMALINK: &str = "permalink";
pub(crate) const RESEND: &str = "resend";

/// The sums that reports give of what happened to an email, derived from its identifier and how many it reached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Engagement {
    pub(crate) sends: i64,
    pub(crate) opens: i64,
    pub(crate) clicks: i64,
    pub(crate) forwards: i64,
    pub(crate) optouts: i64,
    pub(crate) abuse: i64,
    pub(crate) bounces: i64,
    pub(crate) not_opened: i64,
}

impl Engagement {
    pub(crate) fn of(activity: &Activity) -> Self {
        let (high, low) = activity.id.as_u64_pair();
        let reached = activity.reached();
        let spread = i64::try_from((high ^ low) % 20).unwrap_or(0);
        let percent = |share: i64| (reached / 100).saturating_mul(share) + reached % 100 * share / 100;
        // Contacts that did not open an email the first time rarely do the second time.
        let opened = if activity.role == RESEND {
            8 + spread / 3
        } else {
            30 + spread
        };
        let (opens, bounces) = (percent(opened), percent(1 + spread / 5));
        Self {
            sends: reached,
            opens,
            clicks: opens / 5,
            forwards: opens / 90,
            optouts: reached / 400,
            abuse: reached / 9000,
            bounces,
            not_opened: reached - opens - bounces,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            sends: self.sends + other.sends,
            opens: self.opens + other.opens,
            clicks: self.clicks + other.clicks,
            forwards: self.forwards + other.forwards,
            optouts: self.optouts + other.optouts,
            abuse: self.abuse + other.abuse,
            bounces: self.bounces + other.bounces,
            not_opened: self.not_opened + other.not_opened,
        }
    }
}
