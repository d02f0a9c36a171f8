//! Objects and lists of a message, as slices of its text.

use std::collections::BTreeMap;

use instance_core::serdes::{Reader, SerdesError, deserialize_value};

use super::metadata::{Reason, short};

/// The fields of an object, each as its text. Of two fields of one name, the last counts, as in Python.
pub(super) struct Fields<'a>(BTreeMap<String, &'a str>);

impl<'a> Fields<'a> {
    pub(super) fn read(raw: &'a str) -> Result<Self, Reason> {
        Ok(Self(read_map(raw)?.into_iter().collect()))
    }

    /// The text of a field; null is one, too.
    pub(super) fn optional(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// The text of a field that has to be there; null is one, too.
    pub(super) fn get(&self, name: &str) -> Result<&'a str, Reason> {
        self.optional(name).ok_or_else(|| format!("it has no {name:?}"))
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Reason> {
        let raw = self.get(name)?;
        deserialize_value(raw)
            .map_err(|_| format!("{name:?} has to be a text, and is {}", short(raw)))
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<String>, Reason> {
        match self.optional(name) {
            None | Some("null") => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Reason> {
        let raw = self.get(name)?;
        deserialize_value(raw)
            .map_err(|_| format!("{name:?} has to be true or false, and is {}", short(raw)))
    }
}

/// The entries of an object, in their order.
pub(super) fn read_map(raw: &str) -> Result<Vec<(String, &str)>, Reason> {
    let mut entries = Vec::new();
    let mut read = || -> Result<(), SerdesError> {
        let mut reader = Reader::new(raw);
        let mut object = reader.begin_object()?;
        while let Some(key) = reader.next_key(&mut object)? {
            let key = key.into_owned();
            entries.push((key, reader.raw_value()?));
        }
        reader.end()
    };
    read().map_err(|_| format!("expected an object, found {}", short(raw)))?;
    Ok(entries)
}

/// The items of a list.
pub(super) fn read_list(raw: &str) -> Result<Vec<&str>, Reason> {
    let mut items = Vec::new();
    let mut read = || -> Result<(), SerdesError> {
        let mut reader = Reader::new(raw);
        let mut list = reader.begin_list()?;
        while reader.next_item(&mut list)? {
            items.push(reader.raw_value()?);
        }
        reader.end()
    };
    read().map_err(|_| format!("expected a list, found {}", short(raw)))?;
    Ok(items)
}
