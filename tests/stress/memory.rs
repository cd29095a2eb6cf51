//! Memory of the service. Panics if the system has no `/proc`, so that no test passes there without a measurement.

use sends_end_to_end::{ServiceProcess, memory_kilobytes};

/// Returns the peak memory of the service since its start.
pub(crate) fn peak_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmHWM")
}

pub(crate) fn resident_megabytes(service: &ServiceProcess) -> u64 {
    megabytes(service, "VmRSS")
}

/// Limits the growth of the service's address space. An allocation beyond the limit ends the process.
pub(crate) fn limit_growth(service: &ServiceProcess, megabytes_more: u64) {
    let most = (megabytes(service, "VmSize") + megabytes_more) << 20;
    let process = service.id().try_into().expect("the process id is valid");
    let limited = rlimit::prlimit(process, rlimit::Resource::AS, Some((most, most)), None);
    limited.expect("the limit of a child process can be lowered");
}

fn megabytes(service: &ServiceProcess, name: &str) -> u64 {
    memory_kilobytes(service.id(), name).expect("the system has /proc") / 1024
}
