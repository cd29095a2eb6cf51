//! The memory of a process, as the system tells it.

/// A figure of a process's memory in kilobytes, by its name in `/proc/<process>/status`: `VmRSS` is what it holds, `VmHWM` the most
/// that it has held at once, `VmSize` its address space. `None` where the process has ended or there is no `/proc`.
pub fn memory_kilobytes(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let figure = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    figure.split_whitespace().next()?.parse().ok()
}
