//! From the bytes of a file to a text, as Python's text files and PyYAML's reader do it.

use instance_core::config_problems::Position;

use super::Unreadable;

/// The text of a file: UTF-8, with every line break of YAML 1.1 as `\n`, and without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let place = place_behind(&before);
        Unreadable::at(place, "it is not UTF-8 here; save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    match text.char_indices().find(|(_, character)| !is_printable(*character)) {
        None => Ok(text),
        Some((index, character)) => Err(Unreadable::at(
            place_behind(&text[..index]),
            format!(
                "the character U+{:04X} is not allowed in YAML; remove it",
                u32::from(character)
            ),
        )),
    }
}

/// The place of the character that follows a text.
pub(super) fn place_behind(text: &str) -> Position {
    let line = text.split('\n').count();
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position { line: line as u64, column: column as u64 }
}

/// Whether YAML allows a character.
const fn is_printable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn editors_may_write_a_mark_and_other_line_breaks() {
        assert_eq!(text(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3\n").as_deref(), Ok("a: 1\nb: 2\nc: 3\n"));
    }

    #[test]
    fn other_bytes_are_refused_where_they_are() {
        for (bytes, place) in [
            (&b"a: 1\nb\xff"[..], "2:2"),
            (b"a: \x00", "1:4"),
            (b"\xc3\xa9\x7f", "1:2"),
            (b"\xff\xfea\x00", "1:1"),
        ] {
            let error = text(bytes).expect_err("no text");
            assert_eq!(error.position.expect("a place").to_string(), place, "{bytes:?}");
        }
    }
}
