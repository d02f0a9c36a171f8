//! Fields that a newer Dagster wrote and this version does not know.

use super::{ObjectWriter, Opaque};

/// The unknown fields of one object, kept so that reading, changing and writing loses nothing.
///
/// For every object that this version builds or fully knows, it is empty and needs no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[expect(clippy::box_collection, reason = "one pointer in each of the objects, hardly ever set")]
pub struct UnknownFields(Option<Box<Vec<(String, Opaque)>>>);

impl UnknownFields {
    /// Whether every field of the object was known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The names of the fields, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|fields| fields.iter()).map(|(name, _)| name.as_str())
    }

    #[doc(hidden)]
    pub fn push(&mut self, name: String, value: Opaque) {
        let fields = self.0.get_or_insert_default();
        let place = fields.partition_point(|(other, _)| *other < name);
        // If a key occurs twice, the last value counts, as in Python.
        match fields.get_mut(place).filter(|(other, _)| *other == name) {
            Some((_, known)) => *known = value,
            None => fields.insert(place, (name, value)),
        }
    }

    /// Writes the fields whose names come before `limit`, starting at `from`. Returns where it stopped.
    #[doc(hidden)]
    pub fn write(&self, from: usize, limit: Option<&str>, object: &mut ObjectWriter<'_>) -> usize {
        let Some(fields) = &self.0 else { return 0 };
        let mut next = from;
        while let Some((name, value)) = fields.get(next) {
            if limit.is_some_and(|limit| name.as_str() > limit) {
                break;
            }
            object.raw_entry(name, value.as_str());
            next += 1;
        }
        next
    }
}
