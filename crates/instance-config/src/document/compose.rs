//! From a text to nodes: the parser's events, with tags, anchors and aliases put together.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use instance_core::config_problems::Position;

use super::Unreadable;
use super::dialect::Dialect;
use super::source::Source;

/// A node of which nobody has said yet what it means.
pub(super) struct Raw {
    /// Where it begins.
    pub(super) position: Position,
    /// Its tag: `tag:yaml.org,2002:str`. `None` if it has none.
    pub(super) tag: Option<String>,
    /// What it consists of.
    pub(super) content: Content,
}

/// What a node consists of. A node that has an anchor may be in several places.
pub(super) enum Content {
    /// A text, and whether it is plain: without quotes, and no block.
    Scalar(String, bool),
    /// A list.
    Sequence(Vec<Rc<Raw>>),
    /// Keys and values.
    Mapping(Vec<(Rc<Raw>, Rc<Raw>)>),
}

impl Raw {
    /// Whether it is this plain text without a tag.
    fn is(&self, text: &str) -> bool {
        self.tag.is_none() && matches!(&self.content, Content::Scalar(own, true) if own == text)
    }
}

/// The one document of a text; `None` if the text has none.
pub(super) fn document(text: &str) -> Result<Option<Rc<Raw>>, Unreadable> {
    let mut source = Source::new(text);
    loop {
        match composed(&source) {
            Ok(document) => return Ok(document),
            Err(Failure::Parser(error)) if source.repair(&error) => {}
            Err(Failure::Parser(error)) => {
                let marker = error.marker();
                let place = source.place(marker.line() as u64, marker.col() as u64 + 1);
                return Err(Unreadable::at(place, syntax_error(error.kind())));
            }
            Err(Failure::Ours(error)) => return Err(error),
        }
    }
}

/// Why a text cannot be composed.
enum Failure {
    /// The parser cannot go on.
    Parser(ScanError),
    /// We refuse what the parser accepts.
    Ours(Unreadable),
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        Self::Ours(error)
    }
}

fn composed(source: &Source) -> Result<Option<Rc<Raw>>, Failure> {
    let mut options = granit_parser::options! { emit_anchor_events: true };
    options.set_emit_comments(false);
    let mut composer = Composer {
        source,
        events: Parser::new_from_str_with_options(source.text(), options),
        dialect: Dialect::new(source),
        waiting: None,
        anchors: HashMap::new(),
        names: HashMap::new(),
    };
    let mut document = None;
    while let Some((event, span)) = composer.next()? {
        match event {
            Event::DocumentStart(..) if document.is_some() => {
                let reason = "a second document begins; the file has one document";
                return Err(composer.refused(span, reason));
            }
            Event::DocumentStart(..) => {
                let Some((first, span)) = composer.next()? else { break };
                document = Some(composer.node(first, span)?);
            }
            _ => {}
        }
    }
    composer.dialect.end(document.is_some())?;
    Ok(document)
}

struct Composer<'a> {
    source: &'a Source,
    events: Parser<'a, StrInput<'a>>,
    dialect: Dialect<'a>,
    /// An event that was read too early.
    waiting: Option<(Event<'a>, Span)>,
    /// The nodes that have anchors, by the parser's number; `None` while the node is not complete.
    anchors: HashMap<usize, Option<Rc<Raw>>>,
    /// The names of the anchors so far.
    names: HashMap<String, usize>,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Failure> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(Some(waiting));
        }
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                self.dialect.see(&event, span)?;
                Ok(Some((event, span)))
            }
            Some(Err(error)) => Err(Failure::Parser(error)),
        }
    }

    /// The node that an event begins.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Rc<Raw>, Failure> {
        let start = self.place(span);
        match event {
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(Some(node)) => Ok(Rc::clone(node)),
                _ => Err(self.refused(span, "an alias stands within the value that it stands for")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                self.begin(anchor)?;
                let mut text = text.into_owned();
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if is_block && text.ends_with('\n') && self.dialect.is_cut_off(span) {
                    text.pop();
                }
                let content = Content::Scalar(text, style == ScalarStyle::Plain);
                Ok(self.complete(anchor, start, tag.as_deref(), content))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(anchor)?;
                let mut items = Vec::new();
                while let Some((event, span)) = self.within()? {
                    items.push(self.node(event, span)?);
                }
                Ok(self.complete(anchor, start, tag.as_deref(), Content::Sequence(items)))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(anchor)?;
                let mut entries = Vec::new();
                while let Some((event, span)) = self.within()? {
                    self.dialect.see_key(&event, span)?;
                    let key = self.node(event, span)?;
                    let Some((event, span)) = self.within()? else {
                        return Err(Unreadable::at(key.position, "a key has no value").into());
                    };
                    // PyYAML merges a mapping into itself, which changes nothing.
                    let is_itself =
                        anchor != 0 && matches!(event, Event::Alias(of) if of == anchor);
                    if is_itself && key.is("<<") {
                        continue;
                    }
                    entries.push((key, self.node(event, span)?));
                }
                Ok(self.complete(anchor, start, tag.as_deref(), Content::Mapping(entries)))
            }
            _ => Err(self.refused(span, "there is no value where one is expected")),
        }
    }

    /// The next event within a list or a mapping; `None` at its end.
    fn within(&mut self) -> Result<Option<(Event<'a>, Span)>, Failure> {
        let next = self.next()?;
        Ok(next.filter(|(event, _)| {
            !matches!(event, Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd)
        }))
    }

    /// Reads the name of an anchor, which follows the event that begins its node.
    fn begin(&mut self, anchor: usize) -> Result<(), Failure> {
        match self.next()? {
            Some((Event::Anchor(number, name), span)) => {
                // PyYAML takes a second anchor of one name for a mistake.
                if self.names.insert(name.into_owned(), number).is_some() {
                    let reason = "another value has an anchor of this name";
                    return Err(self.refused(span, reason));
                }
            }
            other => self.waiting = other,
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        Ok(())
    }

    /// Where something begins.
    fn place(&self, span: Span) -> Position {
        self.source.place(span.start.line() as u64, span.start.col() as u64 + 1)
    }

    fn refused(&self, span: Span, reason: &str) -> Failure {
        Failure::Ours(Unreadable::at(self.place(span), reason))
    }

    fn complete(
        &mut self,
        anchor: usize,
        position: Position,
        tag: Option<&Tag>,
        content: Content,
    ) -> Rc<Raw> {
        let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        let node = Rc::new(Raw { position, tag, content });
        if anchor != 0 {
            self.anchors.insert(anchor, Some(Rc::clone(&node)));
        }
        node
    }
}

/// What the parser says about an error. Only the kinds whose texts hold nothing of the file say more than that.
fn syntax_error(kind: &ErrorKind) -> String {
    let what = match kind {
        ErrorKind::UnexpectedCharacter { .. } => {
            "a character stands here that cannot begin a value; put the value in quotes".to_owned()
        }
        ErrorKind::UnknownAnchor => {
            "an alias has no anchor; if a value begins with `*`, put it in quotes".to_owned()
        }
        ErrorKind::Custom(_) | ErrorKind::InputIo { .. } | ErrorKind::InputDecoding { .. } => {
            return "it is no YAML".to_owned();
        }
        other => other.to_string(),
    };
    format!("it is no YAML: {what}")
}
