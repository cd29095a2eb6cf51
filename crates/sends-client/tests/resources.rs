//! Campaigns, lists, segments, statistics and the account, from an upstream with the inconsistencies of the documentation.

#![expect(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use std::{collections::HashSet, sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Batch, Caller, CampaignFilter, ConstantContact, FailureClass, Pacer, Paged, ResourcePage,
    pacing::Limits,
};
use sends_core::{ActivityId, ActivityRole, CampaignId, CampaignStatus, EngagementStats, ListId, SegmentId};
use sends_sandbox::{
    Config, GUIDE_ACTIVITY_ID, Sandbox, Settings,
    config::{
        AccessTokenConfig, DEFAULT_ACCOUNT,
        settings::{LastPage, NotFoundBody, StatsKeys, SummaryCounts},
    },
};
use tokio::time::Instant;

const GUIDE_CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";

struct Session {
    sandbox: Sandbox,
    client: ConstantContact,
}

impl Session {
    async fn to(config: Config) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        let settings = sends_client::Settings::new(sandbox.base_url().parse().unwrap());
        let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap();
        Self { sandbox, client }
    }

    async fn with(settings: impl FnOnce(&mut Settings)) -> Self {
        let mut config = Config::unlimited().with_odd_records();
        settings(&mut config.settings);
        Self::to(config).await
    }

    fn caller(&self) -> Caller {
        caller(self.sandbox.access_token())
    }

    /// Returns all records of a listing and the number of its pages.
    async fn all<T: Paged>(&self, first: ResourcePage<T>) -> (Vec<T>, usize) {
        let mut records = first.records;
        let (mut next, mut pages) = (first.next, 1);
        while let Some(link) = next {
            let page = self.client.next_page(&self.caller(), &link).await.unwrap();
            records.extend(page.records);
            next = page.next;
            pages += 1;
            assert!(pages < 1_000, "endless listing");
        }
        (records, pages)
    }
}

