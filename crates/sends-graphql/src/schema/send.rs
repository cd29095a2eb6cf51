//! GraphQL type of sends: upstream values, and values that the core crate derives from them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use sends_core::{ActivityId, SendAttempt, SendHistory};
use sends_store::LoggedSend;

use super::{
    ApiError,
    activity::CampaignActivity,
    audience::{ContactList, Segment},
    campaign::{Campaign, KnownCampaign},
    charge,
    enums::{SendOutcome, SendStatus},
    error::Nullable,
    paging::Place,
    reason::Reason,
    scalar::{DateTime, Long, TimeZone},
};

pub(super) struct HistoricSend {
    activity: ActivityId,
    history: Arc<SendHistory>,
    index: usize,
    /// Number of earlier sends with the same `sendId` that are not in `history`.
    repeats_before: usize,
    campaign: KnownCampaign,
}

impl HistoricSend {
    pub(super) fn new(
        activity: ActivityId,
        history: Arc<SendHistory>,
        index: usize,
        campaign: KnownCampaign,
    ) -> Self {
        Self {
            activity,
            history,
            index,
            repeats_before: 0,
            campaign,
        }
    }

    pub(super) fn logged(logged: &LoggedSend) -> Self {
        let history = SendHistory::new(vec![logged.send.clone()]);
        let campaign = KnownCampaign::in_log(logged.campaign.as_ref());
        Self {
            repeats_before: usize::try_from(logged.repeat).unwrap_or(0),
            ..Self::new(logged.activity, Arc::new(history), 0, campaign)
        }
    }

    fn sent_activity(&self) -> CampaignActivity {
        CampaignActivity::of_send(self.activity, self.campaign.clone())
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

/// Attempt to send an activity.
#[Object(name = "Send")]
impl HistoricSend {
    /// Opaque global id, which `node` accepts. `sendId` is not unique, even within an activity.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{}:{}", self.activity, self.place()))
    }

    /// Activity that was sent. Reading its `id` costs no upstream call.
    async fn activity(&self) -> CampaignActivity {
        self.sent_activity()
    }

    /// Campaign of the activity. For a send of `Query.sends`, the campaign costs no upstream call. Its values are those of the
    /// last listing (`syncState { listedAt }`), so `updatedAt` can be older than elsewhere. If the log does not have the campaign
    /// yet, the campaign is null, or fields other than its ids cost an upstream call. For any other send, the value is that of
    /// the activity's `campaign`.
    async fn campaign(&self, context: &Context<'_>) -> Nullable<Campaign> {
        match &self.campaign {
            KnownCampaign::NotInLog => self.campaign.of(context, self.activity).map(Ok),
            _ => self.sent_activity().campaign_of(context).await,
        }
    }

    /// Number of the attempt within its activity, starting at 1. Constant Contact can repeat a number.
    async fn send_id(&self) -> i32 {
        self.attempt().send_id
    }

    /// Constant Contact's ids of the contact lists used for this send, which can differ from the activity's current lists. Empty
    /// if segments were used or Constant Contact reports no lists.
    async fn contact_list_ids(&self, context: &Context<'_>) -> Result<Vec<ID>, ApiError> {
        let ids = &self.attempt().contact_list_ids;
        charge::list(context, ids.len(), 1).await?;
        Ok(ids.iter().map(|id| ID(id.to_string())).collect())
    }

    /// Constant Contact's ids of the segments used for this send. Empty if contact lists were used or Constant Contact reports no
    /// segments.
    async fn segment_ids(&self, context: &Context<'_>) -> Result<Vec<ID>, ApiError> {
        let ids = &self.attempt().segment_ids;
        charge::list(context, ids.len(), 1).await?;
        Ok(ids.iter().map(|id| ID(id.to_string())).collect())
    }

    /// Contact lists used for this send, including deleted lists. Reading their names costs one upstream call per 500 lists of
    /// the account.
    async fn contact_lists(&self, context: &Context<'_>) -> Result<Vec<ContactList>, ApiError> {
        let lists = &self.attempt().contact_list_ids;
        charge::list(context, lists.len(), 1).await?;
        Ok(lists.iter().cloned().map(ContactList).collect())
    }

    /// Segments used for this send, including deleted segments. Reading their names costs one upstream call per 1,000 segments of
    /// the account, and another call for each deleted segment.
    async fn segments(&self, context: &Context<'_>) -> Result<Vec<Segment>, ApiError> {
        let segments = &self.attempt().segment_ids;
        charge::list(context, segments.len(), 1).await?;
        Ok(segments.iter().copied().map(Segment).collect())
    }

    /// Number of contacts that Constant Contact reports for this attempt. A resend counts only contacts who had not received the
    /// email before. Null if Constant Contact omits the number.
    async fn count(&self) -> Option<Long> {
        self.attempt().count.map(Long)
    }

    /// Date of the attempt. Null if Constant Contact omits it or returns a date without an offset.
    async fn run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.attempt().run_date).await
    }

    /// Constant Contact's status of the attempt. `COMPLETED` does not imply delivery; see `outcome`.
    async fn send_status(&self) -> SendStatus {
        self.attempt().send_status.as_deref().into()
    }

    /// Constant Contact's original value of `sendStatus`. Null if Constant Contact omits it.
    async fn send_status_raw(&self) -> Option<&str> {
        let status = self.attempt().send_status.as_ref();
        status.map(sends_core::Verbatim::verbatim)
    }

    /// Constant Contact's reason code, which `reason` explains. 0 is success. Null if Constant Contact omits it.
    async fn reason_code(&self) -> Option<i32> {
        self.attempt().reason_code.map(sends_core::ReasonCode::get)
    }

    /// Explanation of `reasonCode`. Null if there is no code.
    async fn reason(&self) -> Option<Reason> {
        self.attempt().reason().map(Reason)
    }

    /// Outcome of the attempt, derived from `sendStatus`, `reasonCode` and `count` together.
    async fn outcome(&self) -> SendOutcome {
        self.attempt().outcome().into()
    }

    /// Whether `sendStatus`, `reasonCode` and `count` contradict each other, for example `COMPLETED` with a failure code.
    /// `outcome` then follows the reason code; `ERRORED` with code 0 counts as failed.
    async fn is_contradictory(&self) -> bool {
        self.attempt().is_contradictory()
    }
}
