//! The error of reading a serdes text: where it stopped, in which class, and why.

/// A text that is not what its type says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason} (at byte {offset})", self.place())]
pub struct SerdesError {
    /// What was found and what was expected.
    pub reason: String,
    /// Byte offset into the text.
    pub offset: usize,
    /// Where the value stands, outermost first, such as `DagsterRun.tags`; empty at the top.
    pub path: Vec<String>,
}

impl SerdesError {
    /// An error at a byte of the text.
    pub fn new(reason: impl Into<String>, offset: usize) -> Self {
        Self { reason: reason.into(), offset, path: Vec::new() }
    }

    /// The same error, seen from the field that holds the value.
    #[must_use]
    pub fn within(mut self, class: &str, field: &str) -> Self {
        self.path.insert(0, format!("{class}.{field}"));
        self
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path.join(" > ")) }
    }
}
