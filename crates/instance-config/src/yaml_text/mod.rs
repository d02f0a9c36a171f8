//! The YAML text of a configuration, as Python's `yaml.dump(config, default_flow_style=False)` prints it.
//!
//! Dagster hands the configuration of a class to other processes as such a text. Ours is the same, byte for byte, so
//! that it makes no difference who started a process. Here: block style, sorted keys, folding at 80 columns. Not here:
//! which texts stand without quotes; see [`plain`]; and aliases, which a tree of JSON does not have.

mod plain;

use instance_core::serdes::json_to_text;
use serde_json::{Map, Value};

use plain::{Style, style_of};

/// A line is folded at the first blank behind this column.
const WIDTH: usize = 80;

/// How far each level is indented.
const INDENT: usize = 2;

/// How long a key may be, with the five letters of its tag, to stand in front of its colon. A longer one gets a line of
/// its own.
const LONGEST_KEY: usize = 128 - "!!str".len();

/// What ends a line in YAML.
const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

/// The text of a mapping.
pub(crate) fn yaml_text(mapping: &Map<String, Value>) -> String {
    let mut writer = Writer { text: String::new(), column: 0, after_blank: true, at_start: true };
    writer.mapping(mapping, 0, true);
    if writer.column > 0 {
        writer.line_break();
    }
    writer.text
}

/// The text so far, and where in its line it ends.
struct Writer {
    text: String,
    column: usize,
    /// Whether the last character is a blank, or whether there is none in this line.
    after_blank: bool,
    /// Whether the line has nothing but blanks and the marks `-`, `?` and `:`.
    at_start: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, indent: usize, in_mapping: bool) {
        match value {
            Value::Null => self.plain("null", indent, true),
            Value::Bool(value) => self.plain(if *value { "true" } else { "false" }, indent, true),
            Value::Number(_) => self.plain(&number(value), indent, true),
            Value::String(text) => self.scalar(text, indent, true),
            Value::Array(items) => self.sequence(items, indent, in_mapping),
            Value::Object(mapping) => self.mapping(mapping, indent, false),
        }
    }

    fn mapping(&mut self, mapping: &Map<String, Value>, parent: usize, is_root: bool) {
        if mapping.is_empty() {
            self.mark("{", true);
            self.mark("}", false);
            return;
        }
        let indent = if is_root { 0 } else { parent + INDENT };
        let mut keys: Vec<_> = mapping.iter().collect();
        // By their code points, as Python compares texts; UTF-8 has the same order.
        keys.sort_by_key(|(key, _)| *key);
        for (key, value) in keys {
            self.indent(indent);
            let length = key.chars().count();
            if length > 0 && length < LONGEST_KEY && !key.contains(BREAKS) {
                self.scalar(key, indent, false);
                self.mark(":", false);
            } else {
                self.start_mark("?");
                self.scalar(key, indent, true);
                self.indent(indent);
                self.start_mark(":");
            }
            self.value(value, indent, true);
        }
    }

    fn sequence(&mut self, items: &[Value], parent: usize, in_mapping: bool) {
        if items.is_empty() {
            self.mark("[", true);
            self.mark("]", false);
            return;
        }
        // Behind a key, the marks of a list stand below the key.
        let indent = if in_mapping && !self.at_start { parent } else { parent + INDENT };
        for item in items {
            self.indent(indent);
            self.start_mark("-");
            self.value(item, indent, false);
        }
    }

    /// A text. One that may be split goes on in further lines, which are indented by one level more.
    fn scalar(&mut self, text: &str, indent: usize, may_split: bool) {
        match style_of(text) {
            Style::Plain => self.plain(text, indent, may_split),
            Style::Single if may_split || !text.contains('\n') => {
                self.single_quoted(text, indent, may_split);
            }
            Style::Single | Style::Double => self.double_quoted(text, indent, may_split),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, may_split: bool) {
        if !self.after_blank {
            self.put(" ");
        }
        for (index, run) in runs(text).into_iter().enumerate() {
            if run == " " && index > 0 && self.column > WIDTH && may_split {
                self.indent(indent + INDENT);
            } else {
                self.put(run);
            }
        }
        (self.after_blank, self.at_start) = (false, false);
    }

    fn single_quoted(&mut self, text: &str, indent: usize, may_split: bool) {
        self.mark("'", true);
        let runs = runs(text);
        let last = runs.len() - 1;
        for (index, run) in runs.into_iter().enumerate() {
            let is_inside = index > 0 && index < last;
            if run == " " && is_inside && self.column > WIDTH && may_split {
                self.indent(indent + INDENT);
            } else if run.starts_with('\n') {
                // One break more than there are in the text, as a single one would be folded.
                for _ in 0..=run.len() {
                    self.line_break();
                }
                self.indent(indent + INDENT);
            } else {
                self.put(&run.replace('\'', "''"));
            }
        }
        self.mark("'", false);
    }

    fn double_quoted(&mut self, text: &str, indent: usize, may_split: bool) {
        self.mark("\"", true);
        let characters: Vec<char> = text.chars().collect();
        // Characters that stand for themselves wait until one does not, or until the line is full.
        let mut waiting = String::new();
        for (index, character) in characters.iter().copied().enumerate() {
            let escaped = escaped(character);
            if let Some(escaped) = &escaped {
                self.put(&std::mem::take(&mut waiting));
                self.put(escaped);
            }
            let is_inside = index > 0 && index + 1 < characters.len();
            let may_end_here = character == ' ' || waiting.is_empty();
            // Behind an escape, the line may be longer by one.
            let width = if escaped.is_some() { WIDTH + 1 } else { WIDTH };
            if is_inside && may_end_here && self.column + waiting.len() > width && may_split {
                waiting.push('\\');
                self.put(&std::mem::take(&mut waiting));
                self.indent(indent + INDENT);
                let next = if escaped.is_some() { index + 1 } else { index };
                if characters.get(next) == Some(&' ') {
                    self.put("\\");
                }
            }
            if escaped.is_none() {
                waiting.push(character);
            }
        }
        self.put(&waiting);
        self.mark("\"", false);
    }

    /// A mark, with a blank in front of it where one is needed.
    fn mark(&mut self, mark: &str, needs_blank: bool) {
        if needs_blank && !self.after_blank {
            self.put(" ");
        }
        self.put(mark);
        (self.after_blank, self.at_start) = (false, false);
    }

    /// A mark at the start of a line, or behind another one.
    fn start_mark(&mut self, mark: &str) {
        let at_start = self.at_start;
        self.mark(mark, true);
        self.at_start = at_start;
    }

    /// Goes to a column, in a new line unless this one has nothing in it yet.
    fn indent(&mut self, indent: usize) {
        let is_there = self.column < indent || (self.column == indent && self.after_blank);
        if !self.at_start || !is_there {
            self.line_break();
        }
        if self.column < indent {
            self.after_blank = true;
            self.put(&" ".repeat(indent - self.column));
        }
    }

    fn line_break(&mut self) {
        self.text.push('\n');
        (self.column, self.after_blank, self.at_start) = (0, true, true);
    }

    fn put(&mut self, text: &str) {
        self.column += text.chars().count();
        self.text.push_str(text);
    }
}

