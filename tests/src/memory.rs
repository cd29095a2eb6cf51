//! Memory use of a process.

/// A value of `/proc/<process>/status` in kilobytes: `VmRSS` is the resident memory, `VmHWM` its peak, `VmSize` the address
/// space.
/// `None` on systems without `/proc`.
///
/// # Panics
///
/// On systems with `/proc` when the process has ended or has no such value, so that no test takes a missing value for a small
/// one.
pub fn memory_kilobytes(process: u32, name: &str) -> Option<u64> {
    if !std::path::Path::new("/proc/self/status").exists() {
        return None;
    }
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    Some(kilobytes.unwrap_or_else(|| panic!("{name} in {status}")))
}
