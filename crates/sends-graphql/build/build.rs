//! Bundles GraphiQL with Node.js and embeds the bundle if the feature `web` is enabled.
//!
//! Node.js runs only if the bundle is missing or outdated. If the bundle cannot be built, the script prints a warning, and the
//! page `/graphiql` loads GraphiQL from a CDN instead. The environment variable `SENDS_WEB` makes a failed build an error
//! (`require`) or disables the bundle (`skip`); the default is `auto`.

mod bundle;
mod commit;
mod node;
mod sources;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    // If the script printed no `rerun-if` line, cargo would rerun it after a change to any file of the package.
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rustc-env=SENDS_VERSION={}", commit::version());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let page = if env::var_os("CARGO_FEATURE_WEB").is_some() {
        page(Path::new("graphiql"), &out)
    } else {
        None
    };
    let code = match page {
        Some(page) => bundle::rust_expression(&page)?,
        None => "None".to_owned(),
    };
    fs::write(out.join("graphiql_bundle.rs"), code)?;
    Ok(())
}

/// Returns the folder of the bundle to embed, subject to `SENDS_WEB`. Reports failures to cargo.
fn page(graphiql: &Path, out: &Path) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed=SENDS_WEB");
    let value = env::var_os("SENDS_WEB").map(|value| value.to_string_lossy().into_owned());
    let is_required = match value.as_deref() {
        None | Some("auto") => false,
        Some("require") => true,
        Some("skip") => return None,
        Some(other) => {
            println!("cargo::error=SENDS_WEB is {other:?}: set it to auto, require or skip, or unset it");
            return None;
        }
    };
    match bundle::current_page(graphiql, out) {
        Ok(page) => Some(page),
        Err(cause) if is_required => {
            println!(
                "cargo::error=GraphiQL cannot be embedded, as SENDS_WEB=require demands: {cause}. Fix that, or build \
                 without it by SENDS_WEB=skip"
            );
            None
        }
        Err(cause) => {
            println!(
                "cargo::warning=GraphiQL is not embedded: {cause}. The page /graphiql loads it from cdn.jsdelivr.net \
                 instead, or falls back to a plain page where the browser cannot reach that. Fix this and build again \
                 with SENDS_WEB=require, or silence this warning with SENDS_WEB=skip"
            );
            None
        }
    }
}
