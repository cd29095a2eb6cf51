//! Source files of the GraphiQL bundle.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Source files outside the folder `src`.
const FILES: [&str; 5] = [
    ".npmrc",
    "index.html",
    "package-lock.json",
    "package.json",
    "vite.config.js",
];

/// Pairs of a path relative to `graphiql/` and the file's content.
pub(crate) struct Sources(Vec<(PathBuf, Vec<u8>)>);

impl Sources {
    /// Reads the sources, and registers them with cargo as inputs of the build script.
    pub(crate) fn read(graphiql: &Path) -> io::Result<Self> {
        let mut paths = FILES.map(PathBuf::from).to_vec();
        let mut modules = fs::read_dir(graphiql.join("src"))?
            .map(|entry| entry.map(|entry| Path::new("src").join(entry.file_name())))
            .collect::<io::Result<Vec<_>>>()?;
        modules.sort();
        paths.extend(modules);
        for watched in FILES.iter().copied().chain(["src"]) {
            println!("cargo::rerun-if-changed={}", graphiql.join(watched).display());
        }
        let files = paths.into_iter().map(|path| {
            let content = fs::read(graphiql.join(&path))?;
            Ok((path, content))
        });
        files.collect::<io::Result<_>>().map(Self)
    }

    /// Returns a 64-bit FNV-1a hash of all paths and contents. Unlike the standard library's hasher, FNV-1a is stable across Rust
    /// releases. The hash detects edits; collision resistance is not needed.
    pub(crate) fn hash(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |bytes: &[u8]| {
            // Length prefixes make the concatenation unambiguous.
            for byte in bytes.len().to_le_bytes().iter().chain(bytes) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for (path, content) in &self.0 {
            for part in path {
                add(part.as_encoded_bytes());
            }
            add(content);
        }
        format!("{hash:016x}")
    }

    /// Writes the sources below `folder`, so that npm creates no files in the source tree.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("src"))?;
        self.0
            .iter()
            .try_for_each(|(path, content)| fs::write(folder.join(path), content))
    }
}
