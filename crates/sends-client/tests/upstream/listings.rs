//! Listings with malformed records or links.

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
        r#"{{"campaigns": [{{"campaign_id": "{CAMPAIGN}"}}, {{"name": "Summer"}}], "_links": {{"next": {{"href": "{link}"}}}}}}"#
    );
    Reply::json(200, &body)
}

#[tokio::test]
async fn unreadable_record_is_counted_and_does_not_affect_others() {
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
async fn link_outside_the_listing_cuts_it_short() {
    for (link, problem) in [
        ("/v3/contacts?cursor=x", "it points outside the listing"),
        ("http://[", "it is not a URL"),
        (
            "/v3/emails?limit=500",
            "it points to a page that was already read",
        ),
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

/// Reads a listing to its end. Returns the number of calls and the cause of a cut-short listing.
async fn walk<T: Paged>(client: &ConstantContact, first: ResourcePage<T>) -> (usize, Option<&'static str>) {
    let (mut page, mut calls) = (first, 1);
    while let Some(next) = page.next {
        page = client.next_page(&caller(), &next).await.unwrap();
        calls += 1;
        assert!(calls < 1_000, "endless listing");
    }
    (calls, page.cut_short)
}

/// Name of the member with the records, path of the listing, and record by number.
type ListingCase = (&'static str, &'static str, fn(u8) -> String);

const LISTINGS: [ListingCase; 4] = [
    ("campaigns", "emails", |number| {
        format!(r#"{{"campaign_id": "{CAMPAIGN_PREFIX}{number:02x}"}}"#)
    }),
    (
        "bulk_email_campaign_summaries",
        "reports/summary_reports/email_campaign_summaries",
        |number| format!(r#"{{"campaign_id": "{CAMPAIGN_PREFIX}{number:02x}"}}"#),
    ),
    ("lists", "contact_lists", |number| {
        format!(r#"{{"list_id": "list-{number}"}}"#)
    }),
    ("segments", "segments", |number| {
        format!(r#"{{"segment_id": {number}}}"#)
    }),
];

const CAMPAIGN_PREFIX: &str = "cafe1ead-0000-4000-8000-0000000000";

/// Reads the listing with this member to its end.
async fn walk_all_of(member: &str, upstream: &ScriptedUpstream) -> (usize, Option<&'static str>) {
    let (client, caller) = (client(upstream), caller());
    match member {
        "campaigns" => {
            let first = client.campaigns(&caller, &CampaignFilter::default()).await;
            walk(&client, first.unwrap()).await
        }
        "lists" => walk(&client, client.contact_lists(&caller).await.unwrap()).await,
        "segments" => walk(&client, client.segments(&caller).await.unwrap()).await,
        _ => walk(&client, client.campaign_summaries(&caller, 500).await.unwrap()).await,
    }
}

#[tokio::test]
async fn cursor_cycles_are_detected_in_every_listing() {
    // Cursors of the links, one per page, and the expected number of calls.
    let cycles: [(&[&str], usize); 3] = [
        (&["A", "A"], 2),
        (&["A", "B", "A"], 3),
        (&["A", "B", "C", "B"], 4),
    ];
    for (member, path, _) in LISTINGS {
        for (cursors, expected) in cycles {
            let page = |cursor: &&str| {
                let link = format!("/v3/{path}?cursor={cursor}");
                let body = format!(r#"{{"{member}": [], "_links": {{"next": {{"href": "{link}"}}}}}}"#);
                Reply::json(200, &body)
            };
            let upstream = ScriptedUpstream::start(cursors.iter().map(page)).await;
            let walked = walk_all_of(member, &upstream).await;
            let problem = "it points to a page that was already read";
            assert_eq!(walked, (expected, Some(problem)), "{member} {cursors:?}");
        }
    }
}

/// Builds pages whose cursor changes with each call, from the numbers of their records. 0 is an unreadable record, and `None`
/// is a page without its list.
fn pages_with_new_cursors(
    (member, path, record): (&str, &str, fn(u8) -> String),
    pages: &[PageOfNumbers],
) -> Vec<Reply> {
    let record = |&number: &u8| match number {
        0 => "7".to_owned(),
        number => record(number),
    };
    let page = |(page, cursor): (&PageOfNumbers, usize)| {
        let records = page.map_or("null".to_owned(), |numbers| {
            format!("[{}]", numbers.iter().map(record).collect::<Vec<_>>().join(", "))
        });
        let link = match cursor + 1 {
            last if last == pages.len() => String::new(),
            cursor => format!("/v3/{path}?cursor={cursor}"),
        };
        let body = format!(r#"{{"{member}": {records}, "_links": {{"next": {{"href": "{link}"}}}}}}"#);
        Reply::json(200, &body)
    };
    pages.iter().zip(0..).map(page).collect()
}

/// Record numbers of a page in [`pages_with_new_cursors`].
type PageOfNumbers = Option<&'static [u8]>;

const EMPTY: PageOfNumbers = Some(&[]);
const UNREADABLE: PageOfNumbers = Some(&[0, 0]);

#[tokio::test]
async fn listing_without_new_records_is_cut_short() {
    let endless: [(&str, &[PageOfNumbers], usize); 5] = [
        ("empty pages", &[EMPTY; 9], 5),
        ("pages without their list", &[None; 9], 5),
        ("unreadable records", &[UNREADABLE; 9], 5),
        (
            "known records in another order or number",
            &[
                Some(&[1, 2, 3]),
                Some(&[2, 1, 3]),
                Some(&[3, 2]),
                Some(&[2, 3]),
                Some(&[1, 0, 2]),
                Some(&[3, 1, 2]),
                Some(&[1]),
                Some(&[]),
            ],
            6,
        ),
        (
            "empty pages after good pages",
            &[
                Some(&[1]),
                Some(&[2]),
                Some(&[]),
                None,
                Some(&[0]),
                Some(&[2, 1]),
                Some(&[]),
                Some(&[]),
            ],
            7,
        ),
    ];
    for listing in LISTINGS {
        for (case, pages, calls) in endless {
            let upstream = ScriptedUpstream::start(pages_with_new_cursors(listing, pages)).await;
            let walked = walk_all_of(listing.0, &upstream).await;
            let problem = "the last five pages had no new record";
            assert_eq!(walked, (calls, Some(problem)), "{}: {case}", listing.0);
        }
    }
}

#[tokio::test]
async fn listing_with_a_few_empty_pages_is_read_completely() {
    let pages: [PageOfNumbers; 10] = [
        Some(&[1]),
        Some(&[]),
        Some(&[]),
        Some(&[0]),
        None,
        Some(&[1, 2]),
        Some(&[]),
        Some(&[2, 3]),
        Some(&[]),
        Some(&[4]),
    ];
    for listing in LISTINGS {
        let upstream = ScriptedUpstream::start(pages_with_new_cursors(listing, &pages)).await;
        assert_eq!(
            walk_all_of(listing.0, &upstream).await,
            (pages.len(), None),
            "{}",
            listing.0
        );
    }
}

#[tokio::test]
async fn repeated_page_under_other_cursors_is_detected() {
    let upstream =
        ScriptedUpstream::start((1..9).map(|cursor| page(&format!("/v3/emails?cursor={cursor}")))).await;
    let client = client(&upstream);
    let first = client
        .campaigns(&caller(), &CampaignFilter::default())
        .await
        .unwrap();
    assert_eq!(walk(&client, first).await, (6, Some("the pages form a cycle")));
}

#[tokio::test]
async fn links_are_followed_below_the_path_prefix_for_any_host() {
    for link in [
        "/v3/emails?cursor=x",
        "https://api.cc.email/v3/emails?cursor=x",
        "http://upstream.internal:8080/v3/emails?cursor=x#next",
    ] {
        let upstream = ScriptedUpstream::start([page(link), Reply::json(200, r#"{"campaigns": []}"#)]).await;
        let base = format!("http://{}/gateway/cc/v3", upstream.authority());
        let settings = Settings::new(base.parse().unwrap());
        let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap();
        let first = client
            .campaigns(&caller(), &CampaignFilter::default())
            .await
            .unwrap();
        assert_eq!(walk(&client, first).await, (2, None), "{link}");
        assert!(upstream.requests()[1].starts_with("GET /gateway/cc/v3/emails?cursor=x HTTP/1.1\n"));
    }
}

#[tokio::test]
async fn page_without_its_list_is_empty_and_counted() {
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
