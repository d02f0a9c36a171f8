//! Moves a documentation comment to another place: each link gets the path that it has there.
//!
//! Here: which parts of a text are links to items. Not here: what a path means.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// What a link becomes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The same text means the same thing there.
    Unchanged,
    /// It has to be written in this way.
    Path(String),
    /// It cannot be named there: its text remains, without a link.
    Nothing,
}

/// The documentation with its links as `target` says. Blocks of code stay as they are.
pub(super) fn moved(documentation: &str, target: &dyn Fn(&str) -> Target) -> String {
    let labels = definitions(documentation);
    let mut result = String::new();
    let mut in_code = false;
    for line in documentation.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            result.push_str(line);
        } else {
            moved_line(line, &labels, target, &mut result);
        }
    }
    result
}

/// The labels of `[label]: target`.
fn definitions(documentation: &str) -> BTreeSet<String> {
    let definition = |line: &str| {
        let (label, _) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
        Some(label.to_owned())
    };
    documentation.lines().filter_map(definition).collect()
}

fn moved_line(
    line: &str,
    labels: &BTreeSet<String>,
    target: &dyn Fn(&str) -> Target,
    result: &mut String,
) {
    let mut rest = line;
    while let Some(at) = rest.find(['[', '`', '\\']) {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        // Whatever is not a link is passed over as a whole.
        let passed = match rest.as_bytes()[0] {
            b'`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
            b'\\' => rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end),
            _ => match closing(rest) {
                Some(end) => {
                    let (text, after) = (&rest[1..end], &rest[end + 1..]);
                    let used = link(text, after, labels, target, result);
                    rest = &after[used..];
                    continue;
                }
                None => 1,
            },
        };
        result.push_str(&rest[..passed]);
        rest = &rest[passed..];
    }
    result.push_str(rest);
}

/// Where the bracket that the text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' if depth == 1 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Writes the link of this text. Returns how much of the text after it belongs to the link.
fn link(
    text: &str,
    after: &str,
    labels: &BTreeSet<String>,
    target: &dyn Fn(&str) -> Target,
    result: &mut String,
) -> usize {
    let inner = |open: char, close: char| {
        let body = after.strip_prefix(open)?;
        Some(&body[..body.find(close)?])
    };
    let (path, used) = if let Some(path) = inner('(', ')').or_else(|| inner('[', ']')) {
        (path, path.len() + 2)
    } else if let Some(definition) = after.strip_prefix(':') {
        let path = definition.trim();
        let moved = resolved(path, target);
        let path = if let Target::Path(moved) = &moved { moved } else { path };
        put(result, format_args!("[{text}]: {path}"));
        return after.trim_end_matches('\n').len();
    } else {
        (text, 0)
    };
    let by_label = labels.contains(path);
    match if by_label { Target::Unchanged } else { resolved(path, target) } {
        Target::Path(path) => put(result, format_args!("[{text}]({path})")),
        Target::Nothing => result.push_str(text),
        Target::Unchanged => put(result, format_args!("[{text}]{}", &after[..used])),
    }
    used
}

fn put(result: &mut String, text: fmt::Arguments<'_>) {
    // A string takes all that is written to it.
    let _ = result.write_fmt(text);
}

/// Asks about what may be the path of an item.
fn resolved(path: &str, target: &dyn Fn(&str) -> Target) -> Target {
    let bare = path.trim_matches('`');
    let (kind, bare) = match bare.split_once('@') {
        Some((kind, bare)) => (Some(kind), bare),
        None => (None, bare),
    };
    let bare = bare.trim_end_matches("()").trim_end_matches('!');
    let is_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    if bare.is_empty() || !bare.chars().all(is_path) || bare.contains(":::") {
        return Target::Unchanged;
    }
    match (kind, target(bare)) {
        (Some(kind), Target::Path(path)) if kind != "fn" => Target::Path(format!("{kind}@{path}")),
        (_, target) => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let target = |path: &str| match path {
            "create_run" | "crate::create_run" => Target::Path("Self::create_run".to_owned()),
            "RunId" => Target::Path("instance_core::ids::RunId".to_owned()),
            "Hidden" => Target::Nothing,
            _ => Target::Unchanged,
        };
        assert_eq!(moved(text, &target), expect);
    }

    #[test]
    fn each_form_of_a_link_is_moved() {
        check(" See [`create_run`].", " See [`create_run`](Self::create_run).");
        check(" See [`create_run()`] now", " See [`create_run()`](Self::create_run) now");
        check(
            " [it](crate::create_run), [it][RunId]",
            " [it](Self::create_run), [it](instance_core::ids::RunId)",
        );
        check(" [`struct@RunId`]", " [`struct@RunId`](struct@instance_core::ids::RunId)");
        check(" [`fn@create_run`]", " [`fn@create_run`](Self::create_run)");
        check(" a [run]\n\n [run]: crate::create_run\n", " a [run]\n\n [run]: Self::create_run\n");
    }

    #[test]
    fn what_cannot_be_named_is_no_link() {
        check(" By [`Hidden`] and [it](Hidden).", " By `Hidden` and it.");
    }

    #[test]
    fn what_is_no_link_is_left_alone() {
        for text in [
            " [`None`] and [`Vec::new`] and [text](https://a.example/create_run)",
            " `[create_run]` and \\[create_run] and a [ alone",
            " ```\n let a = [create_run];\n ```\n",
            " a [list, of words]",
        ] {
            check(text, text);
        }
    }
}
