//! Taking messages out of an output that has other lines, too.

use tokio::sync::mpsc::Sender;

use super::lines::LONGEST_LINE;
use super::messages::VERSION_FIELD;

/// Takes messages out of an output. What is no message goes on at once, unless it begins as a message does.
#[derive(Debug)]
pub(in crate::process) struct Splitter {
    messages: Sender<Vec<u8>>,
    /// The beginning of a line that may become a message.
    candidate: Vec<u8>,
    is_within_line: bool,
}

impl Splitter {
    pub(super) fn new(messages: Sender<Vec<u8>>) -> Self {
        Self { messages, candidate: Vec::new(), is_within_line: false }
    }

    /// The bytes without the messages among them.
    pub(in crate::process) async fn split(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut other = Vec::with_capacity(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_end = piece.ends_with(b"\n");
            let may_be_message =
                !self.candidate.is_empty() || (!self.is_within_line && piece.starts_with(b"{"));
            if may_be_message {
                self.candidate.extend_from_slice(piece);
                if is_end {
                    self.end_candidate(&mut other).await;
                } else if self.candidate.len() > LONGEST_LINE {
                    other.append(&mut self.candidate);
                    self.is_within_line = true;
                }
            } else {
                other.extend_from_slice(piece);
                self.is_within_line = !is_end;
            }
        }
        other
    }

    /// What is left at the end of the output, if it is no message.
    pub(in crate::process) async fn finish(&mut self) -> Vec<u8> {
        let mut other = Vec::new();
        self.end_candidate(&mut other).await;
        other
    }

    async fn end_candidate(&mut self, other: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.candidate);
        let field = VERSION_FIELD.as_bytes();
        let is_message = line.windows(field.len()).any(|window| window == field);
        // If nobody reads messages any more, they are lines like others.
        if is_message && !self.messages.is_closed() {
            let _ = self.messages.send(line).await;
        } else {
            other.extend_from_slice(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "plain\n{\"__dagster_pipes_version\": \"0.1\"}\n{\"level\": \"info\"}\n \
                          {\"__dagster_pipes_version\": \"0.1\"}\n{\"__dagster_pipes_version\": 1}";

    #[tokio::test]
    async fn messages_are_taken_out_however_they_arrive() {
        for size in 1..=OUTPUT.len() {
            let (sender, mut messages) = tokio::sync::mpsc::channel(10);
            let mut splitter = Splitter::new(sender);
            let mut other = Vec::new();
            for piece in OUTPUT.as_bytes().chunks(size) {
                other.extend(splitter.split(piece).await);
            }
            other.extend(splitter.finish().await);
            let expect = "plain\n{\"level\": \"info\"}\n {\"__dagster_pipes_version\": \"0.1\"}\n";
            assert_eq!(String::from_utf8(other).unwrap(), expect);
            assert_eq!(messages.recv().await.unwrap(), b"{\"__dagster_pipes_version\": \"0.1\"}\n");
            assert_eq!(messages.recv().await.unwrap(), b"{\"__dagster_pipes_version\": 1}");
        }
    }
}
