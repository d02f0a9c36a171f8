//! Python's frozen sets, which Dagster writes in the order of their items' `str()`.

use super::{Pack, Reader, SerdesError, Unpack, Writer};

/// The order in which Dagster writes the items of a set.
pub trait SetOrder {
    /// Python's `str()` of the value.
    fn python_str(&self) -> String;
}

impl SetOrder for String {
    fn python_str(&self) -> String {
        self.clone()
    }
}

/// A set that is written as `{"__frozenset__": [..]}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FrozenSet<T>(Vec<T>);

impl<T> Default for FrozenSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FrozenSet<T> {
    /// The items in stored order.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// Whether the set has no items.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: PartialEq> FrozenSet<T> {
    /// Whether the set has the item.
    pub fn contains(&self, item: &T) -> bool {
        self.0.contains(item)
    }
}

impl<T: SetOrder + PartialEq> FromIterator<T> for FrozenSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort_by_cached_key(SetOrder::python_str);
        items.dedup();
        Self(items)
    }
}

impl<T: Pack> Pack for FrozenSet<T> {
    fn pack(&self, writer: &mut Writer) {
        let mut object = writer.object();
        object.entry("__frozenset__", &self.0);
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Unpack> Unpack for FrozenSet<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let mut object = reader.begin_object()?;
        let mut items = None;
        while let Some(key) = reader.next_key(&mut object)? {
            if key == "__frozenset__" {
                items = Some(Vec::unpack(reader)?);
            } else {
                return Err(reader.error(format!("expected a frozen set, found the key {key:?}")));
            }
        }
        items.map(Self).ok_or_else(|| reader.error("expected a frozen set, found an empty object"))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}
