//! The texts of a row that stand in an index, or in a column of a certain length. Postgres takes neither of any length.
//! SQLite does.

/// How many bytes a text of an event has at most that surely fits: no column of an event is shorter, and no index has
/// more than three texts.
const FITS_EVERYWHERE: usize = 255;

/// A text that may be too long, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundedText<'a> {
    pub(crate) what: &'static str,
    /// By what an error names it. That is the text itself, unless it may be a secret.
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    /// How many characters its column takes; `None` if only an index bounds it.
    pub(crate) most: Option<usize>,
}

impl<'a> BoundedText<'a> {
    /// A text that stands in an index.
    pub(crate) const fn indexed(what: &'static str, text: &'a str) -> Self {
        Self { what, name: text, text, most: None }
    }

    /// A text whose column takes so many characters.
    pub(crate) const fn column(what: &'static str, text: &'a str, most: usize) -> Self {
        Self { what, name: text, text, most: Some(most) }
    }

    /// The key and the value of a tag, which stand in one index. An error does not say the value.
    pub(crate) const fn of_tag(key: &'a str, value: &'a str) -> [Self; 2] {
        [
            Self::indexed("key of the tag", key),
            Self { what: "value of the tag", name: key, text: value, most: None },
        ]
    }

    /// Whether a database may find it too long, if it is of an event.
    pub(crate) const fn may_be_too_long(&self) -> bool {
        self.text.len() > FITS_EVERYWHERE
    }

    /// Whether its column is too short for it.
    pub(crate) fn is_too_long_for_its_column(&self) -> bool {
        self.most.is_some_and(|most| self.text.chars().nth(most).is_some())
    }
}
