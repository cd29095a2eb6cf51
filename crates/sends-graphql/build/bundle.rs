//! The bundle: one copy in `graphiql/dist/page`, which all builds of this checkout share, and one in `OUT_DIR`, which the
//! compiler reads and no other build can replace meanwhile.

use std::{
    fmt::Write,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
};

use crate::{node, sources::Sources};

/// The file in a bundle that holds the hash of the sources it was built from.
const STAMP: &str = "sources.hash";

/// The folder of a bundle of the present sources, below `out`. Node.js runs only when there is none yet in either place.
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
            // A read-only source tree costs other builds their own run of Node.js, and nothing else.
            let _ = share(&own, &shared, graphiql);
        }
        Ok(own)
    })();
    drop(lock);
    // Cargo reruns this script after the bundle was deleted; or, while there is none, once another build has made it.
    let stamp = shared.join(STAMP);
    let watched = if page.is_ok() { &stamp } else { &dist };
    if watched.exists() {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    page
}

/// Serializes builds of one checkout. The lock file is one that exists already: a new file in `dist` would look to cargo
/// like a change. Without a lock, two builds at once do the same work twice.
fn lock(dist: &Path) -> Option<File> {
    let file = File::open(dist.join(".gitignore")).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn is_current(page: &Path, hash: &str) -> bool {
    fs::read_to_string(page.join(STAMP)).is_ok_and(|stamp| stamp == hash)
}

/// Builds the bundle in a copy of the sources below `out`, and moves it to `page`.
fn build(sources: &Sources, hash: &str, out: &Path, page: &Path) -> Result<(), String> {
    node::check_version()?;
    let work = out.join("graphiql");
    let failure = |error| format!("its build folder cannot be written: {error}");
    remove(&work).map_err(failure)?;
    sources.write(&work).map_err(failure)?;
    let result = node::build(&work).and_then(|()| {
        let built = work.join("dist/page");
        fs::write(built.join(STAMP), hash)
            .and_then(|()| remove(page))
            .and_then(|()| fs::rename(&built, page))
            .map_err(failure)
    });
    // The packages take a hundred times the space of the bundle.
    remove(&work).map_err(failure)?;
    result
}

/// Copies the bundle into the source tree. Its stamp gets the age of a source: cargo would rerun this script for a file
/// that is younger than the script's start.
fn share(own: &Path, shared: &Path, graphiql: &Path) -> io::Result<()> {
    replace(own, shared)?;
    let age = fs::metadata(graphiql.join("package.json"))?.modified()?;
    File::options()
        .write(true)
        .open(shared.join(STAMP))?
        .set_modified(age)
}

/// Copies the bundle `from` to `to` completely or not at all.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let new = to.with_extension(format!("new-{}", process::id()));
    let result = copy(from, &new)
        .and_then(|()| remove(to))
        .and_then(|()| fs::rename(&new, to));
    if result.is_err() {
        let _ = remove(&new);
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
            // Not `fs::copy`, which would pass on that a source tree is read-only.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Deletes the folder if it exists.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `Some((page, [(name, content)]))`, where every file but the page is compressed and ends in `.gz` on the disk. For a file beside
/// the folder `page`.
pub(crate) fn rust_expression(page: &Path) -> io::Result<String> {
    let mut files = fs::read_dir(page.join("graphiql"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    // Relative to the written file, so that a copied or moved target folder still builds.
    let mut code = String::from("Some((include_str!(\"page/index.html\"), &[\n");
    for path in &files {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Quoted and escaped as Rust writes a string.
        let path = format!("page/graphiql/{file}");
        writeln!(code, "    ({name:?}, include_bytes!({path:?}).as_slice()),").map_err(io::Error::other)?;
    }
    code.push_str("]))");
    Ok(code)
}
