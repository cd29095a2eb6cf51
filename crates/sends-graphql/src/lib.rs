//! A GraphQL service over the send history of Constant Contact's email campaign activities.
//!
//! The way of one request through the files:
//!
//! | step | file |
//! |---|---|
//! | the routes, and the limits on what may come in | `http.rs` |
//! | one GraphQL request over HTTP: read, executed, answered | `http/graphql.rs` |
//! | a look at the query text before the parser sees it | `guard.rs` |
//! | the fields, from `Query` down | `graphql/` |
//! | which activities one operation asks for, each fetched once | `loader.rs` |
//! | the call itself | the `sends-client` crate |
//! | what a field says when the call fails | `graphql/error.rs` |
//!
//! Around it, `command.rs` is the command line as it was written, `settings.rs` what it means once checked, and
//! `serve.rs` starts and stops the whole.
//!
//! What is absent by design: mutations, any way to make the upstream send mail, and any field that returns a token.

pub mod command;
pub mod graphql;
pub mod guard;
pub mod http;
pub mod loader;
pub mod serve;
pub mod settings;
