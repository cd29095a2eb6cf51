use axum::body::{Body, to_bytes};
use http::{HeaderName, Request, header};
use tower::ServiceExt;

use super::*;

async fn get(path: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = routes(true).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, body.to_vec())
}

fn pages() -> impl Iterator<Item = Page> {
    [Some(Page::from_cdn(true)), Page::bundled(true)]
        .into_iter()
        .flatten()
}

async fn text_of(page: &Page) -> (String, String) {
    let response = page.response(&HeaderMap::new());
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), policy)
}

#[tokio::test]
async fn page_allows_no_inline_script_and_only_pinned_urls() {
    for page in pages() {
        let (text, policy) = text_of(&page).await;
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        let scripts = policy
            .split("; ")
            .find(|rule| rule.starts_with("script-src"))
            .unwrap();
        assert!(!scripts.contains("unsafe"), "{scripts}");
        // External files have exact URLs and integrity hashes.
        let external = text.matches("=\"https://").count();
        assert_eq!(policy.matches("https://cdn.jsdelivr.net/npm/").count(), external);
        assert_eq!(policy.matches("https://").count(), external);
        assert_eq!(text.matches("integrity=\"sha384-").count(), external);
    }
    let (_, policy) = text_of(&Page::from_cdn(true)).await;
    assert_eq!(policy.matches("https://").count(), 4);
    if let Some(page) = Page::bundled(true) {
        let (text, policy) = text_of(&page).await;
        assert!(!policy.contains("http") && !text.contains("=\"http"), "{text}");
    }
}

#[tokio::test]
async fn every_referenced_file_exists_with_a_content_type() {
    for page in pages() {
        let (text, _) = text_of(&page).await;
        let named = text
            .split('"')
            .filter_map(|part| part.strip_prefix("./graphiql/"));
        let mut count = 0;
        for name in named {
            assert!(page.file(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count >= 2, "{text}");
        for file in page.files() {
            let response = file.response(&HeaderMap::new());
            let bytes = file.response(&HeaderMap::new()).into_body();
            let text = to_bytes(bytes, usize::MAX).await.unwrap();
            let text = String::from_utf8_lossy(&text);
            let imported = text.split(" from './").skip(1);
            for name in imported.filter_map(|rest| rest.split_once('\'').map(|(name, _)| name)) {
                assert!(page.file(name).is_some(), "{} imports {name}", file.name());
            }
            let content_type = &response.headers()[header::CONTENT_TYPE];
            assert_ne!(content_type, "application/octet-stream", "{}", file.name());
        }
    }
}

#[tokio::test]
async fn bundled_file_is_immutable_and_compressed() {
    let Some(page) = Page::bundled(true) else {
        return;
    };
    let names = page.files().iter().map(files::File::name);
    let script = names
        .clone()
        .find(|name| name.starts_with("index-") && name.contains(".js"))
        .unwrap();
    let path = format!("/graphiql/{script}");
    let gzip = [(header::ACCEPT_ENCODING, "br;q=1, gzip;q=0.8")];
    let (status, headers, compressed) = get(&path, &gzip).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(
        headers[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    let (_, headers, plain) = get(&path, &[(header::ACCEPT_ENCODING, "gzip;q=0, br")]).await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
    assert!(plain.len() > compressed.len());
    let tag = headers[header::ETAG].to_str().unwrap().to_owned();
    let (status, _, body) = get(&path, &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn page_is_revalidated_and_sent_only_after_a_change() {
    let (status, headers, body) = get("/graphiql", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
    assert!(String::from_utf8(body).unwrap().contains("data-sandbox=\"true\""));
    let tag = format!("\"other\", W/{}", headers[header::ETAG].to_str().unwrap());
    let (status, headers, body) = get("/graphiql", &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
}

#[tokio::test]
async fn unknown_files_are_not_found_and_the_root_redirects() {
    for path in [
        "/graphiql/none.js",
        "/graphiql/..%2fpage.html",
        "/graphiql/index.html",
        "/graphiql/sources.hash",
        "/graphiql/a/b",
    ] {
        assert_eq!(get(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for (path, location) in [
        ("/", "./graphiql"),
        ("/?query=%7Ba%7D", "./graphiql?query=%7Ba%7D"),
    ] {
        let (status, headers, _) = get(path, &[]).await;
        assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(headers[header::LOCATION], location);
    }
}

#[tokio::test]
async fn example_queries_contain_sandbox_ids_only_in_the_sandbox() {
    let (sandbox, _) = text_of(&Page::from_cdn(true)).await;
    let (real, _) = text_of(&Page::from_cdn(false)).await;
    let invented = ["c8315a27", "aff49a6f", "5dbdac17", "aa4d5653", "378aa6e6"];
    assert!(invented.iter().all(|id| sandbox.contains(id)));
    assert!(real.contains("YOUR-CAMPAIGN-ACTIVITY-ID") && real.contains("data-sandbox=\"false\""));
    for invented in invented.into_iter().chain(["{{"]) {
        assert!(!real.contains(invented), "{invented}");
    }
}
