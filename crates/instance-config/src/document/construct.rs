//! From nodes to values: tags, merge keys, doubled keys, and the limits of aliases.

use std::collections::HashMap;
use std::rc::Rc;

use instance_core::config_problems::Position;

use super::compose::{Content, Raw};
use super::{Entry, Key, Kind, Node, Unreadable, scalar};

/// The values that a document may have when every alias is replaced by what it stands for.
const VALUES: usize = 100_000;

/// The lists and mappings that may be within each other.
const DEPTH: usize = 250;

const TAGS: &str = "tag:yaml.org,2002:";

/// The value of a document.
pub(super) fn document(root: Option<Rc<Raw>>) -> Result<Node, Unreadable> {
    let Some(root) = root else {
        let position = Position { line: 1, column: 1 };
        return Ok(Node { position, kind: Kind::Null, source: None });
    };
    Constructor { values: 0 }.node(&root, 0)
}

/// A key and its value, as they were read.
type RawPair = (Rc<Raw>, Rc<Raw>);

struct Constructor {
    /// The values so far.
    values: usize,
}

/// What a tag says about a node.
enum Meaning<'a> {
    /// Nothing: the node decides itself.
    Own,
    /// It names a type.
    Type(&'a str),
}

impl Constructor {
    fn node(&mut self, raw: &Raw, depth: usize) -> Result<Node, Unreadable> {
        self.count(raw.position, 1)?;
        if depth > DEPTH {
            let reason = format!("more than {DEPTH} lists and mappings are within each other");
            return Err(Unreadable::at(raw.position, reason));
        }
        let meaning = meaning(raw)?;
        match &raw.content {
            Content::Scalar(text, plain) => scalar_node(raw, &meaning, text, *plain),
            Content::Sequence(items) => {
                let kind = match meaning {
                    Meaning::Own | Meaning::Type("seq") => Kind::List(self.list(items, depth)?),
                    Meaning::Type("omap" | "pairs") => self.pairs(items, depth)?,
                    Meaning::Type(_) => return Err(misplaced_tag(raw, "a list")),
                };
                Ok(Node { position: raw.position, kind, source: None })
            }
            Content::Mapping(pairs) => {
                let kind = match meaning {
                    Meaning::Own | Meaning::Type("map") => {
                        Kind::Mapping(self.mapping(pairs, depth)?)
                    }
                    Meaning::Type("set") => {
                        self.mapping(pairs, depth)?;
                        Kind::Other("a set")
                    }
                    Meaning::Type(_) => return Err(misplaced_tag(raw, "a mapping")),
                };
                Ok(Node { position: raw.position, kind, source: None })
            }
        }
    }

    /// Counts values, since aliases of aliases stand for very many.
    fn count(&mut self, position: Position, more: usize) -> Result<(), Unreadable> {
        self.values = self.values.saturating_add(more);
        if self.values <= VALUES {
            return Ok(());
        }
        let reason = format!("with its aliases, the file has more than {VALUES} values");
        Err(Unreadable::at(position, reason))
    }

    fn list(&mut self, items: &[Rc<Raw>], depth: usize) -> Result<Vec<Node>, Unreadable> {
        items.iter().map(|item| self.node(item, depth + 1)).collect()
    }

    /// A list of mappings with one key each.
    fn pairs(&mut self, items: &[Rc<Raw>], depth: usize) -> Result<Kind, Unreadable> {
        for item in items {
            match &item.content {
                Content::Mapping(pairs) if pairs.len() == 1 => {
                    for (key, value) in pairs {
                        self.node(key, depth + 1)?;
                        self.node(value, depth + 1)?;
                    }
                }
                _ => {
                    let reason = "a list of pairs has a mapping with one key in each place";
                    return Err(Unreadable::at(item.position, reason));
                }
            }
        }
        Ok(Kind::Other("a list of pairs"))
    }

