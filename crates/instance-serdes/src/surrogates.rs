//! Halves of surrogate pairs, which Python's strings may hold and Rust's may not.
//!
//! Python writes a file name that is not UTF-8 with such halves, and stores them in events as `\udcff`. A half is
//! kept as two characters: a mark, and a character from a private area that tells the half. The mark is the last
//! code point, which stands for no character. The mark itself is kept doubled. So every text that was read is
//! written again byte for byte.

/// The code point that announces a half of a pair.
const MARK: char = '\u{10ffff}';

/// Where the code points begin that stand for the halves U+D800 to U+DFFF.
const PRIVATE: u32 = 0x10_f000;

/// The first half of a pair, as a number.
const FIRST: u16 = 0xd800;

/// Whether a character has to be kept in another way.
pub(super) fn is_mark(character: char) -> bool {
    character == MARK
}

/// Appends a half of a pair.
pub(super) fn push_half(text: &mut String, half: u16) {
    text.push(MARK);
    text.extend(char::from_u32(PRIVATE + u32::from(half.wrapping_sub(FIRST))));
}

/// Appends the mark where it is meant as itself.
pub(super) fn push_mark(text: &mut String) {
    text.extend([MARK, MARK]);
}

/// What stands behind a mark: a half of a pair or the mark itself. `None` if it is neither, so that somebody else
/// wrote the mark.
pub(super) fn behind_mark(character: Option<char>) -> Option<u16> {
    let number = u32::from(character?).checked_sub(PRIVATE)?;
    let half = u16::try_from(number).ok()?.checked_add(FIRST)?;
    (FIRST..=0xdfff).contains(&half).then_some(half)
}

/// Entries in the order in which Python sorts their keys: by code points, with halves of pairs as code points of
/// their own.
pub(super) fn in_python_order<'a, K: AsRef<str> + 'a, V>(
    entries: impl Iterator<Item = (K, V)>,
) -> Vec<(K, V)> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|(left, _), (right, _)| {
        code_points(left.as_ref()).cmp(code_points(right.as_ref()))
    });
    entries
}

/// The code points that a text of the codec stands for, halves of surrogate pairs included. It is for whoever shows
/// a text where a half has no place. `char::from_u32` gives `None` for a half.
pub fn code_points(text: &str) -> impl Iterator<Item = u32> {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        if !is_mark(character) {
            return Some(u32::from(character));
        }
        if let Some(half) = behind_mark(characters.peek().copied()) {
            characters.next();
            return Some(u32::from(half));
        }
        characters.next_if(|next| is_mark(*next));
        Some(u32::from(MARK))
    })
}

#[cfg(test)]
mod tests {
    use crate::{deserialize_value, serialize_value};

    #[test]
    fn halves_and_the_mark_survive() {
        for text in [
            r#""\ud800""#,
            r#""a\udfffb""#,
            r#""\udc80\udc81 name \ud83d""#,
            r#""\ud83d\ude80 \ud83dx""#,
            r#""\udbff\udfff""#,
            r#""\udbff\udfff\udbff\udfff\ud800""#,
            r#""\udbc0\udc00 \udbfc\udc00""#,
        ] {
            let value = deserialize_value::<String>(text);
            assert_eq!(value.map(|value| serialize_value(&value)).as_deref(), Ok(text));
        }
        let raw: Result<String, _> = deserialize_value("\"\u{10ffff}\"");
        assert_eq!(raw.map(|value| serialize_value(&value)).as_deref(), Ok(r#""\udbff\udfff""#));
    }
}
