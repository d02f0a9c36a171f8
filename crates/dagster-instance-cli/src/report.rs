//! What the program itself says, on standard error: notes, errors and warnings.
//!
//! Not here: what a command prints as its result.

use std::error::Error;
use std::io::{self, Write};

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

/// An error with the errors behind it. An error whose text ends the text so far is not repeated.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
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

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug)]
    struct Step(&'static str, Option<Box<Step>>);

    impl std::fmt::Display for Step {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Step {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|step| step as _)
        }
    }

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let last = Step("no such file", None);
        let middle = Step("cannot open x: no such file", Some(Box::new(last)));
        let first = Step("run r cannot be read", Some(Box::new(middle)));
        assert_eq!(chain(&first), "run r cannot be read: cannot open x: no such file");
    }
}
