//! The error of reading a serdes text: where reading stopped, in which class, and why.

/// A text that does not have the form of its type.
///
/// The error is one pointer. Results of reading are passed up through every level of a value, and almost none of
/// them is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerdesError(Box<Fault>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    reason: String,
    offset: usize,
    path: Vec<String>,
}

impl SerdesError {
    /// An error at a byte of the text.
    pub fn new(reason: impl Into<String>, offset: usize) -> Self {
        Self(Box::new(Fault { reason: reason.into(), offset, path: Vec::new() }))
    }

    /// What was found and what was expected.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Byte offset into the text.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Where the value stands, outermost first, such as `DagsterRun.tags`; empty at the top.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        // The innermost place was noted first.
        self.0.path.iter().rev().map(String::as_str)
    }

    /// The same error, seen from the field that holds the value.
    #[must_use]
    pub fn within(mut self, class: &str, field: &str) -> Self {
        self.0.path.push(format!("{class}.{field}"));
        self
    }
}

impl std::fmt::Display for SerdesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, place) in self.path().enumerate() {
            write!(f, "{}{place}", if index > 0 { " > " } else { "" })?;
        }
        let separator = if self.0.path.is_empty() { "" } else { ": " };
        write!(f, "{separator}{} (at byte {})", self.0.reason, self.0.offset)
    }
}

impl std::error::Error for SerdesError {}
