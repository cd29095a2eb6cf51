//! The audits of the GraphQL-over-HTTP specification, from the npm package `graphql-http`.

use std::{path::Path, process::Command};

use super::service;

#[tokio::test]
async fn every_audit_of_the_specification_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql_http_audits");
    if !folder.join("node_modules").exists() {
        // The test command needs cargo alone; CI installs the packages first.
        assert!(
            std::env::var_os("CI").is_none(),
            "run `npm ci` in {}",
            folder.display()
        );
        return;
    }
    let service = service(&[]);
    let audit = Command::new("node")
        .arg("audit.js")
        .arg(format!("{}/graphql", service.origin()))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&audit.stdout);
    assert!(
        audit.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&audit.stderr)
    );
    assert!(said.contains("61 of 61 audits passed"), "{said}");
}
