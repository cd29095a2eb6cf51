//! The environment variables of a container in `operations.md`.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{ServiceProcess, http_client, root};

#[tokio::test]
async fn settings_of_the_guides_container_start_a_service_that_requires_a_key_and_a_login() {
    let guide = std::fs::read_to_string(root().join("crates/sends-graphql/docs/operations.md")).unwrap();
    let (_, block) = guide.split_once("```ini\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let settings: Vec<_> = block.lines().filter_map(|line| line.split_once('=')).collect();

    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("api-keys");
    std::fs::write(&keys, "# Key of the test\nkey-of-the-container-test\n").unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o440)).unwrap();
    let state = folder.path().join("state");
    let environment: Vec<_> = settings
        .iter()
        .map(|(name, value)| match *name {
            "SENDS_LISTEN" => (*name, value.replace("8080", "0")),
            "SENDS_STATE_DIR" => (*name, state.to_str().unwrap().to_owned()),
            "SENDS_API_KEY_FILE" => (*name, keys.to_str().unwrap().to_owned()),
            _ => (*name, (*value).to_owned()),
        })
        .collect();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let host = settings.iter().find(|(name, _)| *name == "SENDS_ALLOWED_HOST").unwrap().1;

    let service = ServiceProcess::start(&[], &environment);
    assert_eq!(service.get("/health/live").await.0, 200);
    let (status, readiness) = service.get("/health/ready").await;
    assert!(status == 503 && readiness.contains("LOGIN_REQUIRED"), "{readiness}");
    assert!(state.join("sends.db").exists());
    for (key, code) in [("", "UNAUTHENTICATED"), ("key-of-the-container-test", "LOGIN_REQUIRED")] {
        let answer = http_client()
            .post(format!("{}/graphql", service.origin()))
            .header("host", host)
            .header("x-api-key", key)
            .json(&json!({ "query": "{ campaigns(first: 1) { nodes { name } } }" }))
            .send();
        let answer: serde_json::Value = answer.await.unwrap().json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
}
