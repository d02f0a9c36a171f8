//! Lines of bytes that arrive in pieces.

use std::fs::File;
use std::io::Read;

/// How long a line of a program may be.
pub(super) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// How many bytes one read takes at most.
const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes from which whole lines are taken.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of a line.
    searched: usize,
}

impl LineBuffer {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line, with its end; `None` if it is not complete.
    pub(super) fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.searched..)?;
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + end + 1;
        let line = self.bytes.get(self.start..end)?.to_vec();
        self.start = end;
        self.searched = end;
        Some(line)
    }

    /// What is there behind the last whole line.
    pub(super) fn take_rest(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.start..)?.to_vec();
        *self = Self::default();
        (!rest.is_empty()).then_some(rest)
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.bytes.len() - self.start > LONGEST_LINE
    }
}

/// The lines of a file that somebody else writes to.
#[derive(Debug)]
pub(super) struct FileLines {
    file: File,
    buffer: LineBuffer,
    chunk: Box<[u8]>,
}

impl FileLines {
    pub(super) fn new(file: File) -> Self {
        let chunk = vec![0; CHUNK_BYTES].into_boxed_slice();
        Self { file, buffer: LineBuffer::default(), chunk }
    }

    /// The next line that is there; `None` if there is none yet. If the file is over, its last line needs no end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is too long.
    pub(super) fn next_line(&mut self, is_over: bool) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.buffer.next_line() {
                return Ok(Some(line));
            }
            if self.buffer.is_too_long() {
                return Err(too_long());
            }
            match self.file.read(&mut self.chunk)? {
                0 if is_over => return Ok(self.buffer.take_rest()),
                0 => return Ok(None),
                read => self.buffer.push(self.chunk.get(..read).unwrap_or_default()),
            }
        }
    }
}

pub(super) fn too_long() -> std::io::Error {
    std::io::Error::other(format!("a line has more than {LONGEST_LINE} bytes"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let text = b"one\n\ntwo\nthree";
        for size in 1..=text.len() {
            let mut buffer = LineBuffer::default();
            let mut lines = Vec::new();
            for piece in text.chunks(size) {
                buffer.push(piece);
                while let Some(line) = buffer.next_line() {
                    lines.push(line);
                }
            }
            assert_eq!(lines, [&b"one\n"[..], b"\n", b"two\n"]);
            assert_eq!(buffer.take_rest().unwrap(), b"three");
            assert_eq!(buffer.take_rest(), None);
        }
    }

    #[test]
    fn a_file_is_read_as_it_grows() {
        let written = tempfile::NamedTempFile::new().unwrap();
        let mut lines = FileLines::new(written.reopen().unwrap());
        assert_eq!(lines.next_line(false).unwrap(), None);
        written.as_file().write_all(b"a\nb").unwrap();
        assert_eq!(lines.next_line(false).unwrap().unwrap(), b"a\n");
        assert_eq!(lines.next_line(false).unwrap(), None);
        written.as_file().write_all(b"c").unwrap();
        assert_eq!(lines.next_line(true).unwrap().unwrap(), b"bc");
        assert_eq!(lines.next_line(true).unwrap(), None);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let written = tempfile::NamedTempFile::new().unwrap();
        written.as_file().write_all(&vec![b'a'; LONGEST_LINE + CHUNK_BYTES]).unwrap();
        let mut lines = FileLines::new(written.reopen().unwrap());
        assert!(lines.next_line(true).unwrap_err().to_string().contains("more than"));
    }
}
