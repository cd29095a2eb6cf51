//! Manifest of trusted documents, in two formats:
//!
//! - Apollo's `generate-persisted-query-manifest`: `{"format": "apollo-persisted-query-manifest", "version": 1,
//!   "operations": [{"id": …, "body": …}]}`
//! - GraphQL Code Generator's `persistedDocuments` and Relay's `persistConfig` file: `{id: text}`

use std::{
    collections::{HashMap, HashSet},
    fmt, fs, io,
    path::Path,
    sync::Arc,
};

use serde::Deserialize;

const SIZE_LIMIT: u64 = 64 << 20;

const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";

pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<str>>,
    texts: HashSet<Arc<str>>,
}

#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidManifest {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{0} is larger than {SIZE_LIMIT} bytes")]
    TooLarge(String),
    #[error(
        "{0} is not a manifest of persisted documents in the format of Apollo, Relay or GraphQL Code Generator"
    )]
    UnknownFormat(String),
    #[error("{0} contains no document")]
    Empty(String),
    #[error("{path} contains the id \"{id}\" twice, with different documents")]
    Ambiguous { path: String, id: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo {
        format: String,
        version: u64,
        operations: Vec<Operation>,
    },
    Map(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl TrustedDocuments {
    pub fn read(path: &Path) -> Result<Self, InvalidManifest> {
        let name = path.display().to_string();
        let unreadable = |error: io::Error| InvalidManifest::Unreadable {
            path: name.clone(),
            reason: error.to_string(),
        };
        if fs::metadata(path).map_err(unreadable)?.len() > SIZE_LIMIT {
            return Err(InvalidManifest::TooLarge(name));
        }
        Self::parse(&fs::read(path).map_err(unreadable)?, &name)
    }

    pub(super) fn parse(manifest: &[u8], name: &str) -> Result<Self, InvalidManifest> {
        let unknown = || InvalidManifest::UnknownFormat(name.to_owned());
        let documents: Vec<(String, String)> =
            match serde_json::from_slice(manifest).map_err(|_| unknown())? {
                Manifest::Apollo {
                    format,
                    version: 1,
                    operations,
                } if format == APOLLO_FORMAT => operations
                    .into_iter()
                    .map(|operation| (operation.id, operation.body))
                    .collect(),
                Manifest::Apollo { .. } => return Err(unknown()),
                Manifest::Map(documents) => documents.into_iter().collect(),
            };
        let mut by_id: HashMap<String, Arc<str>> = HashMap::with_capacity(documents.len());
        for (id, text) in documents {
            let id = without_prefix(&id).to_owned();
            if by_id.get(&id).is_some_and(|existing| **existing != *text) {
                let path = name.to_owned();
                return Err(InvalidManifest::Ambiguous { path, id });
            }
            by_id.insert(id, text.into());
        }
        if by_id.is_empty() {
            return Err(InvalidManifest::Empty(name.to_owned()));
        }
        let texts = by_id.values().cloned().collect();
        Ok(Self { by_id, texts })
    }

    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn named(&self, id: &str) -> Option<Arc<str>> {
        self.by_id.get(without_prefix(id)).cloned()
    }

    pub(super) fn with_text(&self, text: &str) -> Option<Arc<str>> {
        self.texts.get(text).cloned()
    }
}

impl fmt::Debug for TrustedDocuments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TrustedDocuments({})", self.count())
    }
}

/// Strips the prefix that GraphQL over HTTP requires for hashes and that the tools omit.
fn without_prefix(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}
