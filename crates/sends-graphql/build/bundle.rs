//! Two copies of the GraphiQL bundle. All builds of the checkout share `graphiql/dist/page`, and `OUT_DIR` has a private copy for
//! the compiler, which concurrent builds cannot replace.

use std::{
    fmt::Write,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
};

use crate::{node, sources::Sources};

/// File in the bundle with the hash of its sources.
const STAMP: &str = "sources.hash";

/// Returns the folder of an up-to-date bundle below `out`. Node.js runs only if neither copy of the bundle is current.
pub(crate) fn current_page(graphiql: &Path, out: &Path) -> Result<PathBuf, String> {
    let sources = Sources::read(graphiql).map_err(|error| format!("its sources cannot be read: {error}"))?;
    let hash = sources.hash();
    let dist = graphiql.join("dist");
    let (shared, own) = (dist.join("page"), out.join("page"));
    let lock = lock(&dist);
    let page = (|| {
        if !is_current(&own, &hash) {
            if is_current(&shared, &hash) {
                replace(&shared, &own).map_err(|error| format!("its bundle cannot be copied: {error}"))?;
            } else {
                build(&sources, &hash, out, &own)?;
            }
        }
        if !is_current(&shared, &hash) {
            // Sharing fails in a read-only source tree. Other builds then run Node.js as well.
            let _ = share(&own, &shared, graphiql);
        }
        Ok(own)
    })();
    drop(lock);
    // Cargo reruns the script if the bundle is deleted. After a failure, cargo watches the folder instead, because another build
    // can create the bundle.
    let stamp = shared.join(STAMP);
    let watched = if page.is_ok() { &stamp } else { &dist };
    if watched.exists() {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    page
}

/// Serializes builds of one checkout. The lock file already exists, because cargo would treat a new file in `dist` as a change.
/// If locking fails, concurrent builds duplicate the work.
fn lock(dist: &Path) -> Option<File> {
    let file = File::open(dist.join(".gitignore")).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn is_current(page: &Path, hash: &str) -> bool {
    fs::read_to_string(page.join(STAMP)).is_ok_and(|stamp| stamp == hash)
}

fn build(sources: &Sources, hash: &str, out: &Path, page: &Path) -> Result<(), String> {
    node::check_version()?;
    let work = out.join("graphiql");
    let failure = |error| format!("its build folder cannot be written: {error}");
    remove_if_exists(&work).map_err(failure)?;
    sources.write(&work).map_err(failure)?;
    let result = node::build(&work).and_then(|()| {
        let built = work.join("dist/page");
        fs::write(built.join(STAMP), hash)
            .and_then(|()| remove_if_exists(page))
            .and_then(|()| fs::rename(&built, page))
            .map_err(failure)
    });
    // `node_modules` is deleted, because it is a hundred times larger than the bundle.
    remove_if_exists(&work).map_err(failure)?;
    result
}

/// Copies the bundle into the source tree. The stamp gets the modification time of a source file, because cargo would rerun the
/// script for a watched file that is newer than the script's start.
fn share(own: &Path, shared: &Path, graphiql: &Path) -> io::Result<()> {
    replace(own, shared)?;
    let age = fs::metadata(graphiql.join("package.json"))?.modified()?;
    File::options()
        .write(true)
        .open(shared.join(STAMP))?
        .set_modified(age)
}

/// Replaces the folder `to` with a copy of `from`. A failed copy leaves `to` unchanged.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let new = to.with_extension(format!("new-{}", process::id()));
    let result = copy(from, &new)
        .and_then(|()| remove_if_exists(to))
        .and_then(|()| fs::rename(&new, to));
    if result.is_err() {
        let _ = remove_if_exists(&new);
    }
    result
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // `fs::copy` would also copy the permissions of a read-only source tree.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn remove_if_exists(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the Rust expression `Some((page, [(name, content)]))` for a file next to the folder `page`. All files except the page
/// are gzip-compressed, and their names end in `.gz` only on disk.
pub(crate) fn rust_expression(page: &Path) -> io::Result<String> {
    let mut files = fs::read_dir(page.join("graphiql"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    // Paths are relative to the generated file, so that a copied or moved target folder still builds.
    let mut code = String::from("Some((include_str!(\"page/index.html\"), &[\n");
    for path in &files {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // `{:?}` quotes and escapes the strings as Rust literals.
        let path = format!("page/graphiql/{file}");
        writeln!(code, "    ({name:?}, include_bytes!({path:?}).as_slice()),").map_err(io::Error::other)?;
    }
    code.push_str("]))");
    Ok(code)
}
