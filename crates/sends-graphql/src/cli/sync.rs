//! The options about the log of all sends, as they were written.

use clap::Args;

use super::{AccountOptions, SandboxOptions, UpstreamOptions};

/// The options of `sync`.
#[derive(Args, Clone, Debug)]
pub struct SyncOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,
}

/// How the log is kept in step while the service runs.
#[derive(Args, Clone, Debug)]
pub struct BackgroundSyncOptions {
    /// How many seconds after one another the log of all sends is brought in step, with calls that nobody else needs; off to
    /// leave that to `sends-graphql sync`
    #[arg(
        long,
        env = "SENDS_SYNC_EVERY",
        value_name = "SECONDS|off",
        default_value = "off"
    )]
    pub sync_every: String,
}
