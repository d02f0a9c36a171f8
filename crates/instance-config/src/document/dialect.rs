//! What PyYAML does not accept although YAML 1.2, which the parser knows, has it.
//!
//! PyYAML ends every token at a tab, takes a `?` within brackets for the sign of a key, and gives anchors short names.

use granit_parser::{Event, ScalarStyle, Span};

use super::Unreadable;
use super::characters::place_behind;
use super::source::Source;

/// Watches the events of a document.
pub(super) struct Dialect<'a> {
    source: &'a Source,
    text: &'a str,
    /// The parts of the text in which tabs are characters like others, in their order.
    free: Vec<(usize, usize)>,
    /// How many collections in brackets are open.
    brackets: usize,
}

impl<'a> Dialect<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, text: source.text(), free: Vec::new(), brackets: 0 }
    }

    /// Looks at an event.
    pub(super) fn see(&mut self, event: &Event<'_>, span: Span) -> Result<(), Unreadable> {
        let (start, end) = self.bytes(span);
        let source = self.text.get(start..end).unwrap_or_default();
        match event {
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                let opens = *style == granit_parser::StructureStyle::Flow;
                // Within brackets everything is in brackets.
                self.brackets += usize::from(opens || self.brackets > 0);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.brackets = self.brackets.saturating_sub(1);
            }
            Event::Scalar(_, ScalarStyle::Plain, ..) => {
                let index = source.find('?').or_else(|| source.starts_with(':').then_some(0));
                if let Some(index) = index.filter(|_| self.brackets > 0) {
                    let reason = "within brackets, a text has no `?` and does not begin with a colon; put the value in \
                                  quotes";
                    return Err(self.refused(start + index, reason));
                }
            }
            Event::Scalar(..) => self.free.push((start, end)),
            Event::Anchor(..) | Event::Alias(_) => {
                let name = source.get(1..).unwrap_or_default();
                let is_plain =
                    |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                let next = self.text.as_bytes().get(end);
                let ends = next.is_none_or(|byte| b" \n\t?:,]}%@`".contains(byte));
                if name.is_empty() || !name.bytes().all(is_plain) || !ends {
                    let reason = "the name of an anchor has letters, digits, `-` and `_`; if a value begins with `&` or \
                                  `*`, put it in quotes";
                    return Err(self.refused(start, reason));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks at the key of a mapping, whose event was seen. A key that does not follow a `?` is something, and it and its
    /// colon are in one line.
    pub(super) fn see_key(&self, event: &Event<'_>, span: Span) -> Result<(), Unreadable> {
        let (start, end) = self.bytes(span);
        let before = self.text.get(..start).unwrap_or_default();
        let behind = self.text.get(end..).unwrap_or_default();
        let Event::Scalar(_, style, anchor, tag) = event else { return Ok(()) };
        if before.trim_end().ends_with('?') {
            return Ok(());
        }
        if *style == ScalarStyle::Plain
            && *anchor == 0
            && tag.is_none()
            && start == end
            && behind.starts_with(':')
        {
            return Err(self.refused(start, "there is no key before the colon"));
        }
        let to_colon = behind.len() - behind.trim_start().len();
        let key = self.text.get(start..end + to_colon).unwrap_or_default();
        if self.brackets > 0 && behind.trim_start().starts_with(':') && key.contains('\n') {
            return Err(self.refused(start, "a key and its colon have to be in one line"));
        }
        Ok(())
    }

    /// Looks at the text as a whole, which has a document or none.
    pub(super) fn end(&self, has_document: bool) -> Result<(), Unreadable> {
        let ends_nothing = |line: &str| line == "..." || line.starts_with("... ");
        if !has_document && self.text.lines().any(ends_nothing) {
            return Err(self.refused(0, "`...` ends a document that has not begun"));
        }
        let mut free = self.free.iter().copied().peekable();
        let mut in_comment = false;
        for (index, byte) in self.text.bytes().enumerate() {
            while free.next_if(|(_, end)| *end <= index).is_some() {}
            if free.peek().is_some_and(|(start, _)| *start <= index) {
                in_comment = false;
                continue;
            }
            match byte {
                b'\n' => in_comment = false,
                b'#' => in_comment |= self.begins_comment(index),
                b'\t' if !in_comment => {
                    return Err(self.refused(index, "a tab stands here; write spaces"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn begins_comment(&self, index: usize) -> bool {
        let before = self.text.as_bytes().get(index.wrapping_sub(1));
        before.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
    }

    fn bytes(&self, span: Span) -> (usize, usize) {
        let end = self.text.len();
        (
            span.start.byte_offset().unwrap_or(end).min(end),
            span.end.byte_offset().unwrap_or(end).min(end),
        )
    }

    fn refused(&self, index: usize, reason: &str) -> Unreadable {
        let before = self.text.get(..index).unwrap_or_default();
        let place = place_behind(before);
        Unreadable::at(self.source.place(place.line, place.column), reason)
    }

    /// Whether the text ends within the last line of a block that an event is. Then the block ends without a line break.
    pub(super) fn is_cut_off(&self, span: Span) -> bool {
        let (_, end) = self.bytes(span);
        let last_line = self.text.rsplit('\n').next().unwrap_or_default();
        end == self.text.len() && !last_line.trim_matches(' ').is_empty()
    }
}
