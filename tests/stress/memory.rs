//! What a process holds in memory.

use sends_end_to_end::{ServiceProcess, memory_kilobytes};

/// The most that the service has held at once since its start, in megabytes.
pub(crate) fn peak_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmHWM")
}

/// What the service holds, in megabytes.
pub(crate) fn resident_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmRSS")
}

/// Limits the address space of the service to what it has and so many megabytes more. An allocation beyond that ends the process.
pub(crate) fn limit_growth(service: &ServiceProcess, megabytes_more: u64) {
    let most = (megabytes(service, "VmSize") + megabytes_more) << 20;
    let process = service.id().try_into().expect("a process id");
    let limited = rlimit::prlimit(process, rlimit::Resource::AS, Some((most, most)), None);
    limited.expect("the limit of a child process can be lowered");
}

fn megabytes(service: &ServiceProcess, name: &str) -> u64 {
    memory_kilobytes(service.id(), name).expect("a process that runs") / 1024
}
