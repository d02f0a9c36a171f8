//! A TOML document, with the place of every key and value. It becomes the same values as one of YAML.

use instance_core::config_problems::Position;
use toml::de::{DeTable, DeValue};

use super::characters::place_behind;
use super::{Entry, Integer, Key, Kind, Node, Unreadable};

impl Node {
    /// The document in a file's bytes: a mapping.
    pub(crate) fn read_toml(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let before = std::str::from_utf8(before).unwrap_or_default();
            Unreadable::at(place_behind(before), "the file is not UTF-8")
        })?;
        let table = DeTable::parse(text).map_err(|error| Unreadable {
            position: error.span().map(|span| place(text, span.start)),
            reason: format!("it is no TOML: {}", error.message().replace('\n', "; ")),
        })?;
        let position = Position { line: 1, column: 1 };
        Ok(Self { position, kind: mapping(text, table.get_ref()), source: None })
    }
}

fn node(text: &str, value: &DeValue<'_>, position: Position) -> Node {
    let mut source = None;
    let kind = match value {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => {
            source = Some(number.to_string().into_boxed_str());
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Kind::Integer(match parsed {
                Ok(number) => Integer::Small(number),
                Err(_) if number.as_str().starts_with('-') => Integer::Least,
                Err(_) => Integer::Great,
            })
        }
        DeValue::Float(number) => {
            source = Some(number.as_str().into());
            Kind::Float(number.as_str().parse().unwrap_or(f64::NAN))
        }
        DeValue::Boolean(value) => {
            source = Some(value.to_string().into_boxed_str());
            Kind::Boolean(*value)
        }
        DeValue::Datetime(time) => {
            source = Some(time.to_string().into_boxed_str());
            Kind::Other("a date")
        }
        DeValue::Array(items) => Kind::List(
            items
                .iter()
                .map(|item| node(text, item.get_ref(), place(text, item.span().start)))
                .collect(),
        ),
        DeValue::Table(table) => mapping(text, table),
    };
    Node { position, kind, source }
}

fn mapping(text: &str, table: &DeTable<'_>) -> Kind {
    let entry = |(key, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<_>)| Entry {
        key: Key::of_text(key.get_ref()),
        position: place(text, key.span().start),
        value: node(text, value.get_ref(), place(text, value.span().start)),
    };
    Kind::Mapping(table.iter().map(entry).collect())
}

/// Where a byte of the text is.
fn place(text: &str, index: usize) -> Position {
    place_behind(text.get(..index).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Node};

    #[test]
    fn values_have_their_places() {
        let text =
            "# é\n[tool.a]\nb = 'x'\nc = [1, 99999999999999999999]\nd = {e = true, f = 1.5}\n";
        let document = Node::read_toml(text.as_bytes()).unwrap();
        let at = |path: &[&str]| document.at(path).unwrap().position.to_string();
        assert_eq!(at(&["tool", "a", "b"]), "3:5");
        assert_eq!(at(&["tool", "a", "c", "1"]), "4:9");
        assert_eq!(document.at(&["tool", "a", "b"]).unwrap().text(), Some("x"));
        assert!(matches!(document.at(&["tool", "a", "d", "e"]).unwrap().kind, Kind::Boolean(true)));
        let error = Node::read_toml(b"a = 1\nb = \n").err().unwrap();
        assert_eq!(error.position.unwrap().line, 2);
        assert!(!error.reason.is_empty());
        assert!(Node::read_toml(b"a\xff").is_err());
    }
}
