use async_graphql::SimpleObject;
use jiff::Timestamp;

use super::{scalar::Long, zone::dates};

/// Engagement statistics of an email. Each contact is counted once, except in the fields named `total...`. A field is null
/// if Constant Contact reports no value.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct EngagementStats {
    /// Number of contacts to whom the email was sent.
    sends: Option<Long>,
    /// Estimated number of contacts who opened the email. Automatic image loading counts as an open, and opens without images are
    /// not detected.
    opens: Option<Long>,
    /// Estimated number of contacts without a detected open.
    not_opened: Option<Long>,
    /// Number of contacts who clicked a link.
    clicks: Option<Long>,
    /// Number of contacts who used the forward link.
    forwards: Option<Long>,
    /// Number of contacts who unsubscribed through this email.
    opt_outs: Option<Long>,
    /// Number of spam reports.
    abuse_reports: Option<Long>,
    /// Number of bounces by type.
    bounces: Bounces,
    /// Estimated number of opens, including repeated opens.
    total_opens: Option<Long>,
    /// Estimated number of opens on phones.
    total_opens_mobile: Option<Long>,
    /// Estimated number of opens on computers.
    total_opens_computer: Option<Long>,
    /// Estimated number of opens on tablets.
    total_opens_tablet: Option<Long>,
    /// Number of clicks, including repeated clicks.
    total_clicks: Option<Long>,
    /// Number of undecodable values, which are null. Normally 0.
    unreadable_value_count: Long,
    #[graphql(skip)]
    updated: Option<Timestamp>,
}

/// Number of bounced contacts by bounce type. A field is null if Constant Contact reports no value.
#[derive(SimpleObject)]
pub(super) struct Bounces {
    /// Number of all bounces.
    total: Option<Long>,
    /// Number of bounces because the receiving server blocked the email.
    blocked: Option<Long>,
    /// Number of bounces because the mailbox was full.
    mailbox_full: Option<Long>,
    /// Number of bounces because the address does not exist.
    nonexistent_address: Option<Long>,
    /// Number of bounces because the address had been suspended after earlier bounces.
    suspended: Option<Long>,
    /// Number of bounces because the email could not be delivered.
    undeliverable: Option<Long>,
    /// Number of vacation auto-replies.
    vacation: Option<Long>,
    /// Number of bounces for other reasons.
    other: Option<Long>,
}

dates! { EngagementStats {
    /// Time of Constant Contact's last update of these statistics.
    refreshed_at: |of| of.updated,
} }

impl From<&sends_core::ActivityStats> for EngagementStats {
    fn from(of: &sends_core::ActivityStats) -> Self {
        Self::new(&of.stats, of.last_refresh_time, of.unreadable_values)
    }
}

impl From<&sends_core::CampaignStats> for EngagementStats {
    fn from(of: &sends_core::CampaignStats) -> Self {
        Self::new(&of.stats, of.last_refresh_time, of.unreadable_values)
    }
}

impl EngagementStats {
    fn new(
        stats: &sends_core::EngagementStats,
        updated: Option<Timestamp>,
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
            unreadable_value_count: unreadable_values.into(),
            updated,
        }
    }
}
