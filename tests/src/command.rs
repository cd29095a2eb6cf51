//! Runs commands of the service other than `serve`.

use std::{
    io::{BufRead, BufReader, Read},
    process::Child,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::process::{Program, signal, wait};

const LINE_LIMIT: Duration = Duration::from_secs(30);

const END_LIMIT: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub struct Finished {
    /// `None` after a signal.
    pub status: Option<i32>,
    pub output: String,
    pub errors: String,
}

pub fn run(options: &[&str], environment: &[(&str, &str)]) -> Finished {
    CommandProcess::start(options, environment).finish()
}

#[derive(Debug)]
pub struct CommandProcess {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
    output: String,
}

impl CommandProcess {
    pub fn start(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Program::Service.command();
        command.args(options).envs(environment.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut stderr = child.stderr.take().expect("standard error is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Sending fails after the receiver was dropped.
                let _ = sender.send(line);
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

    /// Waits for the next line that contains this text.
    pub fn line_with(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(LINE_LIMIT) else {
                panic!("no {text:?} in {:?}", self.output);
            };
            self.keep(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn interrupt(&self) {
        signal(&self.child, "INT");
    }

    /// Sends a signal. The name excludes the prefix `SIG`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub fn finish(self) -> Finished {
        self.finish_within(END_LIMIT)
    }

    /// Waits for the end. Panics if the command still runs after `limit`.
    pub fn finish_within(mut self, limit: Duration) -> Finished {
        let deadline = Instant::now() + limit;
        let rest = || deadline.saturating_duration_since(Instant::now());
        loop {
            match self.lines.recv_timeout(rest()) {
                Ok(line) => self.keep(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still running after {limit:?}; its output: {}", self.output)
                }
            }
        }
        let Some(status) = wait(&mut self.child, rest().max(Duration::from_secs(1))) else {
            panic!("still running after {limit:?}; its output: {}", self.output);
        };
        let status = status.code();
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
        // The kill fails after the end of the process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