fn caller(token: &str) -> Caller {
    let token = AccessToken::new(token).unwrap();
    Caller::new(Arc::new(token), Instant::now() + Duration::from_secs(30))
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn feed(last: &str) -> ActivityId {
    id(&format!("feed0000-0000-4000-8000-0000000000{last}"))
}

#[tokio::test]
async fn campaigns_are_listed_completely_for_every_form_of_the_last_page() {
    for last_page in [LastPage::WithoutLinks, LastPage::WithoutNext, LastPage::NullHref] {
        let session = Session::with(|settings| settings.last_page = last_page).await;
        let filter = CampaignFilter {
            limit: 10,
            ..CampaignFilter::default()
        };
        let first = session
            .client
            .campaigns(&session.caller(), &filter)
            .await
            .unwrap();
        assert_eq!(first.unreadable, 0);
        let (campaigns, pages) = session.all(first).await;
        assert_eq!(pages, campaigns.len().div_ceil(10));
        let distinct: HashSet<_> = campaigns.iter().map(|campaign| campaign.id).collect();
        assert_eq!(distinct.len(), campaigns.len());
        assert!(campaigns.is_sorted_by(|one, other| one.updated_at >= other.updated_at));
        assert!(
            campaigns
                .iter()
                .any(|campaign| campaign.status.as_deref() == Some(&CampaignStatus::Removed))
        );
    }
}

#[tokio::test]
async fn campaigns_are_filtered_by_update_time_on_every_page() {
    let session = Session::to(Config::unlimited().with_odd_records()).await;
    let filter = CampaignFilter {
        limit: 3,
        updated_after: Some(id("2024-05-01T00:00:00Z")),
        updated_before: Some(id("2024-06-30T00:00:00Z")),
    };
    let first = session
        .client
        .campaigns(&session.caller(), &filter)
        .await
        .unwrap();
    let (campaigns, pages) = session.all(first).await;
    assert!(pages > 1);
    for campaign in campaigns {
        let updated_at = campaign.updated_at.unwrap();
        assert!(filter.updated_after.unwrap() < updated_at && updated_at < filter.updated_before.unwrap());
    }
}

#[tokio::test]
async fn campaign_and_activity_reference_each_other() {
    let session = Session::to(Config::unlimited().with_odd_records()).await;
    let caller = session.caller();
    let detail = session
        .client
        .campaign(&caller, id(GUIDE_CAMPAIGN))
        .await
        .unwrap();
    let primary = detail
        .activities
        .iter()
        .find(|activity| activity.role.as_deref() == Some(&ActivityRole::PrimaryEmail));
    assert_eq!(primary.unwrap().id, id(GUIDE_ACTIVITY_ID));
    assert_eq!(
        detail
            .activities
            .iter()
            .filter(|activity| activity.can_be_sent())
            .count(),
        1
    );

    let activity = session
        .client
        .activity(&caller, id(GUIDE_ACTIVITY_ID))
        .await
        .unwrap();
    assert_eq!(activity.campaign, Some(detail.campaign.id));
    assert_eq!(activity.status.as_deref(), detail.campaign.status.as_deref());
    let escaped = session.client.activity(&caller, feed("11")).await.unwrap();
    assert!(!escaped.subject.unwrap().contains("&amp;"));

    assert_eq!(
        session
            .client
            .schedule(&caller, feed("06"))
            .await
            .unwrap()
            .0
            .len(),
        1
    );
    assert_eq!(
        session
            .client
            .schedule(&caller, feed("05"))
            .await
            .unwrap()
            .0
            .len(),
        0
    );
}

#[tokio::test]
async fn deleted_resource_is_not_found_for_every_error_body() {
    for body in [NotFoundBody::Array, NotFoundBody::Object, NotFoundBody::Empty] {
        let session = Session::with(|settings| settings.not_found_body = body).await;
        let caller = session.caller();
        let removed = session.client.activity(&caller, feed("0e")).await.unwrap_err();
        assert_eq!(removed.class, FailureClass::NotFound);
        let campaign = session
            .client
            .campaign(&caller, CampaignId::from_bytes([7; 16]))
            .await
            .unwrap_err();
        assert_eq!(campaign.class, FailureClass::NotFound);
    }
}

#[tokio::test]
async fn batches_of_statistics_are_read_in_both_key_spellings() {
    let mut seen: Option<EngagementStats> = None;
    for keys in [StatsKeys::Dotted, StatsKeys::Underscored] {
        let session = Session::with(|settings| settings.stats_keys = keys).await;
        let caller = session.caller();
        let unknown = ActivityId::from_bytes([7; 16]);
        let batches = Batch::split(&[unknown, feed("13"), feed("01")]);
        let [batch] = batches.as_slice() else {
            panic!("one batch")
        };
        let stats = session
            .client
            .activity_stats(&caller, batch)
            .await
            .unwrap()
            .records;
        let ids: Vec<_> = stats.iter().map(|stats| stats.id).collect();
        assert_eq!(ids, [feed("13"), feed("01")]);
        let stats = stats[0].stats;
        assert!(stats.sends > Some(0) && stats.opens_mobile.is_some());
        assert_eq!(*seen.get_or_insert(stats), stats);

        let campaigns = Batch::split(&[id(GUIDE_CAMPAIGN)]);
        let of_campaign = session
            .client
            .campaign_stats(&caller, &campaigns[0])
            .await
            .unwrap()
            .records;
        assert_eq!(of_campaign[0].id, id(GUIDE_CAMPAIGN));
        let with_unknown = Batch::split(&[id(GUIDE_CAMPAIGN), CampaignId::from_bytes([7; 16])]);
        let error = session
            .client
            .campaign_stats(&caller, &with_unknown[0])
            .await
            .unwrap_err();
        assert_eq!(error.class, FailureClass::NotFound);
    }
}

#[tokio::test]
async fn batch_is_split_into_halves_down_to_one_id() {
    let session = Session::to(Config::unlimited().with_odd_records()).await;
    let ids: Vec<_> = (0..10)
        .map(|number| ActivityId::from_bytes([number; 16]))
        .collect();
    let batch = &Batch::split(&ids)[0];
    session
        .client
        .activity_stats(&session.caller(), batch)
        .await
        .unwrap();
    assert_eq!(session.sandbox.requests().len(), 1);
    let [first, second] = batch.halves().unwrap();
    assert_eq!([first.ids(), second.ids()].concat(), ids);
    assert!(Batch::split(&ids[..1])[0].halves().is_none());
}

#[tokio::test]
async fn summaries_are_sorted_and_their_counts_may_be_strings() {
    let mut seen = None;
    for counts in [SummaryCounts::Numbers, SummaryCounts::Strings] {
        let session = Session::with(|settings| settings.summary_counts = counts).await;
        let first = session
            .client
            .campaign_summaries(&session.caller(), 7)
            .await
            .unwrap();
        let (summaries, pages) = session.all(first).await;
        assert_eq!(pages, summaries.len().div_ceil(7));
        assert!(summaries.is_sorted_by(|one, other| one.last_sent_date >= other.last_sent_date));
        let sends: Vec<_> = summaries
            .iter()
            .map(|summary| summary.unique_counts.unwrap().sends.unwrap())
            .collect();
        assert_eq!(*seen.get_or_insert_with(|| sends.clone()), sends);
    }
}

#[tokio::test]
async fn deleted_lists_and_segments_have_names() {
    let session = Session::to(Config::unlimited().with_odd_records().with_activities(100)).await;
    let caller = session.caller();
    let first = session.client.contact_lists(&caller).await.unwrap();
    let (lists, _) = session.all(first).await;
    let deleted = ListId::from("11570000-0000-4000-8000-000000000004");
    let deleted = lists.iter().find(|list| list.id == deleted).unwrap();
    assert!(deleted.deleted_at.is_some());
    assert!(
        lists
            .iter()
            .any(|list| list.name.as_deref() == Some("Friends & Family"))
    );

    let first = session.client.segments(&caller).await.unwrap();
    let (segments, _) = session.all(first).await;
    assert!(
        segments
            .iter()
            .any(|segment| segment.id == SegmentId::new(9_007_199_254_740_993))
    );
    let deleted = SegmentId::new(17);
    assert!(segments.iter().all(|segment| segment.id != deleted));
    let alone = session.client.segment(&caller, deleted).await.unwrap();
    assert_eq!(alone.name.as_deref(), Some("Summer visitors"));
}

#[tokio::test]
async fn lists_and_segments_are_forbidden_without_the_scope() {
    let mut config = Config::unlimited().with_odd_records();
    config.access_tokens.push(AccessTokenConfig {
        scopes: vec!["campaign_data".to_owned()],
        ..AccessTokenConfig::new("campaigns-only", DEFAULT_ACCOUNT)
    });
    let session = Session::to(config).await;
    let caller = caller("campaigns-only");
    let lists = session.client.contact_lists(&caller).await.unwrap_err();
    let segments = session.client.segments(&caller).await.unwrap_err();
    assert_eq!([lists.class, segments.class], [FailureClass::Forbidden; 2]);
    session
        .client
        .campaigns(&caller, &CampaignFilter::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn only_get_requests_are_sent() {
    let session = Session::to(Config::unlimited().with_odd_records()).await;
    let caller = session.caller();
    session.client.account_summary(&caller).await.unwrap();
    session.client.user_privileges(&caller).await.unwrap();
    session.client.contact_lists(&caller).await.unwrap();
    session.client.campaign_summaries(&caller, 0).await.unwrap();
    let requests = session.sandbox.requests();
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|request| request.method == "GET" && request.status == Some(200))
    );
}
