//! What a process holds in memory.

use sends_end_to_end::ServiceProcess;

/// The most that the service has held at once since its start, in megabytes.
pub(crate) fn peak_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmHWM:")
}

/// What the service holds, in megabytes.
pub(crate) fn resident_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmRSS:")
}

fn megabytes(service: &ServiceProcess, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.expect("a number of kilobytes") / 1024
}
