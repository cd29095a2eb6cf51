//! The service's commands that are not `serve`: run to their end, or talked to while they run.

use std::{
    io::{BufRead, BufReader, Read},
    process::Child,
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::process::{Program, signal};

/// How long a command may take to say the next thing, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command came to.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it printed.
    pub output: String,
    /// What it complained about.
    pub errors: String,
}

/// Runs a command of the service to its end.
pub fn run(options: &[&str], environment: &[(&str, &str)]) -> Finished {
    CommandProcess::start(options, environment).finish()
}

/// A command that is running. It is killed when this is dropped.
#[derive(Debug)]
pub struct CommandProcess {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
    output: String,
}

impl CommandProcess {
    /// Starts a command of the service.
    pub fn start(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Program::Service.command();
        command.args(options).envs(environment.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut stderr = child.stderr.take().expect("standard error is piped");
        let (told, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Whoever does not want to hear the rest has gone.
                let _ = told.send(line);
            }
        });
        let errors = thread::spawn(move || {
            let mut errors = String::new();
            stderr.read_to_string(&mut errors).expect("text");
            errors
        });
        Self {
            child,
            lines,
            errors: Some(errors),
            output: String::new(),
        }
    }

    /// The next line that holds this text.
    pub fn line_with(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no {text:?} in {:?}", self.output);
            };
            self.keep(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Interrupts it, as Ctrl-C does.
    pub fn interrupt(&self) {
        signal(&self.child, "INT");
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Finished {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.keep(&line);
        }
        let status = self.child.wait().expect("the program ends").code();
        let errors = self.errors.take().map(thread::JoinHandle::join);
        Finished {
            status,
            output: std::mem::take(&mut self.output),
            errors: errors.and_then(Result::ok).unwrap_or_default(),
        }
    }

    fn keep(&mut self, line: &str) {
        self.output.push_str(line);
        self.output.push('\n');
    }
}

impl Drop for CommandProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
