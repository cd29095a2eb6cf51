use serde_json::json;

use super::*;

const TEXT: &str = "{ __typename }";

fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    let mut digits = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

fn request(text: Option<&str>, hash: Option<&str>) -> Parameters {
    let mut request = Parameters {
        query: text.map(str::to_owned),
        ..Parameters::default()
    };
    if let Some(hash) = hash {
        let persisted = json!({ "version": 1, "sha256Hash": hash });
        request.extensions.insert("persistedQuery".into(), persisted);
    }
    request
}

fn find(documents: &Documents, text: Option<&str>, hash: Option<&str>) -> Result<Document, String> {
    documents
        .find(&mut request(text, hash))
        .map_err(|rejection| rejection.into_errors().remove(0).message)
}

fn any(cache_bytes: u64) -> Documents {
    Documents::new(None, cache_bytes)
}

fn trusted(manifest: &serde_json::Value) -> Result<TrustedDocuments, InvalidManifest> {
    TrustedDocuments::parse(manifest.to_string().as_bytes(), "manifest.json")
}

#[test]
fn hash_resolves_to_a_registered_text() {
    let documents = any(1 << 20);
    let hash = hash(TEXT);
    assert_eq!(
        find(&documents, None, Some(&hash)).unwrap_err(),
        "PersistedQueryNotFound"
    );
    let sent = find(&documents, Some(TEXT), Some(&hash)).unwrap();
    assert_eq!(
        find(&documents, None, Some(&hash)).unwrap_err(),
        "PersistedQueryNotFound"
    );
    documents.register(sent);
    assert_eq!(&*find(&documents, None, Some(&hash)).unwrap().text, TEXT);
    assert_eq!(
        &*find(&documents, None, Some(&hash.to_uppercase())).unwrap().text,
        TEXT
    );
}

#[test]
fn text_with_a_wrong_hash_is_rejected() {
    let documents = any(1 << 20);
    for wrong in [hash("{ other }"), "00".into(), "zz".repeat(32), "é".repeat(32)] {
        assert!(find(&documents, Some(TEXT), Some(&wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn cache_does_not_exceed_its_capacity() {
    let documents = any(64 << 10);
    for number in 0..10_000 {
        let text = format!("{{ a{number}: __typename }}");
        documents.register(find(&documents, Some(&text), Some(&hash(&text))).unwrap());
    }
    let Documents::Any { registered: cache } = &documents else {
        panic!("expected a cache of persisted queries");
    };
    assert!(cache.weight() <= 64 << 10, "{}", cache.weight());
    assert!(!cache.is_empty());
}

#[test]
fn only_documents_of_the_manifest_are_found_in_either_format() {
    let apollo = json!({
        "format": "apollo-persisted-query-manifest", "version": 1,
        "operations": [{ "id": "a1", "name": "A", "type": "query", "body": TEXT }],
    });
    let map = json!({ "a1": TEXT });
    for manifest in [apollo, map] {
        let documents = Documents::Trusted(Arc::new(trusted(&manifest).unwrap()));
        for (text, id) in [
            (None, Some("a1")),
            (None, Some("sha256:a1")),
            (Some(TEXT), None),
            (Some("{ other }"), Some("a1")),
        ] {
            assert_eq!(
                &*find(&documents, text, id).unwrap().text,
                TEXT,
                "{manifest} {text:?} {id:?}"
            );
        }
        for (text, id) in [
            (None, Some("a2")),
            (Some("{ other }"), None),
            (Some(TEXT), Some("a2")),
            (None, None),
        ] {
            assert!(find(&documents, text, id).is_err(), "{manifest} {text:?} {id:?}");
        }
        let mut by_id = Parameters {
            document_id: Some("a1".into()),
            ..Parameters::default()
        };
        assert!(documents.find(&mut by_id).is_ok());
    }
}

#[test]
fn invalid_manifest_is_rejected() {
    for (manifest, expected) in [
        (json!([]), "manifest.json is not a manifest"),
        (json!({}), "manifest.json contains no document"),
        (json!({ "a": 1 }), "manifest.json is not a manifest"),
        (
            json!({ "format": "apollo-persisted-query-manifest", "version": 2, "operations": [] }),
            "manifest.json is not a manifest",
        ),
        (
            json!({ "a": "{ b }", "sha256:a": "{ c }" }),
            "manifest.json contains the id \"a\" twice",
        ),
    ] {
        let problem = trusted(&manifest).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{manifest}: {problem}");
    }
}