/// The text in runs of blanks, of breaks and of other characters.
fn runs(text: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        ' ' => 0,
        '\n' => 1,
        _ => 2,
    };
    let mut runs = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (index, character) in text.char_indices() {
        let kind = kind(character);
        if last.is_some_and(|last| last != kind) {
            runs.push(&text[start..index]);
            start = index;
        }
        last = Some(kind);
    }
    runs.push(&text[start..]);
    runs
}

/// What stands for a character between double quotes; `None` if it stands for itself.
fn escaped(character: char) -> Option<String> {
    let short = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        ' '..='~' => return None,
        other => {
            let code = u32::from(other);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(format!("\\{short}"))
}

/// A number as Python prints it. YAML takes a number with an exponent for one only if it has a point, too.
fn number(value: &Value) -> String {
    let text = json_to_text(value);
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::yaml_text;

    /// Mappings, and what PyYAML 6 printed for them.
    const OF_PYYAML: &str = include_str!("../../tests/fixtures/pyyaml.json");

    #[test]
    fn texts_are_those_of_pyyaml() {
        let pairs: Vec<(Value, String)> = serde_json::from_str(OF_PYYAML).unwrap();
        assert!(pairs.len() > 500);
        let differ = pairs.iter().filter_map(|(value, text)| {
            let ours = yaml_text(value.as_object().unwrap());
            (ours != *text).then(|| format!("ours:\n{ours}\nPyYAML's:\n{text}"))
        });
        let differ: Vec<_> = differ.collect();
        assert!(differ.is_empty(), "{} differ\n{}", differ.len(), differ.join("\n"));
    }
}
