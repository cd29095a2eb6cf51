//! `just bench`: what the service reaches, next to the limits of the machine, of the library and of the upstream.
//!
//! The harness starts release builds, drives each over TCP from a process of its own, and checks every answer. One run
//! holds several rounds, and each round asks every server in turn, so that a ratio compares what the machine did in the
//! same minute. The table has the medians over the rounds, and says how far the same server differed from itself.
//!
//! | file | owns |
//! |---|---|
//! | `main.rs` | which measurements there are, and their order |
//! | `warm.rs` | answers from memory: one question, many ids, many texts |
//! | `cold.rs` | what is added to the upstream's own time, and how many calls are made |
//! | `footprint.rs` | memory, and the time until the first answer |
//! | `question.rs` | what is asked, and what the right answer begins with |
//! | `load.rs` | the process that asks |
//! | `baseline.rs` | the servers to compare with |
//! | `dataloader.rs` | the library with a dataloader over the upstream, to compare with |
//! | `peer.rs` | a running server: its address, its processor time, its memory |
//! | `table.rs` | medians, ratios and how they are printed |
//!
//! With `--brief` everything runs once and shortly: then nothing is measured, but the counts and answers are checked all
//! the same.

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

/// How fast the service is, next to what could be reached.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    /// A part that the harness runs as a process of its own
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    plan: Plan,
}

/// How much to measure.
#[derive(Clone, Debug, clap::Args)]
struct Plan {
    /// Run everything once and shortly, to see that it works
    #[arg(long)]
    brief: bool,
    /// How often every server is asked in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many seconds it is asked each time
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only the measurements whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Ask a server what standard input describes
    #[command(hide = true)]
    Load,
    /// Answer every request with what standard input holds
    #[command(hide = true)]
    Static,
    /// Answer GraphQL with the library as it comes, from what standard input holds
    #[command(hide = true)]
    Library,
    /// Answer every request as the upstream does, whose URL standard input holds
    #[command(hide = true)]
    Relay,
    /// Answer GraphQL with the library and a dataloader over the upstream, whose URL standard input holds
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

    /// Whether a measurement is wanted.
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