    /// The entries of a mapping. Of keys that are equal, the last value counts; the keys of a merge count least.
    fn mapping(&mut self, pairs: &[RawPair], depth: usize) -> Result<Vec<Entry>, Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (key, value) in self.flattened(pairs, depth)? {
            let position = key.position;
            let key = self.key(&key, depth)?;
            let value = self.node(&value, depth + 1)?;
            let place = match key.identity() {
                None => entries.len(),
                Some(identity) => *places.entry(identity.to_owned()).or_insert(entries.len()),
            };
            match entries.get_mut(place) {
                // Python keeps the first of equal keys, and its place.
                Some(entry) => (entry.position, entry.value) = (position, value),
                None => entries.push(Entry { key, position, value }),
            }
        }
        Ok(entries)
    }

    fn key(&mut self, raw: &Raw, depth: usize) -> Result<Key, Unreadable> {
        let node = if is_key(raw, "=", "value") {
            Node { position: raw.position, kind: Kind::Text("=".to_owned()), source: None }
        } else {
            self.node(raw, depth + 1)?
        };
        Key::new(&node).ok_or_else(|| {
            let reason = format!("{} cannot be a key; a key is a text", node.kind_name());
            Unreadable::at(raw.position, reason)
        })
    }

    /// The pairs of a mapping, with the pairs that `<<` merges before its own.
    fn flattened(&mut self, pairs: &[RawPair], depth: usize) -> Result<Vec<RawPair>, Unreadable> {
        let mut merged = Vec::new();
        let mut own = Vec::new();
        for (key, value) in pairs {
            if !is_key(key, "<<", "merge") {
                own.push((Rc::clone(key), Rc::clone(value)));
                continue;
            }
            let sources: Vec<&Raw> = match &value.content {
                // The first mapping of a list counts most, so it comes last.
                Content::Sequence(items) => items.iter().rev().map(|item| &**item).collect(),
                Content::Mapping(_) | Content::Scalar(..) => vec![value],
            };
            for source in sources {
                let Content::Mapping(pairs) = &source.content else {
                    let reason = "`<<` merges a mapping, or a list of mappings";
                    return Err(Unreadable::at(source.position, reason));
                };
                if depth > DEPTH {
                    let reason = format!("more than {DEPTH} merges are within each other");
                    return Err(Unreadable::at(source.position, reason));
                }
                let pairs = self.flattened(pairs, depth + 1)?;
                self.count(source.position, pairs.len())?;
                merged.extend(pairs);
            }
        }
        merged.extend(own);
        Ok(merged)
    }
}

/// What the tag of a node says. A tag that PyYAML's safe loader does not know is an error, which does not show the tag:
/// it may be the begin of a value that has no quotes.
fn meaning(raw: &Raw) -> Result<Meaning<'_>, Unreadable> {
    const TYPES: [&str; 12] = [
        "binary",
        "bool",
        "float",
        "int",
        "map",
        "null",
        "omap",
        "pairs",
        "seq",
        "set",
        "str",
        "timestamp",
    ];
    let Some(tag) = raw.tag.as_deref().filter(|tag| *tag != "!") else {
        return Ok(Meaning::Own);
    };
    let known = tag.strip_prefix(TAGS).filter(|name| TYPES.contains(name));
    known.map(Meaning::Type).ok_or_else(|| {
        let reason = "the value has a tag that has no meaning here; if the value begins with `!`, put it in quotes";
        Unreadable::at(raw.position, reason)
    })
}

/// Whether a key is a plain text with a meaning of its own, or has the tag of that meaning.
fn is_key(raw: &Raw, text: &str, tag: &str) -> bool {
    match raw.tag.as_deref() {
        Some(own) if own != "!" => own.strip_prefix(TAGS) == Some(tag),
        non_specific => matches!(
            &raw.content,
            Content::Scalar(own, plain) if own == text && (*plain || non_specific.is_some())
        ),
    }
}

fn misplaced_tag(raw: &Raw, what: &str) -> Unreadable {
    Unreadable::at(raw.position, format!("the tag of {what} names a type that is none"))
}

fn scalar_node(
    raw: &Raw,
    meaning: &Meaning<'_>,
    text: &str,
    plain: bool,
) -> Result<Node, Unreadable> {
    let error = |reason: &str| Err(Unreadable::at(raw.position, reason));
    let kind = match meaning {
        // The tag `!` makes a text in quotes as plain as any.
        Meaning::Own if plain || raw.tag.is_some() => scalar::implicit(text),
        Meaning::Own | Meaning::Type("str") => Some(Kind::Text(text.to_owned())),
        Meaning::Type("null") => Some(Kind::Null),
        Meaning::Type("bool") => scalar::boolean(text).map(Kind::Boolean),
        Meaning::Type("int") => scalar::integer(text).map(Kind::Integer),
        Meaning::Type("float") => scalar::float(text).map(Kind::Float),
        Meaning::Type("binary") if text.is_ascii() => Some(Kind::Other("bytes")),
        Meaning::Type("timestamp") if is_date(text) => Some(Kind::Other("a date")),
        Meaning::Type(_) => return error("the tag of a text names a type that it is not"),
    };
    let Some(kind) = kind else {
        return error(match text {
            "<<" | "=" => "`<<` and `=` mean something only as keys; put the value in quotes",
            _ => "a number or boolean cannot be read; if it is a text, put it in quotes",
        });
    };
    let source = (!matches!(kind, Kind::Text(_))).then(|| text.into());
    Ok(Node { position: raw.position, kind, source })
}

/// Whether a text begins with a date of the calendar.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ', '\t']).next().unwrap_or_default();
    let mut parts = date.split('-');
    let mut number = |digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let is_number =
            digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse::<u32>().ok() } else { None }
    };
    let (Some(year), Some(month), Some(day)) = (number(4..=4), number(1..=2), number(1..=2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year > 0 && (1..=days).contains(&day) && parts.next().is_none()
}
