//! Reading serdes text: a pull reader over one string, with bounded depth and no tree.

use std::borrow::Cow;

use super::{SerdesError, plain::plain_length, surrogates};

/// How deep lists and objects may nest that are read as types. What is only passed over may nest as deep as its
/// text is long.
pub const MAX_DEPTH: usize = 128;

/// What kind of value stands at the reader's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// An integer, a float, `NaN` or an infinity
    Number,
    /// A string
    String,
    /// A list
    List,
    /// An object
    Object,
}

/// A position in a serdes text.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    carried: Option<Vec<&'a str>>,
}

/// The state of reading one object or list; see [`Reader::begin_object`].
#[derive(Debug)]
pub struct Object {
    first: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, carried: None }
    }

    /// A reader that notes every value that it carries without interpreting it.
    pub fn noting_carried(text: &'a str) -> Self {
        Self { carried: Some(Vec::new()), ..Self::new(text) }
    }

    /// The values that were carried, in their order. Empty if the reader does not note them.
    pub fn carried(&self) -> &[&'a str] {
        self.carried.as_deref().unwrap_or_default()
    }

    pub(super) fn note_carried(&mut self, text: &'a str) {
        if let Some(carried) = &mut self.carried {
            carried.push(text);
        }
    }

    /// An error at the current position.
    pub fn error(&self, reason: impl Into<String>) -> SerdesError {
        SerdesError::new(reason, self.at)
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// There is other text behind the value.
    pub fn end(&mut self) -> Result<(), SerdesError> {
        self.skip_space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.error("text after the end of the value"))
        }
    }

    /// The kind of the next value.
    ///
    /// # Errors
    ///
    /// No value is next: the text has ended, or something else follows.
    pub fn kind(&mut self) -> Result<Kind, SerdesError> {
        self.skip_space();
        match self.byte() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::List),
            Some(b'{') => Ok(Kind::Object),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Ok(Kind::Number),
            Some(_) => {
                Err(self.error(format!("expected a value, found {:?}", self.rest_preview())))
            }
            None => Err(self.error("expected a value, found the end of the text")),
        }
    }

    /// Reads `null` if it is next.
    ///
    /// # Errors
    ///
    /// A word that begins like `null` is next.
    pub fn null(&mut self) -> Result<bool, SerdesError> {
        self.skip_space();
        if self.byte() != Some(b'n') {
            return Ok(false);
        }
        self.literal("null")?;
        Ok(true)
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// The next value is not a boolean.
    pub fn bool(&mut self) -> Result<bool, SerdesError> {
        self.skip_space();
        if self.byte() == Some(b't') {
            self.literal("true")?;
            Ok(true)
        } else {
            self.literal("false")?;
            Ok(false)
        }
    }

    /// Reads the text of a number.
    ///
    /// # Errors
    ///
    /// The next value is not a number.
    pub fn number(&mut self) -> Result<&'a str, SerdesError> {
        if self.kind()? != Kind::Number {
            return Err(self.error(format!("expected a number, found {:?}", self.rest_preview())));
        }
        let rest = &self.text[self.at..];
        if let Some(length) = number_length(rest.as_bytes()) {
            self.at += length;
            return Ok(&rest[..length]);
        }
        for literal in ["NaN", "Infinity", "-Infinity"] {
            if rest.starts_with(literal) {
                self.at += literal.len();
                return Ok(literal);
            }
        }
        let found = rest.split(|c: char| !"+-.0123456789eE".contains(c)).next().unwrap_or(rest);
        Err(self.error(format!("not a number: {found:?}")))
    }

    /// Reads an integer of up to 64 bits.
    ///
    /// # Errors
    ///
    /// The next value is not an integer, or has more than 64 bits.
    pub fn integer(&mut self) -> Result<i64, SerdesError> {
        let start = self.at;
        let text = self.number()?;
        text.parse().map_err(|_| SerdesError::new(format!("not a 64-bit integer: {text}"), start))
    }

    /// Reads a float; an integer counts as one.
    ///
    /// # Errors
    ///
    /// The next value is not a number.
    pub fn float(&mut self) -> Result<f64, SerdesError> {
        let start = self.at;
        let text = self.number()?;
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => text.parse().map_err(|_| SerdesError::new(format!("not a float: {text}"), start)),
        }
    }

    /// Reads a string, without a copy where it has no escapes.
    ///
    /// # Errors
    ///
    /// The next value is not a string, has no end, or has an escape that does not exist.
    pub fn string(&mut self) -> Result<Cow<'a, str>, SerdesError> {
        self.skip_space();
        if self.byte() != Some(b'"') {
            return Err(self.error(format!("expected a string, found {:?}", self.rest_preview())));
        }
        let start = self.at + 1;
        let plain = start + plain_length(&self.text.as_bytes()[start..]);
        if self.text.as_bytes().get(plain) == Some(&b'"') {
            self.at = plain + 1;
            return Ok(Cow::Borrowed(&self.text[start..plain]));
        }
        // With escapes or other characters: each stretch as it is, up to the next escape or the end. Like
        // Python's reader, this one takes control characters as they are.
        let mut value = String::with_capacity(plain - start + 64);
        value.push_str(&self.text[start..plain]);
        self.at = plain;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let stretch = memchr::memchr2(b'"', b'\\', rest)
                .ok_or_else(|| SerdesError::new("a string without an end", start - 1))?;
            push_as_kept(&mut value, &self.text[self.at..self.at + stretch]);
            self.at += stretch;
            if rest[stretch] == b'"' {
                self.at += 1;
                return Ok(Cow::Owned(value));
            }
            self.escape(&mut value)?;
        }
    }

    /// Begins a list; then [`next_item`](Self::next_item) until it returns `false`.
    ///
    /// # Errors
    ///
    /// The next value is not a list, or lists and objects nest deeper than [`MAX_DEPTH`].
    pub fn begin_list(&mut self) -> Result<Object, SerdesError> {
        self.begin(b'[', "a list")
    }

    /// Whether another item of the list follows.
    ///
    /// # Errors
    ///
    /// Neither another item nor the end of the list is next.
    pub fn next_item(&mut self, list: &mut Object) -> Result<bool, SerdesError> {
        self.next(list, b']')
    }

    /// Begins an object; then [`next_key`](Self::next_key) and a value until it returns `None`.
    ///
    /// # Errors
    ///
    /// The next value is not an object, or lists and objects nest deeper than [`MAX_DEPTH`].
    pub fn begin_object(&mut self) -> Result<Object, SerdesError> {
        self.begin(b'{', "an object")
    }

    /// The next key of the object; the reader then stands before its value.
    ///
    /// # Errors
    ///
    /// Neither another key nor the end of the object is next.
    pub fn next_key(&mut self, object: &mut Object) -> Result<Option<Cow<'a, str>>, SerdesError> {
        if !self.next(object, b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Reads a key if it is the next one, written as Dagster writes it. `quoted` is the key in quotes with its
    /// colon and space. If it is, the reader then stands before the value; otherwise it does not move.
    #[doc(hidden)]
    #[inline]
    pub fn take_key(&mut self, object: &mut Object, quoted: &'static str) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let rest = if object.first { Some(rest) } else { rest.strip_prefix(b", ") };
        if !rest.is_some_and(|rest| rest.starts_with(quoted.as_bytes())) {
            return false;
        }
        self.at += quoted.len() + if object.first { 0 } else { 2 };
        object.first = false;
        true
    }

    /// Passes over one value and returns its text as it stands.
    ///
    /// It works without recursion, so a value that nobody interprets cannot exhaust the stack.
    ///
    /// # Errors
    ///
    /// The next value is not complete, or is not JSON.
    pub fn raw_value(&mut self) -> Result<&'a str, SerdesError> {
        self.skip_space();
        let start = self.at;
        // The lists (`true`) and objects around the position, with whether an item was read.
        let mut around: Vec<(bool, bool)> = Vec::new();
        loop {
            match self.kind()? {
                Kind::Null => self.literal("null")?,
                Kind::Bool => drop(self.bool()?),
                Kind::Number => drop(self.number()?),
                Kind::String => drop(self.string()?),
                kind @ (Kind::List | Kind::Object) => {
                    self.at += 1;
                    around.push((kind == Kind::List, false));
                }
            }
            // Close what ends here. If it does not end, go on to the next value.
            loop {
                let Some((is_list, has_items)) = around.last_mut() else {
                    return Ok(&self.text[start..self.at]);
                };
                self.skip_space();
                if self.byte() == Some(if *is_list { b']' } else { b'}' }) {
                    self.at += 1;
                    around.pop();
                    continue;
                }
                if std::mem::replace(has_items, true) {
                    self.literal(",")?;
                    self.skip_space();
                }
                if !*is_list {
                    self.string()?;
                    self.skip_space();
                    self.literal(":")?;
                }
                break;
            }
        }
    }

    /// The `"__class__"` of the object that follows. The reader does not move. `None` if no object follows, or it
    /// has no class.
    ///
    /// # Errors
    ///
    /// The object is not JSON up to its class, or its class is not a string.
    pub fn class(&mut self) -> Result<Option<Cow<'a, str>>, SerdesError> {
        if self.kind()? != Kind::Object {
            return Ok(None);
        }
        let (at, depth) = (self.at, self.depth);
        let mut object = self.begin_object()?;
        let mut class = None;
        if self.take_key(&mut object, "\"__class__\": ") {
            class = Some(self.string()?);
            (self.at, self.depth) = (at, depth);
            return Ok(class);
        }
        while let Some(key) = self.next_key(&mut object)? {
            if key == "__class__" {
                class = Some(self.string()?);
                break;
            }
            self.raw_value()?;
        }
        (self.at, self.depth) = (at, depth);
        Ok(class)
    }

    /// Reads `{"__enum__": "Class.MEMBER"}` and returns its text.
    ///
    /// # Errors
    ///
    /// The next value is not such an object.
    pub fn enum_text(&mut self) -> Result<Cow<'a, str>, SerdesError> {
        let mut object = self.begin_object()?;
        let mut text = None;
        while let Some(key) = self.next_key(&mut object)? {
            if key != "__enum__" {
                return Err(self.error(format!("expected \"__enum__\" alone, found {key:?}")));
            }
            text = Some(self.string()?);
        }
        text.ok_or_else(|| self.error("expected a member of an enum, found an empty object"))
    }

    fn begin(&mut self, open: u8, what: &str) -> Result<Object, SerdesError> {
        self.skip_space();
        if self.byte() != Some(open) {
            return Err(self.error(format!("expected {what}, found {:?}", self.rest_preview())));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.at += 1;
        Ok(Object { first: true })
    }

    fn next(&mut self, object: &mut Object, close: u8) -> Result<bool, SerdesError> {
        self.skip_space();
        if self.byte() == Some(close) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::replace(&mut object.first, false) {
            self.expect(b',')?;
        }
        Ok(true)
    }

    fn escape(&mut self, value: &mut String) -> Result<(), SerdesError> {
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        let character = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(value),
            _ => return Err(self.error("an unknown escape in a string")),
        };
        value.push(character);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self, value: &mut String) -> Result<(), SerdesError> {
        let unit = self.utf16_unit(self.at)?;
        let pair = [unit, self.utf16_unit(self.at + 6).unwrap_or_default()];
        let is_first_half = (0xd800..0xdc00).contains(&unit);
        let units = if is_first_half { &pair[..] } else { &pair[..1] };
        let Some(Ok(character)) = char::decode_utf16(units.iter().copied()).next() else {
            // Python's strings may hold half of a pair, and so may the text that it wrote.
            surrogates::push_half(value, unit);
            self.at += 6;
            return Ok(());
        };
        if surrogates::is_mark(character) {
            surrogates::push_mark(value);
        } else {
            value.push(character);
        }
        self.at += 6 * units.len();
        Ok(())
    }

    fn utf16_unit(&self, at: usize) -> Result<u16, SerdesError> {
        self.text
            .get(at..at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.error("a \\u escape without four hexadecimal digits"))
    }

    fn expect(&mut self, byte: u8) -> Result<(), SerdesError> {
        if self.byte() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.error(format!(
            "expected {:?}, found {:?}",
            char::from(byte).to_string(),
            self.rest_preview()
        )))
    }

    fn literal(&mut self, literal: &str) -> Result<(), SerdesError> {
        if self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()) {
            self.at += literal.len();
            Ok(())
        } else {
            Err(self.error(format!("expected {literal:?}, found {:?}", self.rest_preview())))
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest_preview(&self) -> String {
        self.text.get(self.at..).unwrap_or_default().chars().take(20).collect()
    }
}

