//! What a code server prints: passed on line by line, and its end kept for errors.
//!
//! A server writes into a file. A pipe would break when this process ends, and with it the server and its workers.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines at the end are told with an error.
const LAST_LINES: usize = 40;

/// How many lines are kept of a server that does not answer yet.
const HELD_LINES: usize = 1000;

/// How many bytes a line may have. A longer one is passed on in parts.
const LINE_BYTES: usize = 64 * 1024;

/// How many bytes of the file may be read and not given back to the file system.
const READ_BYTES: u64 = 1024 * 1024;

/// Takes the lines that code servers print.
#[derive(Clone)]
pub struct ServerOutput(Arc<Take>);

/// Takes the name of a code location and a line.
type Take = dyn Fn(&str, &str) + Send + Sync;

impl ServerOutput {
    /// The function gets the name of a code location and a line, without its end and without colours. It is called in the
    /// order of the lines, and must not block.
    pub fn new(take: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for ServerOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerOutput")
    }
}

/// The lines of one server.
pub(super) struct Lines(Mutex<Reading>);

struct Reading {
    location: String,
    file: File,
    position: u64,
    released: u64,
    /// The begin of a line whose end has not come.
    partial: Vec<u8>,
    last: VecDeque<String>,
    taker: Option<ServerOutput>,
    is_held: bool,
}

impl Lines {
    /// The lines in the file of a location's server. They are held until the server answers: if it does not, the error has
    /// the last ones.
    pub(super) fn of(file: &Path, location: &str, taker: Option<ServerOutput>) -> io::Result<Self> {
        Ok(Self(Mutex::new(Reading {
            location: location.to_owned(),
            // Written only to give back what was read.
            file: File::options().read(true).write(true).open(file)?,
            position: 0,
            released: 0,
            partial: Vec::new(),
            last: VecDeque::new(),
            taker,
            is_held: true,
        })))
    }

    /// Passes on what has come.
    pub(super) fn pass_on(&self) {
        self.reading(|reading| {
            if let Err(error) = reading.read() {
                tracing::debug!(location = reading.location, %error, "what a code server prints cannot be read");
            }
        });
    }

    /// Passes on what was held, and from now on everything as it comes.
    pub(super) fn release(&self) {
        self.reading(|reading| {
            if std::mem::take(&mut reading.is_held) {
                for line in &reading.last {
                    reading.pass(line);
                }
                reading.limit();
            }
        });
    }

    /// The last lines; empty if nothing was printed.
    pub(super) fn last(&self) -> Vec<String> {
        self.pass_on();
        self.reading(|reading| {
            let partial = (!reading.partial.is_empty()).then(|| shown(&reading.partial));
            let lines: Vec<_> = reading.last.iter().cloned().chain(partial).collect();
            lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().to_vec()
        })
    }

    fn reading<T>(&self, with: impl FnOnce(&mut Reading) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl Reading {
    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 8192];
        loop {
            let count = self.file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.position += count as u64;
            for part in
                buffer.get(..count).unwrap_or_default().split_inclusive(|byte| *byte == b'\n')
            {
                self.partial.extend_from_slice(part);
                if part.ends_with(b"\n") || self.partial.len() > LINE_BYTES {
                    self.line();
                }
            }
        }
        self.give_back();
        Ok(())
    }

    fn line(&mut self) {
        let line = shown(&std::mem::take(&mut self.partial));
        if !self.is_held {
            self.pass(&line);
        }
        self.last.push_back(line);
        self.limit();
    }

    fn pass(&self, line: &str) {
        if let Some(taker) = &self.taker {
            (taker.0)(&self.location, line);
        }
    }

    fn limit(&mut self) {
        let most = if self.is_held { HELD_LINES } else { LAST_LINES };
        while self.last.len() > most {
            self.last.pop_front();
        }
    }

    /// Gives the room of what was read back to the file system: a service has its servers for months. Where the file system
    /// cannot do that, the file grows.
    fn give_back(&mut self) {
        if self.position - self.released < READ_BYTES {
            return;
        }
        #[cfg(target_os = "linux")]
        {
            use nix::fcntl::{FallocateFlags, fallocate};

            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            if let Ok(position) = i64::try_from(self.position) {
                let _ = fallocate(&self.file, flags, 0, position);
            }
        }
        self.released = self.position;
    }
}

/// A line for people: without its end, and without the sequences that colour terminals.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.trim_end_matches(['\n', '\r']).chars();
    while let Some(letter) = rest.next() {
        if letter != '\u{1b}' {
            shown.push(letter);
        } else if rest.as_str().starts_with('[') {
            rest.next();
            // Parameters, and the letter that ends them.
            rest.find(|letter| ('@'..='~').contains(letter));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::{HELD_LINES, LAST_LINES, Lines, ServerOutput, shown};

    #[test]
    fn lines_are_held_until_the_server_answers() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let passed = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&passed);
        let taker = ServerOutput::new(move |location, line| {
            kept.lock().unwrap().push(format!("{location}|{line}"));
        });
        let lines = Lines::of(file.path(), "loc", Some(taker)).unwrap();
        file.write_all(b"one\r\ntw").unwrap();
        lines.pass_on();
        assert_eq!(lines.last(), ["one", "tw"]);
        assert!(passed.lock().unwrap().is_empty());
        lines.release();
        file.write_all(b"o\n\xff\nunfinished").unwrap();
        lines.pass_on();
        assert_eq!(*passed.lock().unwrap(), ["loc|one", "loc|two", "loc|\u{fffd}"]);
        assert_eq!(lines.last(), ["one", "two", "\u{fffd}", "unfinished"]);
    }

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let taker = ServerOutput::new(move |_, _| *counted.lock().unwrap() += 1);
        let lines = Lines::of(file.path(), "loc", Some(taker)).unwrap();
        for number in 0..2 * HELD_LINES {
            writeln!(file, "{number} {}", "x".repeat(1000)).unwrap();
        }
        let last = lines.last();
        assert_eq!(last.len(), LAST_LINES);
        assert!(last[0].starts_with(&format!("{} ", 2 * HELD_LINES - LAST_LINES)), "{}", last[0]);
        lines.release();
        assert_eq!(*count.lock().unwrap(), HELD_LINES);
        writeln!(file, "one more").unwrap();
        lines.pass_on();
        assert_eq!(*count.lock().unwrap(), HELD_LINES + 1);
        assert_eq!(lines.last().last().map(String::as_str), Some("one more"));
    }

    #[test]
    fn colours_are_left_out() {
        assert_eq!(shown(b"\x1b[32m2026\x1b[0m - \x1b[1;34mINFO\x1b[0m\n"), "2026 - INFO");
        assert_eq!(shown(b"a\x1b[9mb\x1b["), "ab");
    }
}
