//! What contacts did with an email, in numbers.

use async_graphql::{ComplexObject, Context, SimpleObject};
use jiff::Timestamp;

use super::{
    ApiError,
    scalar::{DateTime, Long, count},
    zone::DateTimeZone,
};

/// How many contacts did what with an email, each counted once unless said otherwise. Null where Constant Contact does not
/// say.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct EngagementStats {
    /// Contacts the email was sent to.
    sends: Option<Long>,
    /// Contacts who opened it. An estimate: mail programs that load images by themselves count as opening, and those that
    /// load none do not.
    opens: Option<Long>,
    /// Contacts who are not known to have opened it: an estimate, as `opens` is.
    not_opened: Option<Long>,
    /// Contacts who followed a link.
    clicks: Option<Long>,
    /// Contacts who forwarded it by the link for that.
    forwards: Option<Long>,
    /// Contacts who unsubscribed by it.
    opt_outs: Option<Long>,
    /// Reports of the email as unwanted.
    abuse_reports: Option<Long>,
    /// Contacts it came back from.
    bounces: Bounces,
    /// Every opening, however often by one contact: an estimate.
    total_opens: Option<Long>,
    /// Every opening on a phone: an estimate.
    total_opens_mobile: Option<Long>,
    /// Every opening on a computer: an estimate.
    total_opens_computer: Option<Long>,
    /// Every opening on a tablet: an estimate.
    total_opens_tablet: Option<Long>,
    /// Every click, however often by one contact.
    total_clicks: Option<Long>,
    /// How many of these values Constant Contact gave in a form that cannot be read. They are null; 0 as a rule.
    unreadable_value_count: i32,
    #[graphql(skip)]
    last_refresh_time: Option<Timestamp>,
}

/// Contacts an email came back from, by kind. Null where Constant Contact does not say.
#[derive(SimpleObject)]
pub(super) struct Bounces {
    /// For any reason.
    total: Option<Long>,
    /// The receiving system blocked it.
    blocked: Option<Long>,
    /// The mailbox was full.
    mailbox_full: Option<Long>,
    /// The address does not exist.
    nonexistent_address: Option<Long>,
    /// The address had been suspended, after it bounced before.
    suspended: Option<Long>,
    /// It could not be delivered.
    undeliverable: Option<Long>,
    /// Somebody is away and has said so.
    vacation: Option<Long>,
    /// For another reason.
    other: Option<Long>,
}

#[ComplexObject]
impl EngagementStats {
    /// When Constant Contact last counted.
    async fn last_refresh_time(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.last_refresh_time).await
    }
}

impl EngagementStats {
    pub(super) fn of_activity(of: &sends_core::ActivityStats) -> Self {
        Self::new(&of.stats, of.last_refresh_time, of.unreadable_values)
    }

    pub(super) fn of_campaign(of: &sends_core::CampaignStats) -> Self {
        Self::new(&of.stats, of.last_refresh_time, of.unreadable_values)
    }

    fn new(
        stats: &sends_core::EngagementStats,
        last_refresh_time: Option<Timestamp>,
        unreadable_values: usize,
    ) -> Self {
        let number = |count: Option<i64>| count.map(Long);
        Self {
            sends: number(stats.sends),
            opens: number(stats.opens),
            not_opened: number(stats.not_opened),
            clicks: number(stats.clicks),
            forwards: number(stats.forwards),
            opt_outs: number(stats.optouts),
            abuse_reports: number(stats.abuse),
            bounces: Bounces {
                total: number(stats.bounces),
                blocked: number(stats.bounces_blocked),
                mailbox_full: number(stats.bounces_mailbox_full),
                nonexistent_address: number(stats.bounces_nonexistent_address),
                suspended: number(stats.bounces_suspended),
                undeliverable: number(stats.bounces_undeliverable),
                vacation: number(stats.bounces_vacation),
                other: number(stats.bounces_other),
            },
            total_opens: number(stats.opens_all),
            total_opens_mobile: number(stats.opens_mobile),
            total_opens_computer: number(stats.opens_computer),
            total_opens_tablet: number(stats.opens_tablet),
            total_clicks: number(stats.clicks_all),
            unreadable_value_count: count(unreadable_values),
            last_refresh_time,
        }
    }
}
