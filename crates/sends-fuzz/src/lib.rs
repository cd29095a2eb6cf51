//! What nobody would write, fed to every place where the outside comes in.
//!
//! | surface | what is fed | file |
//! |---|---|---|
//! | operations | query text and variables, through guard, parser, validator and executor | `operations.rs` |
//! | documents | query text, through parser and validator, and once more as it is written out | `documents.rs` |
//! | upstream | answers over TCP, through the client | `upstream.rs` |
//! | reference | the JSON of a send history, into the core | `reference.rs` |
//!
//! `mutation.rs` makes new inputs out of the corpus, which lies beside the sources, and `run.rs` feeds them for a number of
//! rounds or for a time. The compiler's instrumentation is not needed, so all of it runs with the stable toolchain: a short
//! run is a test, `cargo run --release -p sends-fuzz -- operations 600` a run of ten minutes.
//!
//! A finding is a panic, an input that takes longer than [`run::SLOW`], or an answer that breaks a promise; the input is
//! printed with it and belongs into the corpus once the defect is mended. An overflow of the stack ends the process; the
//! round's number is printed every few seconds, and the same seed comes to it again.

#![expect(
    clippy::missing_panics_doc,
    reason = "a finding is reported by panicking, as tests do"
)]

pub mod documents;
pub mod mutation;
pub mod operations;
pub mod reference;
pub mod run;
pub mod upstream;
