//! Detects whether the npm packages of the GraphQL-over-HTTP audits are installed. Without the packages, the audit test is
//! reported as ignored. In CI, no test is ignored.

use std::{env, path::Path};

fn main() {
    let folder = "graphql_http_audits";
    println!("cargo::rustc-check-cfg=cfg(without_audits)");
    println!("cargo::rerun-if-changed={folder}");
    println!("cargo::rerun-if-env-changed=CI");
    if env::var_os("CI").is_none() && !Path::new(folder).join("node_modules").exists() {
        println!("cargo::rustc-cfg=without_audits");
    }
}
