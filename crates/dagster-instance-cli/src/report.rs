//! What the program itself says, on standard error: notes, errors and warnings.
//!
//! Not here: what a command prints as its result.

use std::error::Error;
use std::io::{self, Write};

use dagster_instance::error::chain;

use crate::text;

/// Prints a line. If nobody reads it any more, that is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Says what went wrong, with the errors behind it.
pub(crate) fn error(error: &(dyn Error + 'static)) {
    failure(&chain(error));
}

/// Says what went wrong.
pub(crate) fn failure(reason: &str) {
    say(&format!("dagster-instance: {}", text::lines(reason)));
}

/// Shows warnings, and with `verbose` more of what is done.
pub(crate) fn show_warnings(verbose: u8) {
    let level = match verbose {
        0 => tracing_subscriber::filter::LevelFilter::WARN,
        1 => tracing_subscriber::filter::LevelFilter::INFO,
        _ => tracing_subscriber::filter::LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Escaping)
        .with_ansi(false)
        // Else it prints to standard error that it cannot, and panics.
        .log_internal_errors(false)
        .init();
}

/// Standard error for the lines of `tracing`, which may hold names from the database.
struct Escaping;

impl Write for Escaping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        say(&text::lines(&String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
