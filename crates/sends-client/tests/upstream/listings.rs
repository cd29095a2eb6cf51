//! Pages whose records or links are not what they should be.

use std::{sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Caller, CampaignFilter, ConstantContact, Pacer, Paged, ResourcePage, Settings,
    pacing::Limits,
};
use tokio::time::Instant;

use crate::scripted_upstream::{Reply, ScriptedUpstream};

const CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";

fn client(upstream: &ScriptedUpstream) -> ConstantContact {
    let settings = Settings::new(upstream.base_url().parse().unwrap());
    ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap()
}

fn caller() -> Caller {
    let token = AccessToken::new("the-secret-token").unwrap();
    Caller::new(Arc::new(token), Instant::now() + Duration::from_secs(30))
}

fn page(link: &str) -> Reply {
    let body = format!(
        r#"{{"campaigns": [{{"campaign_id": "{CAMPAIGN}"}}, {{"name": "nobody's"}}], "_links": {{"next": {{"href": "{link}"}}}}}}"#
    );
    Reply::json(200, &body)
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_counted_and_costs_its_neighbours_nothing() {
    let upstream = ScriptedUpstream::start([
        page("/v3/emails?cursor=x"),
        Reply::json(200, r#"{"campaigns": []}"#),
    ])
    .await;
    let first = client(&upstream)
        .campaigns(&caller(), &CampaignFilter::default())
        .await
        .unwrap();
    assert_eq!((first.records.len(), first.unreadable), (1, 1));
    client(&upstream)
        .next_page(&caller(), &first.next.unwrap())
        .await
        .unwrap();
    let lines: Vec<_> = upstream
        .requests()
        .iter()
        .map(|request| request.lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "GET /v3/emails?limit=500 HTTP/1.1",
            "GET /v3/emails?cursor=x HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn a_link_out_of_the_listing_costs_the_pages_behind_it() {
    for (link, problem) in [
        (
            "https://example.com/v3/emails?cursor=x",
            "it leads away from the listing",
        ),
        ("/v3/contacts?cursor=x", "it leads away from the listing"),
        ("http://[", "it is no URL"),
        ("/v3/emails?limit=500", "it leads back to a page that was read"),
    ] {
        let upstream = ScriptedUpstream::start([page(link)]).await;
        let page = client(&upstream)
            .campaigns(&caller(), &CampaignFilter::default())
            .await
            .unwrap();
        assert_eq!((page.records.len(), page.unreadable), (1, 1), "{link}");
        assert_eq!(page.cut_short, Some(problem), "{link}");
        assert!(page.next.is_none());
        assert_eq!(upstream.requests().len(), 1);
    }
}

/// Reads a listing to its end: how many calls that took, and why it was cut short.
async fn walk<T: Paged>(client: &ConstantContact, first: ResourcePage<T>) -> (usize, Option<&'static str>) {
    let (mut page, mut calls) = (first, 1);
    while let Some(next) = page.next {
        page = client.next_page(&caller(), &next).await.unwrap();
        calls += 1;
    }
    (calls, page.cut_short)
}

#[tokio::test]
async fn cursors_that_go_round_are_noticed_on_every_listing() {
    // Each page as its records, which differ, and its link.
    let circles = [
        (&["A", "A"][..], 2, "it leads back to a page that was read"),
        (&["A", "B", "A"][..], 3, "it leads back to a page that was read"),
        (
            &["A", "B", "C", "B"][..],
            4,
            "it leads back to a page that was read",
        ),
    ];
    for (member, path) in [
        ("campaigns", "emails"),
        (
            "bulk_email_campaign_summaries",
            "reports/summary_reports/email_campaign_summaries",
        ),
        ("lists", "contact_lists"),
        ("segments", "segments"),
    ] {
        for (cursors, expected, problem) in circles {
            let page = |cursor: &&str| {
                Reply::json(
                    200,
                    &format!(
                        r#"{{"{member}": [], "_links": {{"next": {{"href": "/v3/{path}?cursor={cursor}"}}}}}}"#
                    ),
                )
            };
            let upstream = ScriptedUpstream::start(cursors.iter().map(page)).await;
            let client = client(&upstream);
            let caller = caller();
            let walked = match member {
                "campaigns" => {
                    walk(
                        &client,
                        client
                            .campaigns(&caller, &CampaignFilter::default())
                            .await
                            .unwrap(),
                    )
                    .await
                }
                "lists" => walk(&client, client.contact_lists(&caller).await.unwrap()).await,
                "segments" => walk(&client, client.segments(&caller).await.unwrap()).await,
                _ => walk(&client, client.campaign_summaries(&caller, 500).await.unwrap()).await,
            };
            assert_eq!(walked, (expected, Some(problem)), "{member} {cursors:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_comes_again_under_another_cursor_is_noticed() {
    let upstream =
        ScriptedUpstream::start(["1", "2", "3"].map(|cursor| page(&format!("/v3/emails?cursor={cursor}"))))
            .await;
    let client = client(&upstream);
    let first = client
        .campaigns(&caller(), &CampaignFilter::default())
        .await
        .unwrap();
    assert_eq!(walk(&client, first).await, (2, Some("it leads in a circle")));
}

#[tokio::test]
async fn behind_a_path_prefix_links_are_followed_under_it() {
    let upstream = ScriptedUpstream::start([
        page("/v3/emails?cursor=x"),
        Reply::json(200, r#"{"campaigns": []}"#),
    ])
    .await;
    let base = format!("http://{}/gateway/cc/v3", upstream.authority());
    let settings = Settings::new(base.parse().unwrap());
    let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap();
    let first = client
        .campaigns(&caller(), &CampaignFilter::default())
        .await
        .unwrap();
    assert_eq!(walk(&client, first).await, (2, None));
    assert!(upstream.requests()[1].starts_with("GET /gateway/cc/v3/emails?cursor=x HTTP/1.1\n"));
}

#[tokio::test]
async fn a_listing_without_its_list_is_an_empty_page_that_says_so() {
    let upstream = ScriptedUpstream::start([Reply::json(200, r#"{"_links": {}}"#)]).await;
    let page = client(&upstream)
        .campaign_summaries(&caller(), 500)
        .await
        .unwrap();
    assert_eq!(
        (page.records.len(), page.unreadable, page.cut_short),
        (0, 1, None)
    );
}
