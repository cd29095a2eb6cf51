//! Pages whose records or links are not what they should be.

use std::{sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Caller, CampaignFilter, ConstantContact, FailureClass, Pacer, Settings, pacing::Limits,
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
    let upstream = ScriptedUpstream::start([page("/v3/emails?cursor=x"), page("/v3/emails?cursor=y")]).await;
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
async fn a_link_out_of_the_listing_is_an_invalid_answer_and_is_not_followed() {
    for link in [
        "https://example.com/v3/emails?cursor=x",
        "/v3/contacts?cursor=x",
        "/v3/emails?limit=500",
    ] {
        let upstream = ScriptedUpstream::start([page(link)]).await;
        let error = client(&upstream)
            .campaigns(&caller(), &CampaignFilter::default())
            .await
            .unwrap_err();
        assert_eq!(error.class, FailureClass::Invalid, "{link}");
        assert!(error.detail.contains("the link to the next page"), "{error}");
        assert!(!error.to_string().contains("example.com"), "{error}");
        assert_eq!(upstream.requests().len(), 1);
    }
}
