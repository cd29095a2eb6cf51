//! Puts GraphiQL into the binary when `graphiql/` has been built. Without it the crate builds all the same, and the page
//! asks the browser to load GraphiQL from a content delivery network.

use std::{
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The folder itself is in the repository: a path that is not there would have this crate compiled every time.
    println!("cargo::rerun-if-changed=graphiql/dist");
    println!("cargo::rerun-if-changed=build.rs");
    let page = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("graphiql/dist/page");
    let code = if page.join("index.html").is_file() {
        bundle(&page)?
    } else {
        "None".to_owned()
    };
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("graphiql_bundle.rs"),
        code,
    )?;
    Ok(())
}

/// `Some((page, [(name, content)]))`, where every file but the page is compressed and ends in `.gz` on the disk.
fn bundle(page: &Path) -> io::Result<String> {
    let mut files = fs::read_dir(page.join("graphiql"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    let mut code = format!(
        "Some((include_str!({:?}), &[\n",
        page.join("index.html").to_string_lossy()
    );
    for path in &files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Quoted and escaped as Rust writes a string.
        let path = path.to_string_lossy();
        writeln!(code, "    ({name:?}, include_bytes!({path:?}).as_slice()),").map_err(io::Error::other)?;
    }
    code.push_str("]))");
    Ok(code)
}
