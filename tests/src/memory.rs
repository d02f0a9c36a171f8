//! How much memory a process uses, as Linux tells.

use std::io;

/// A figure of a process's memory, in bytes, such as `VmHWM`, the most that it has used so far. The process is an id,
/// or `self`.
///
/// # Errors
///
/// The process is gone, or there is no such figure.
pub fn memory(process: &str, figure: &str) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    line.and_then(|line| line.strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map(|kibibytes| kibibytes * 1_024)
        .ok_or_else(|| io::Error::other(format!("process {process} has no figure {figure}")))
}
