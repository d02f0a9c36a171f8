//! The signals that child processes hear.

use std::{fs, io};

use tokio::signal::unix::{SignalKind, signal};

/// Sees that children do not inherit that SIGINT and SIGTERM are ignored. Shells have background commands ignore SIGINT,
/// and Dagster's processes would then ignore SIGTERM, too.
///
/// A signal that this process handles has its default effect in children. It is handled only where it was ignored, so
/// that nothing changes for this process: what is handled so has no effect either.
pub(crate) fn hear_signals() -> io::Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        if is_ignored(kind) {
            drop(signal(kind)?);
        }
    }
    Ok(())
}

/// Whether this process ignores a signal; not known, and so no, where there is no `/proc`.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
