//! Audits of the GraphQL-over-HTTP specification, from the npm package `graphql-http`.

use std::{path::Path, process::Command};

use super::service;

#[tokio::test]
#[cfg_attr(without_audits, ignore = "requires `npm ci` in tests/graphql_http_audits")]
async fn every_audit_of_the_specification_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql_http_audits");
    let service = service(&[]);
    let audit = Command::new("node")
        .arg("audit.js")
        .arg(format!("{}/graphql", service.origin()))
        .current_dir(folder)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&audit.stdout);
    assert!(
        audit.status.success(),
        "{message}{}",
        String::from_utf8_lossy(&audit.stderr)
    );
    assert!(message.contains("61 of 61 audits passed"), "{message}");
}
