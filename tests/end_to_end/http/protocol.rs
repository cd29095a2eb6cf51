//! HTTP versions, compression and request ids.

use reqwest::Version;

use super::{QUERY, body, get, header, post, send, service};

#[tokio::test]
async fn http_2_works_with_prior_knowledge() {
    let service = service(&[]);
    let client = sends_end_to_end::http_client_builder();
    let client = client.http2_prior_knowledge().build().unwrap();
    let url = format!("{}/graphql", service.origin());
    let one = || client.post(&url).json(&body(QUERY)).send();
    let answers = futures_util::future::join_all((0..50).map(|_| one())).await;
    for response in answers {
        let response = response.unwrap();
        assert_eq!(
            (response.version(), response.status().as_u16()),
            (Version::HTTP_2, 200)
        );
    }
}

#[tokio::test]
async fn long_responses_are_compressed_with_an_accepted_encoding() {
    let service = service(&[]);
    let mut lengths = Vec::new();
    for coding in ["identity", "gzip", "br"] {
        let request = post(&service)
            .header("accept-encoding", coding)
            .json(&body(QUERY));
        let response = send(request).await;
        let expected = if coding == "identity" { "" } else { coding };
        assert_eq!(header(&response, "content-encoding"), expected);
        let vary = response.headers().get_all("vary").iter();
        let names: Vec<_> = vary.map(|value| value.to_str().unwrap()).collect();
        assert!(names.contains(&"accept-encoding"), "{names:?}");
        lengths.push(response.bytes().await.unwrap().len());
    }
    assert!(
        lengths[1..].iter().all(|&length| length * 2 < lengths[0]),
        "{lengths:?}"
    );
    let announced = post(&service)
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .json(&body(QUERY));
    assert_eq!(header(&send(announced).await, "content-encoding"), "br");
    let short = post(&service)
        .header("accept-encoding", "gzip")
        .json(&body("{ __typename }"));
    assert_eq!(header(&send(short).await, "content-encoding"), "");
}

#[tokio::test]
async fn request_id_is_preserved_or_generated() {
    let service = service(&[]);
    let named = |id: &str| post(&service).header("x-request-id", id).json(&body(QUERY));
    assert_eq!(
        header(&send(named("client-7/42")).await, "x-request-id"),
        "client-7/42"
    );
    let too_long = "a".repeat(129);
    for unusable in ["two words", "", &too_long] {
        let response = send(named(unusable)).await;
        let id = header(&response, "x-request-id");
        assert!(id.len() == 32 && id != unusable, "{unusable}: {id}");
    }
    let (first, second) = (
        send(get(&service, &[("query", QUERY)])).await,
        send(get(&service, &[])).await,
    );
    assert_ne!(header(&first, "x-request-id"), header(&second, "x-request-id"));
}
