//! Python's sets, which Dagster writes in the order of their items' `str()`.

use super::{Kind, Pack, Reader, SerdesError, Unpack, Writer};

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

/// How a set is written: Python has two kinds, and old versions wrote lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Form {
    #[default]
    Frozen,
    Mutable,
    List,
}

/// A set. A new set is written as `{"__frozenset__": [..]}`. One that was read keeps its form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FrozenSet<T> {
    items: Vec<T>,
    form: Form,
}

impl<T> Default for FrozenSet<T> {
    fn default() -> Self {
        Self { items: Vec::new(), form: Form::default() }
    }
}

impl<T> FrozenSet<T> {
    /// The items in stored order.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// Whether the set has no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: PartialEq> FrozenSet<T> {
    /// Whether the set has the item.
    pub fn contains(&self, item: &T) -> bool {
        self.items.contains(item)
    }
}

impl<T: SetOrder + PartialEq> FromIterator<T> for FrozenSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort_by_cached_key(SetOrder::python_str);
        items.dedup();
        Self { items, form: Form::Frozen }
    }
}

impl<T: SetOrder + PartialEq> FrozenSet<T> {
    /// A set that is written as `{"__set__": [..]}`, for fields where Dagster has a mutable set.
    pub fn mutable(items: impl IntoIterator<Item = T>) -> Self {
        Self { form: Form::Mutable, ..items.into_iter().collect() }
    }
}

impl<T: Pack> Pack for FrozenSet<T> {
    fn pack(&self, writer: &mut Writer) {
        let key = match self.form {
            Form::Frozen => "__frozenset__",
            Form::Mutable => "__set__",
            Form::List => return writer.list(&self.items),
        };
        let mut object = writer.object();
        object.entry(key, &self.items);
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: Unpack> Unpack for FrozenSet<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        if reader.kind()? == Kind::List {
            return Ok(Self { items: Vec::unpack(reader)?, form: Form::List });
        }
        let mut object = reader.begin_object()?;
        let mut set = None;
        while let Some(key) = reader.next_key(&mut object)? {
            let form = match &*key {
                "__frozenset__" => Form::Frozen,
                "__set__" => Form::Mutable,
                _ => return Err(reader.error(format!("expected a set, found the key {key:?}"))),
            };
            set = Some(Self { items: Vec::unpack(reader)?, form });
        }
        set.ok_or_else(|| reader.error("expected a set, found an empty object"))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}
