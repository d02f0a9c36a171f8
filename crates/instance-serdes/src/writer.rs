//! Writing serdes text: separators, escapes and numbers as Python's `json` module prints them.

use std::fmt::Write;

use super::{Pack, float::push_float, plain::plain_length, surrogates};

/// An append-only serdes text.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// An empty text.
    pub fn new() -> Self {
        // The common bodies (events, runs) are about a kilobyte.
        Self { text: String::with_capacity(1024) }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.text
    }

    /// Appends `null`.
    pub fn null(&mut self) {
        self.text.push_str("null");
    }

    /// Appends `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.text.push_str(if value { "true" } else { "false" });
    }

    /// Appends an integer.
    pub fn integer(&mut self, value: i64) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
    }

    /// Appends a float with Python's digits.
    pub fn float(&mut self, value: f64) {
        push_float(&mut self.text, value);
    }

    /// Appends text that is in serdes format already.
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a string with Python's ASCII escapes.
    pub fn string(&mut self, value: &str) {
        self.text.push('"');
        let mut rest = value;
        loop {
            let (plain, other) = rest.split_at(plain_length(rest.as_bytes()));
            self.text.push_str(plain);
            if other.is_empty() {
                break;
            }
            rest = other.get(self.escape(other)..).unwrap_or_default();
        }
        self.text.push('"');
    }

    /// Escapes the first character of `rest` and returns its length in bytes.
    fn escape(&mut self, rest: &str) -> usize {
        let Some(character) = rest.chars().next() else {
            return 0;
        };
        match character {
            '"' => self.text.push_str("\\\""),
            '\\' => self.text.push_str("\\\\"),
            '\n' => self.text.push_str("\\n"),
            '\r' => self.text.push_str("\\r"),
            '\t' => self.text.push_str("\\t"),
            '\u{8}' => self.text.push_str("\\b"),
            '\u{c}' => self.text.push_str("\\f"),
            _ if surrogates::is_mark(character) => return self.marked(rest),
            _ => {
                let mut units = [0; 2];
                character.encode_utf16(&mut units).iter().for_each(|unit| self.unit(*unit));
            }
        }
        character.len_utf8()
    }

    /// Writes what a mark at the beginning of `rest` stands for; returns the length of both.
    fn marked(&mut self, rest: &str) -> usize {
        let mut characters = rest.chars();
        let mark = characters.next().map_or(0, char::len_utf8);
        let next = characters.next();
        if let Some(half) = surrogates::behind_mark(next) {
            self.unit(half);
        } else {
            // The mark itself. It is doubled if it was read, single if somebody put it there.
            self.unit(0xdbff);
            self.unit(0xdfff);
            if !next.is_some_and(surrogates::is_mark) {
                return mark;
            }
        }
        mark + next.map_or(0, char::len_utf8)
    }

    fn unit(&mut self, unit: u16) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "\\u{unit:04x}");
    }

    /// Appends a list.
    pub fn list<'a, T: Pack + 'a>(&mut self, items: impl IntoIterator<Item = &'a T>) {
        self.text.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            item.pack(self);
        }
        self.text.push(']');
    }

    /// Begins an object. Keys must come in ascending order.
    pub fn object(&mut self) -> ObjectWriter<'_> {
        self.text.push('{');
        ObjectWriter { writer: self, first: true }
    }
}

/// The inside of an object; [`end`](Self::end) closes it.
#[derive(Debug)]
pub struct ObjectWriter<'w> {
    writer: &'w mut Writer,
    first: bool,
}

impl ObjectWriter<'_> {
    /// Appends a key and its value.
    pub fn entry<T: Pack + ?Sized>(&mut self, key: &str, value: &T) {
        value.pack(self.key(key));
    }

    /// Appends a key whose value is serdes text already.
    pub fn raw_entry(&mut self, key: &str, text: &str) {
        self.key(key).raw(text);
    }

    /// Appends a key that needs no escapes, as all names of fields are.
    #[doc(hidden)]
    pub fn field<T: Pack + ?Sized>(&mut self, quoted_key: &'static str, value: &T) {
        self.separator();
        self.writer.text.push_str(quoted_key);
        value.pack(self.writer);
    }

    /// Closes the object.
    pub fn end(self) {
        self.writer.text.push('}');
    }

    fn separator(&mut self) {
        if self.first {
            self.first = false;
        } else {
            self.writer.text.push_str(", ");
        }
    }

    fn key(&mut self, key: &str) -> &mut Writer {
        self.separator();
        self.writer.string(key);
        self.writer.text.push_str(": ");
        self.writer
    }
}

#[cfg(test)]
mod tests {
    use crate::serialize_value;

    #[test]
    fn escapes_as_python_does() {
        let cases = [
            ("plain text", r#""plain text""#),
            ("quote \" and \\", r#""quote \" and \\""#),
            ("\n\r\t\u{8}\u{c}\u{0}\u{1f}", r#""\n\r\t\b\f\u0000\u001f""#),
            ("\u{7f}", "\"\\u007f\""),
            ("é ü", r#""\u00e9 \u00fc""#),
            ("日本", r#""\u65e5\u672c""#),
            ("🚀!", r#""\ud83d\ude80!""#),
            ("/", r#""/""#),
        ];
        for (value, expected) in cases {
            assert_eq!(serialize_value(value), expected);
        }
    }
}
