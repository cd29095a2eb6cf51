//! One send of an activity: the upstream's fields and what the core crate derives from them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use sends_core::{ActivityId, SendAttempt, SendHistory};
use sends_store::LoggedSend;

use super::{
    ApiError,
    activity::CampaignActivity,
    audience::{ContactList, Segment},
    campaign::Campaign,
    charge,
    enums::{SendOutcome, SendStatus},
    paging::Place,
    reason::Reason,
    scalar::{DateTime, Long},
    zone::DateTimeZone,
};

/// One attempt to send an activity.
pub(super) struct HistoricSend {
    activity: ActivityId,
    history: Arc<SendHistory>,
    index: usize,
    /// How many sends with the same `sendId` come before those of `history`.
    repeats_before: usize,
    campaign: CampaignOfSend,
}

/// What is known of the campaign that a send belongs to.
enum CampaignOfSend {
    /// Nothing: the upstream's history does not say, and the activity has to be asked.
    Unread,
    /// As much as the log knows.
    Logged(Option<sends_core::Campaign>),
}

impl HistoricSend {
    /// The send at `index` of the history of `activity`; the history is shared rather than copied.
    pub(super) fn new(activity: ActivityId, history: Arc<SendHistory>, index: usize) -> Self {
        Self {
            activity,
            history,
            index,
            repeats_before: 0,
            campaign: CampaignOfSend::Unread,
        }
    }

    /// A send as the log has it.
    pub(super) fn logged(logged: &LoggedSend) -> Self {
        let history = SendHistory::new(vec![logged.send.clone()]);
        Self {
            repeats_before: usize::try_from(logged.repeat).unwrap_or(0),
            campaign: CampaignOfSend::Logged(logged.campaign.clone()),
            ..Self::new(logged.activity, Arc::new(history), 0)
        }
    }

    fn sent_activity(&self) -> CampaignActivity {
        match &self.campaign {
            CampaignOfSend::Logged(campaign) => CampaignActivity::of_log(self.activity, campaign.as_ref()),
            CampaignOfSend::Unread => CampaignActivity::new(self.activity, None),
        }
    }

    fn place(&self) -> Place {
        let send_id = self.attempt().send_id;
        let before = self.history.sends()[..self.index].iter();
        let same = before.rev().take_while(|send| send.send_id == send_id);
        Place {
            send_id,
            repeat: self.repeats_before + same.count(),
        }
    }

    fn attempt(&self) -> &SendAttempt {
        &self.history.sends()[self.index]
    }
}

/// One attempt to send an activity.
#[Object(name = "Send")]
impl HistoricSend {
    /// An identity for caches: the activity's id and the `sendId`, which alone is not unique. Where Constant Contact gives
    /// several sends of an activity the same `sendId`, the second ends in `:2`, the third in `:3`, in its order.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{}:{}", self.activity, self.place()))
    }

    /// The activity that was sent. Costs no upstream call until a field needs one.
    async fn activity(&self) -> CampaignActivity {
        self.sent_activity()
    }

    /// The campaign that the activity belongs to. A send of `sends` shows it as the log has it, which costs no upstream call,
    /// and null while the log does not know it. So it is as it was when it was last listed, which `syncState { listedAt }`
    /// tells, and a cache may know it newer from elsewhere: `updatedAt` says which is. Any other send asks for it, and then it
    /// is null, with an error, when the activity could not be read.
    async fn campaign(&self, context: &Context<'_>) -> Option<Result<Campaign, ApiError>> {
        match &self.campaign {
            CampaignOfSend::Logged(None) => None,
            _ => self.sent_activity().campaign_of(context).await,
        }
    }

    /// The number of this attempt within its activity, counted from 1.
    async fn send_id(&self) -> i32 {
        self.attempt().send_id
    }

    /// The contact lists that were used for this send, which need not be the lists the activity has today. Empty when
    /// segments were used, or when Constant Contact names none.
    async fn contact_list_ids(&self, context: &Context<'_>) -> Result<Vec<ID>, ApiError> {
        let ids = &self.attempt().contact_list_ids;
        charge::list(context, ids.len(), 1).await?;
        Ok(ids.iter().map(|id| ID(id.to_string())).collect())
    }

    /// The segments that were used for this send. Empty when lists were used, or when Constant Contact names none.
    async fn segment_ids(&self, context: &Context<'_>) -> Result<Vec<ID>, ApiError> {
        let ids = &self.attempt().segment_ids;
        charge::list(context, ids.len(), 1).await?;
        Ok(ids.iter().map(|id| ID(id.to_string())).collect())
    }

    /// The contact lists that were used for this send, with their names, deleted ones too. All names together cost one
    /// upstream call, or one for every 500 lists of the account.
    async fn contact_lists(&self, context: &Context<'_>) -> Result<Vec<ContactList>, ApiError> {
        let lists = &self.attempt().contact_list_ids;
        charge::list(context, lists.len(), 1).await?;
        Ok(lists.iter().cloned().map(ContactList).collect())
    }

    /// The segments that were used for this send, with their names, deleted ones too. The names of those that were not
    /// deleted cost one upstream call together, each other segment one of its own.
    async fn segments(&self, context: &Context<'_>) -> Result<Vec<Segment>, ApiError> {
        let segments = &self.attempt().segment_ids;
        charge::list(context, segments.len(), 1).await?;
        Ok(segments.iter().copied().map(Segment).collect())
    }

    /// How many contacts this attempt was for; on a resend only those that had not received it yet. Null when Constant
    /// Contact leaves it out.
    async fn count(&self) -> Option<Long> {
        self.attempt().count.map(Long)
    }

    /// When it was sent. Null when Constant Contact leaves it out, or gives no moment: a date without an offset from UTC is none.
    async fn run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.attempt().run_date).await
    }

    /// What Constant Contact says about the attempt. COMPLETED does not mean delivered: `outcome` does the reading.
    async fn send_status(&self) -> SendStatus {
        self.attempt().send_status.as_deref().into()
    }

    /// The status as it came, letter case included, for values that `sendStatus` can only call UNKNOWN. Null when left out.
    async fn send_status_raw(&self) -> Option<&str> {
        self.attempt()
            .send_status
            .as_ref()
            .map(sends_core::Verbatim::verbatim)
    }

    /// Constant Contact's code for how it ended; 0 is success. Null when left out. `reason` explains it.
    async fn reason_code(&self) -> Option<i32> {
        self.attempt().reason_code.map(sends_core::ReasonCode::get)
    }

    /// What the reason code means and what to do about it. Null when Constant Contact gives no code.
    async fn reason(&self) -> Option<Reason> {
        self.attempt().reason().map(Reason)
    }

    /// How the attempt really ended, derived from status, reason code and count together.
    async fn outcome(&self) -> SendOutcome {
        self.attempt().outcome().into()
    }

    /// Whether status, reason code and count contradict each other, as in COMPLETED with the code of a failure. The
    /// outcome then follows the reason code, unless the code is 0 and the status ERRORED, which counts as failed.
    async fn is_contradictory(&self) -> bool {
        self.attempt().is_contradictory()
    }
}
