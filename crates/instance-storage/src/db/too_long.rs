//! Postgres refuses a text that is too long for an index or for its column, and does not say which text that is.

use instance_core::error::StorageError;

use super::errors::{TooLong, too_long};
use crate::sql::bounded::BoundedText;

/// How many bytes a row of an index has at most, as Postgres is usually built. Its texts are compressed before.
const BYTES_OF_INDEX_ROW: usize = 2_704;

/// How many characters of a text an error shows.
const SHOWN: usize = 40;

/// Makes an error name the text because of whose length a database refused a write. Other errors stay as they are.
///
/// The texts are all those of the write that an index or a column bounds.
pub(crate) fn naming<'t>(
    texts: impl IntoIterator<Item = BoundedText<'t>>,
) -> impl FnOnce(StorageError) -> StorageError {
    move |error| match too_long(&error).and_then(|refused| named(&refused, texts)) {
        Some(named) => named,
        None => error,
    }
}

fn named<'t>(
    refused: &TooLong,
    texts: impl IntoIterator<Item = BoundedText<'t>>,
) -> Option<StorageError> {
    let mut texts = texts.into_iter();
    match refused {
        TooLong::ForIndex { said } => {
            let longest = texts.max_by_key(|text| text.text.len())?;
            let reason = format!(
                "it is too long: a row of an index in Postgres has at most {BYTES_OF_INDEX_ROW} bytes, and this is its \
                 longest text; use a shorter one ({said})"
            );
            Some(invalid(longest, reason))
        }
        TooLong::ForColumn => {
            let text = texts.find(BoundedText::is_too_long_for_its_column)?;
            let (has, most) = (text.text.chars().count(), text.most?);
            let reason = format!(
                "it is too long: it has {has} characters, and its column in Postgres takes {most}; use a shorter one"
            );
            Some(invalid(text, reason))
        }
    }
}

fn invalid(text: BoundedText<'_>, reason: String) -> StorageError {
    let mut shown: String = text.name.chars().take(SHOWN).collect();
    if shown.len() < text.name.len() {
        shown.push('…');
    }
    let value = format!("{shown:?} of {} bytes", text.text.len());
    StorageError::Invalid { what: text.what, value, reason }
}

#[cfg(test)]
mod tests {
    use instance_core::error::StorageError;

    use super::{BoundedText, TooLong, named, naming};

    const SAID: &str = "index row requires 22912 bytes, maximum size is 8191";

    fn message(refused: &TooLong, texts: &[BoundedText<'_>]) -> Option<String> {
        named(refused, texts.iter().copied()).map(|error| error.to_string())
    }

    #[test]
    fn an_index_names_its_longest_text() {
        let long = "é\n".repeat(1_500);
        let for_index = TooLong::ForIndex { said: SAID.to_owned() };
        let shown = r"é\n".repeat(20);
        assert_eq!(
            message(
                &for_index,
                &[BoundedText::indexed("asset key", "a"), BoundedText::indexed("partition", &long)]
            ),
            Some(format!(
                "partition \"{shown}…\" of 4500 bytes: it is too long: a row of an index in Postgres has at most 2704 \
                 bytes, and this is its longest text; use a shorter one ({SAID})"
            ))
        );
        assert_eq!(message(&for_index, &[]), None);
    }

    #[test]
    fn the_value_of_a_tag_is_not_shown() {
        let secret = "hunter2".repeat(1_000);
        let for_index = TooLong::ForIndex { said: SAID.to_owned() };
        let message = message(&for_index, &BoundedText::of_tag("token", &secret)).unwrap();
        assert!(message.starts_with("value of the tag \"token\" of 7000 bytes: "), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_column_names_the_text_that_has_more_characters_than_it_takes() {
        let (fits, long) = ("é".repeat(255), "é".repeat(256));
        let texts = [
            BoundedText::indexed("step", &long),
            BoundedText::column("backfill", &fits, 255),
            BoundedText::column("run id", &long, 255),
        ];
        assert_eq!(
            message(&TooLong::ForColumn, &texts),
            Some(format!(
                "run id \"{}…\" of 512 bytes: it is too long: it has 256 characters, and its column in Postgres takes \
                 255; use a shorter one",
                "é".repeat(40)
            ))
        );
        assert_eq!(message(&TooLong::ForColumn, &texts[..2]), None);
    }

    #[test]
    fn another_error_stays_as_it_is() {
        let other = || StorageError::NotFound { what: "backfill", id: "b".to_owned() };
        let named = naming([BoundedText::indexed("partition", "p")])(other());
        assert_eq!(named.to_string(), other().to_string());
    }
}
