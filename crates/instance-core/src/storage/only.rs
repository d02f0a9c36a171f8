//! Which of many things a filter lets through.

/// Which of many things a filter lets through: any of them, or only those of a list.
///
/// The list may be empty, and then nothing is let through. So a list that a program has computed can be given as it
/// is: a filter on the runs that have failed finds no run where none has failed.
///
/// ```
/// use instance_core::storage::Only;
///
/// let any: Only<u8> = Only::default();
/// assert!(any.contains(&7));
/// assert!(Only::these([7_u8, 8]).contains(&7));
/// assert!(!Only::these([] as [u8; 0]).contains(&7));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Only<T> {
    /// Nothing is filtered.
    #[default]
    Any,
    /// Only what is in the list; an empty list lets nothing through.
    These(Vec<T>),
}

impl<T> Only<T> {
    /// Only these.
    pub fn these(items: impl IntoIterator<Item = impl Into<T>>) -> Self {
        Self::These(items.into_iter().map(Into::into).collect())
    }

    /// Only this one.
    pub fn one(item: impl Into<T>) -> Self {
        Self::These(vec![item.into()])
    }

    /// Only these, or any if there are none: what an empty list means in Dagster's own calls.
    ///
    /// For lists of Dagster's and of command lines. A list that a program has computed is given to [`Only::these`].
    pub fn any_if_empty(items: Vec<T>) -> Self {
        if items.is_empty() { Self::Any } else { Self::These(items) }
    }

    /// Whether nothing is filtered.
    pub const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether nothing is let through.
    pub const fn is_nothing(&self) -> bool {
        match self {
            Self::Any => false,
            Self::These(items) => items.is_empty(),
        }
    }

    /// The list, which may be empty; `None` if nothing is filtered.
    pub const fn as_slice(&self) -> Option<&[T]> {
        match self {
            Self::Any => None,
            Self::These(items) => Some(items.as_slice()),
        }
    }

    /// Whether an item is let through. This looks at each item of the list.
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.as_slice().is_none_or(|items| items.contains(item))
    }
}
