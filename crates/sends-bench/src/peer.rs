//! A running server: where it is, what processor time it has used, and what memory it holds.
//!
//! Both are read from `/proc`, so the harness runs on Linux.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use sends_end_to_end::ServiceProcess;

/// A server under measurement.
pub(crate) struct Peer {
    address: String,
    process: u32,
    /// The process, when it is not somebody else's; ended when this is dropped.
    own: Option<Child>,
}

impl Peer {
    /// The service, which stays the caller's.
    pub(crate) fn service(service: &ServiceProcess) -> Self {
        Self {
            address: host_and_port(service.origin()),
            process: service.id(),
            own: None,
        }
    }

    /// Starts a part of this program that answers, and gives it what it needs to know.
    pub(crate) fn start(part: &str, knowledge: &[u8]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .arg(part)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(knowledge).expect("the process listens");
        drop(stdin);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("standard output is piped"))
            .read_line(&mut line)
            .expect("the process tells its address");
        Self {
            address: host_and_port(line.trim()),
            process: child.id(),
            own: Some(child),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        /// What the kernel counts in, on every Linux there is.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process)).expect("the process lives");
        // Behind the name, which may hold anything: utime and stime are the 12th and 13th field.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().expect("a number of ticks"))
            .sum();
        ticks / TICKS_PER_SECOND
    }

    /// The memory that it holds, in megabytes of 1024 × 1024 bytes.
    pub(crate) fn resident_megabytes(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).expect("the process lives");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.expect("the kernel tells the resident memory") / 1024.0
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.own {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn host_and_port(origin: &str) -> String {
    origin.trim_start_matches("http://").to_owned()
}
