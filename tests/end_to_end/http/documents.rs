//! Documents that requests reference by their hash.

use serde_json::{Value, json};

use super::{QUERY, body, get, post, rejection, send, service};

/// The SHA-256 of [`QUERY`].
const HASH: &str = "64042e9bbce67db828f59a5abdbce378c68d398dad38cdebef52c62bcbad3ea3";

fn extension() -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": HASH } })
}

#[tokio::test]
async fn document_is_registered_under_its_hash_and_used_by_post_and_get() {
    let service = service(&[]);
    let named = json!({ "extensions": extension() });
    let unknown = (200, "PERSISTED_QUERY_NOT_FOUND".to_owned());
    assert_eq!(rejection(post(&service).json(&named)).await, unknown);
    let registered = json!({ "query": QUERY, "extensions": extension() });
    assert_eq!(send(post(&service).json(&registered)).await.status(), 200);
    let response: Value = send(post(&service).json(&named)).await.json().await.unwrap();
    assert!(response["data"]["reasonCodes"].is_array(), "{response}");
    let extension = extension().to_string();
    let response = send(get(&service, &[("extensions", &extension)])).await;
    let response: Value = response.json().await.unwrap();
    assert!(response["data"]["reasonCodes"].is_array(), "{response}");
    let forged = json!({ "query": "{ __typename }", "extensions": json!({ "persistedQuery": { "version": 1, "sha256Hash": HASH } }) });
    assert_eq!(rejection(post(&service).json(&forged)).await.0, 400);
}

#[tokio::test]
async fn only_trusted_documents_are_executed_with_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, json!({ "reasons": QUERY }).to_string()).unwrap();
    let service = service(&["--persisted-only", manifest.to_str().unwrap()]);
    for request in [
        json!({ "documentId": "reasons" }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "reasons" } } }),
        body(QUERY),
    ] {
        let response: Value = send(post(&service).json(&request)).await.json().await.unwrap();
        assert!(
            response["data"]["reasonCodes"].is_array(),
            "{request}: {response}"
        );
    }
    for request in [body("{ __typename }"), json!({ "documentId": "other" })] {
        let (_, code) = rejection(post(&service).json(&request)).await;
        assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND", "{request}");
    }
}
