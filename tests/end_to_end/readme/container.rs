//! Environment variables of the container in `operations.md`.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{SandboxProcess, ServiceProcess, http_client, repository_root};

#[tokio::test]
async fn settings_of_the_guides_container_start_a_service_that_requires_a_key() {
    let guide =
        std::fs::read_to_string(repository_root().join("crates/sends-graphql/docs/operations.md")).unwrap();
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
    // The environment provides the account, which a container gets from a login on the volume.
    let sandbox = SandboxProcess::unlimited_shop(&[]);
    let api_url = sandbox.api_url();
    let account = [
        ("SENDS_UPSTREAM_URL", api_url.as_str()),
        ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
    ];
    let environment = environment.iter().map(|(name, value)| (*name, value.as_str()));
    let environment: Vec<_> = environment.chain(account).collect();
    let (_, host) = settings
        .iter()
        .find(|(name, _)| *name == "SENDS_ALLOWED_HOST")
        .unwrap();

    let service = ServiceProcess::start(&[], &environment);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
    }
    assert!(state.join("sends.db").exists());
    for (key, status) in [
        ("another-key-of-the-test", 401),
        ("key-of-the-container-test", 200),
    ] {
        let response = http_client()
            .post(format!("{}/graphql", service.origin()))
            .header("host", *host)
            .header("x-api-key", key)
            .json(&json!({ "query": "{ campaigns(first: 1) { nodes { name } } }" }))
            .send();
        let response = response.await.unwrap();
        assert_eq!(response.status(), status, "{}", response.text().await.unwrap());
    }
}
