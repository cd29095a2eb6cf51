//! Explains a send history: reads the upstream's JSON from standard input and prints the outcome, reason and remedy of each
//! send.
//!
//! ```text
//! cargo run --example explain < history.json
//! ```
//!
//! Exits with status 1 if the input is not a send history, and with status 2 after a usage or I/O error.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use sends_core::SendHistory;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The result is ignored because a failure cannot be reported when standard error is closed as well.
            let _ = writeln!(io::stderr(), "explain: {}.", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    fn new(status: u8, message: String) -> Self {
        Self { message, status }
    }
}

fn run() -> Result<(), Failure> {
    if std::env::args_os().len() > 1 {
        return Err(Failure::new(
            2,
            "takes no arguments, but a send history as JSON on standard input".into(),
        ));
    }
    let mut json = Vec::new();
    io::stdin()
        .read_to_end(&mut json)
        .map_err(|error| Failure::new(2, format!("cannot read standard input: {error}")))?;
    let history = SendHistory::from_json(&json).map_err(|error| Failure::new(1, error.to_string()))?;
    match write!(io::stdout(), "{}", history.explanation()) {
        // A reader such as `head` may close the pipe early.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            2,
            format!("cannot write to standard output: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}
