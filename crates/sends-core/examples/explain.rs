//! Explains a send history: reads the upstream's JSON on standard input and prints the outcome, reason and remedy of each send.
//!
//! ```text
//! cargo run --example explain < history.json
//! ```
//!
//! Exit status 1: the input is not a send history. Exit status 2: the program was called wrongly, or could not read or
//! write.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use sends_core::SendHistory;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A failure cannot be reported when standard error is closed as well.
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
        // A reader such as `head` has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            2,
            format!("cannot write to standard output: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}
