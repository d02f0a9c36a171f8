//! The text that the parser gets, and where its characters are in the file.
//!
//! PyYAML reads some texts that YAML 1.2 does not have. They become texts that mean the same to both.

use granit_parser::{ErrorKind, ScanError};
use instance_core::config_problems::Position;

/// How many places of a text may be changed.
const REPAIRS: usize = 1000;

/// A text for the parser.
pub(super) struct Source {
    text: String,
    repairs: Vec<Repair>,
}

/// Characters that are not in the file.
struct Repair {
    /// Before this place of the changed text.
    place: Position,
    /// How many there are.
    added: u64,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), repairs: Vec::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Changes the text so that the parser no longer fails in this way. `false` if PyYAML fails, too.
    pub(super) fn repair(&mut self, error: &ScanError) -> bool {
        let marker = error.marker();
        let Some(index) = marker.byte_offset().filter(|index| self.text.is_char_boundary(*index))
        else {
            return false;
        };
        let rest = self.text.get(index..).unwrap_or_default();
        let before = self.text.get(..index).unwrap_or_default();
        let at = |offset: usize| (index + offset, marker.col() as u64 + 1 + offset as u64);
        let insertions: Vec<((usize, u64), String)> = match error.kind() {
            // The lines of a text in quotes may begin anywhere, and spaces before them do not count.
            ErrorKind::InvalidQuotedScalarIndent => {
                let line = before.rfind('\n').map_or(0, |end| end + 1);
                if ends_document(&self.text[line..]) {
                    return false;
                }
                vec![((line, 1), " ".repeat(256))]
            }
            // A comment may follow a quote or a bracket at once.
            ErrorKind::CommentNotSeparated
                if rest.starts_with('#')
                    && before.ends_with(['"', '\'', '[', ']', '{', '}', ',']) =>
            {
                vec![(at(0), " ".to_owned())]
            }
            // So may brackets follow a colon.
            ErrorKind::FlowMappingValueAdjacentCollection if rest.starts_with(':') => {
                vec![(at(1), " ".to_owned())]
            }
            // Within brackets, a hyphen by itself is a text.
            ErrorKind::PlainScalarStartsWithDashFlowIndicator if rest.starts_with('-') => {
                vec![(at(1), "'".to_owned()), (at(0), "'".to_owned())]
            }
            _ => return false,
        };
        if self.repairs.len() >= REPAIRS {
            return false;
        }
        for ((index, column), inserted) in insertions {
            self.text.insert_str(index, &inserted);
            let place = Position { line: marker.line() as u64, column };
            self.repairs.push(Repair { place, added: inserted.len() as u64 });
        }
        true
    }

    /// Where in the file a place of the changed text is.
    pub(super) fn place(&self, line: u64, column: u64) -> Position {
        let added: u64 = self
            .repairs
            .iter()
            .filter(|repair| repair.place.line == line && repair.place.column <= column)
            .map(|repair| repair.added)
            .sum();
        Position { line, column: column.saturating_sub(added).max(1) }
    }
}

/// Whether a line ends a document, wherever it stands.
fn ends_document(line: &str) -> bool {
    ["---", "..."].iter().any(|mark| {
        let rest = line.strip_prefix(mark);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
    })
}
