//! `just bench`: performance of the service in comparison with the limits of the machine, of the library and of the upstream.
//!
//! The harness starts release builds, sends load to each over TCP from a separate process, and checks every response. A run has
//! several rounds. Each round measures every server in turn, so that a ratio compares measurements of the same minute. The table
//! has the medians over the rounds, and the spread of the results of each server.
//!
//! | file | content |
//! |---|---|
//! | `main.rs` | measurements and their order |
//! | `warm.rs` | responses from memory: one query, many ids, many documents |
//! | `cold.rs` | time added to the upstream's response time, and number of upstream calls |
//! | `footprint.rs` | memory, and time to the first response |
//! | `question.rs` | requests, and the starts of their expected responses |
//! | `load.rs` | load generator |
//! | `baseline.rs` | reference servers |
//! | `dataloader.rs` | reference server: the library with a dataloader over the upstream |
//! | `peer.rs` | running servers: address, processor time and memory |
//! | `table.rs` | medians, ratios and their output |
//!
//! With `--brief`, every measurement runs once for a short time. The times are then meaningless, but counts and responses are
//! checked.

mod baseline;
mod cold;
mod dataloader;
mod footprint;
mod load;
mod peer;
mod question;
mod table;
mod warm;

use clap::{Parser, Subcommand};

/// Measures the performance of the service, compared with reference servers.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Part that the harness runs as a separate process
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    plan: Plan,
}

/// Extent of the measurements.
#[derive(Clone, Debug, clap::Args)]
struct Plan {
    /// Run every measurement once for a short time, as a functional check
    #[arg(long)]
    brief: bool,
    /// Number of rounds, each of which measures every server in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Duration of each measurement in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Run only the measurements whose name contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Send the load described on standard input to a server
    #[command(hide = true)]
    Load,
    /// Return the content of standard input as every response
    #[command(hide = true)]
    Static,
    /// Serve GraphQL with the library at its default settings, from the data on standard input
    #[command(hide = true)]
    Library,
    /// Forward every request to the upstream whose URL is on standard input
    #[command(hide = true)]
    Relay,
    /// Serve GraphQL with the library and a dataloader over the upstream whose URL is on standard input
    #[command(hide = true)]
    Dataloader,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Load) => load::run().await,
        Some(Part::Static) => baseline::serve_static().await,
        Some(Part::Library) => baseline::serve_library().await,
        Some(Part::Relay) => baseline::serve_relay().await,
        Some(Part::Dataloader) => dataloader::serve().await,
        None => measure(arguments.plan.settled()).await,
    }
}

impl Plan {
    fn settled(self) -> Self {
        if self.brief {
            Self {
                rounds: 1,
                seconds: 0.3,
                ..self
            }
        } else {
            self
        }
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

async fn measure(plan: Plan) {
    table::print_heading(&plan);
    warm::measure(&plan).await;
    cold::measure(&plan).await;
    footprint::measure(&plan).await;
}
