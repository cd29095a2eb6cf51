//! Memory use of a process.

/// Returns a value of `/proc/<process>/status` in kilobytes, or `None` on systems without `/proc`.
///
/// `VmRSS` is the resident memory, `VmHWM` its peak, and `VmSize` the address space.
///
/// # Panics
///
/// Panics on systems with `/proc` if the process has ended or has no such value. A test must not mistake a missing value for a
/// small one.
pub fn memory_kilobytes(process: u32, name: &str) -> Option<u64> {
    if !std::path::Path::new("/proc/self/status").exists() {
        return None;
    }
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process is running");
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    Some(kilobytes.unwrap_or_else(|| panic!("{name} in {status}")))
}