/// Appends a piece of a string as it is, except for the one character that means something else.
fn push_as_kept(value: &mut String, piece: &str) {
    if piece.is_ascii() || !piece.contains(surrogates::is_mark) {
        return value.push_str(piece);
    }
    for character in piece.chars() {
        if surrogates::is_mark(character) {
            surrogates::push_mark(value);
        } else {
            value.push(character);
        }
    }
}

/// The length of the number in JSON's grammar, of any size, at the start of `text`. `None` if there is no number,
/// or if what follows cannot follow a number.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text[at] == b'0') {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at += 1 + fraction;
        if fraction == 0 {
            return None;
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        at += exponent;
        if exponent == 0 {
            return None;
        }
    }
    (!matches!(text.get(at), Some(b'-' | b'+' | b'.' | b'e' | b'E'))).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, Reader};

    fn raw(text: &str) -> Result<String, String> {
        let mut reader = Reader::new(text);
        let value = reader.raw_value().map_err(|error| error.to_string())?.to_owned();
        reader.end().map_err(|error| error.to_string())?;
        Ok(value)
    }

    #[test]
    fn passes_over_any_value() {
        for text in [
            "null",
            "[1, -2.5e+10, NaN, -Infinity]",
            r#"{"a": {"b": ["\ud83d\ude80"]}}"#,
            "\"\"",
            "{}",
        ] {
            assert_eq!(raw(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "[1,]",
            "{\"a\" 1}",
            "01",
            "1.",
            "--1",
            "tru",
            "\"\\ud8\"",
            "\"\\x41\"",
            "[1] 2",
            "\"a",
            "é",
        ] {
            assert!(raw(text).is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let read = crate::canonical_text(&deep).map_err(|error| error.to_string());
        assert!(read.is_err_and(|error| error.contains("nested deeper")));
        let deeper = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(raw(&deeper), Ok(deeper.clone()));
    }

    #[test]
    fn strings_are_unescaped() {
        let mut reader = Reader::new(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80z""#);
        assert_eq!(reader.string().as_deref(), Ok("a\"\\/\u{8}\u{c}\n\r\té🚀z"));
    }

    #[test]
    fn the_class_is_found_wherever_it_stands() {
        for text in [r#"{"__class__": "A", "b": 1}"#, r#"{"B": [1], "__class__": "A"}"#] {
            assert_eq!(Reader::new(text).class().ok().flatten().as_deref(), Some("A"));
        }
        assert_eq!(Reader::new("[1]").class(), Ok(None));
        assert_eq!(Reader::new(r#"{"a": 1}"#).class(), Ok(None));
    }
}
