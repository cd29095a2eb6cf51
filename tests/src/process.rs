//! Builds the programs under test once, runs them, and collects their logs.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock, mpsc},
    time::{Duration, Instant},
};

const START_LIMIT: Duration = Duration::from_secs(20);

const END_LIMIT: Duration = Duration::from_mins(2);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    Service,
    Sandbox,
}

impl Program {
    /// Creates a command that runs the program without any setting of the caller's environment. The program is built on first
    /// use.
    pub fn command(self) -> Command {
        let mut command = Command::new(self.path());
        let ours = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("SENDS_") || name.starts_with("OTEL_")
        });
        for (name, _) in ours {
            command.env_remove(name);
        }
        command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn path(self) -> &'static Path {
        static PATHS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
        let name = ["sends-graphql", "sends-sandbox"][self as usize];
        PATHS[self as usize].get_or_init(|| {
            let build = escargot::CargoBuild::new().bin(name).current_release();
            let build = if cfg!(debug_assertions) {
                // The selected packages determine the features of the dependencies. With the same selection as in `cargo test
                // --workspace`, nothing is compiled again.
                build.arg("--workspace").test("end_to_end")
            } else {
                build
                    .package("sends-graphql")
                    .package("sends-sandbox")
                    .features("sends-graphql/full")
            };
            let build = build.run();
            build.expect("the program builds").path().to_owned()
        })
    }
}

/// Returns a free port of the loopback interface.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("an address").port()
}

#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(crate) fn start<T: Send + 'static>(
        mut command: Command,
        listening: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> (Self, T) {
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let (found, port) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(value) = listening(&line) {
                    // Sending fails after the first value was received.
                    let _ = found.send(value);
                }
                lines.lock().expect("no reader panics").push(line);
            }
        });
        let running = Self { child, log };
        let Ok(value) = port.recv_timeout(START_LIMIT) else {
            panic!("{command:?} does not listen; its log: {:#?}", running.log());
        };
        (running, value)
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("the reader does not panic").clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait(&mut self) -> bool {
        match wait(&mut self.child, END_LIMIT) {
            Some(status) => status.success(),
            None => panic!("still running after {END_LIMIT:?}; its log: {:#?}", self.log()),
        }
    }

    /// Returns the exit status, or `None` if the program still runs after `limit`.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// Waits for the end of a process. Returns `None` if the process still runs after `limit`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        let status = child.try_wait().expect("a child process can be waited for");
        if status.is_some() || Instant::now() >= deadline {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a process. The name excludes the prefix `SIG`.
pub(crate) fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.expect("the kill command exists").success(), "SIG{name}");
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the origin of the first `http://` URL in a line.
pub(crate) fn origin_in(line: &str) -> Option<String> {
    let from = &line[line.find("http://")?..];
    let end = from["http://".len()..]
        .find(|character: char| !character.is_ascii_alphanumeric() && !".:-[]".contains(character));
    Some(from[..end.map_or(from.len(), |end| end + "http://".len())].to_owned())
}
