//! Running server: its address, processor time and memory.
//!
//! Processor time and memory are read from `/proc`, so the harness requires Linux.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use sends_end_to_end::ServiceProcess;

pub(crate) struct Peer {
    address: String,
    process: u32,
    /// Process of a server that the harness started, killed on drop.
    own: Option<Child>,
}

impl Peer {
    /// Wraps the service, whose process the caller owns.
    pub(crate) fn service(service: &ServiceProcess) -> Self {
        Self {
            address: host_and_port(service.origin()),
            process: service.id(),
            own: None,
        }
    }

    /// Starts a reference server of this program, with `input` on its standard input.
    pub(crate) fn start(part: &str, input: &[u8]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .arg(part)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(input).expect("the process listens");
        drop(stdin);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("standard output is piped"))
            .read_line(&mut line)
            .expect("the process prints its address");
        Self {
            address: host_and_port(line.trim()),
            process: child.id(),
            own: Some(child),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn processor_seconds(&self) -> f64 {
        /// Clock ticks in `/proc`, the same on all Linux systems.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.process)).expect("the process is running");
        // The fields follow the process name, which may contain any character. utime and stime are the 12th and 13th field after
        // the name.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().expect("a number of ticks"))
            .sum();
        ticks / TICKS_PER_SECOND
    }

    /// Returns the resident memory in megabytes of 1024 × 1024 bytes.
    pub(crate) fn resident_megabytes(&self) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process)).expect("the process is running");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.expect("the status has the resident memory") / 1024.0
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.own {
            // The process may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn host_and_port(origin: &str) -> String {
    origin.trim_start_matches("http://").to_owned()
}
