//! The mapping of Rust's own types: scalars, strings, options, lists and maps.

use std::collections::BTreeMap;

use super::surrogates::in_python_order;
use super::{Pack, Reader, SerdesClass, SerdesError, Unpack, Writer};

impl Pack for bool {
    fn pack(&self, writer: &mut Writer) {
        writer.bool(*self);
    }
}

impl Unpack for bool {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        reader.bool()
    }
}

impl Pack for i64 {
    fn pack(&self, writer: &mut Writer) {
        writer.integer(*self);
    }
}

impl Unpack for i64 {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        reader.integer()
    }
}

impl Pack for f64 {
    fn pack(&self, writer: &mut Writer) {
        writer.float(*self);
    }
}

impl Unpack for f64 {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        reader.float()
    }
}

impl Pack for str {
    fn pack(&self, writer: &mut Writer) {
        writer.string(self);
    }
}

impl Pack for String {
    fn pack(&self, writer: &mut Writer) {
        writer.string(self);
    }
}

impl Unpack for String {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        Ok(reader.string()?.into_owned())
    }
}

impl<T: Pack + ?Sized> Pack for Box<T> {
    fn pack(&self, writer: &mut Writer) {
        (**self).pack(writer);
    }
}

impl<T: Unpack> Unpack for Box<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        T::unpack(reader).map(Self::new)
    }
}

impl<T: SerdesClass> SerdesClass for Box<T> {
    const STORAGE_NAME: &'static str = T::STORAGE_NAME;
    const OLD_STORAGE_NAMES: &'static [&'static str] = T::OLD_STORAGE_NAMES;
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.pack(writer),
            None => writer.null(),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Unpack> Unpack for Option<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        if reader.null()? { Ok(None) } else { T::unpack(reader).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, writer: &mut Writer) {
        writer.list(self);
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Unpack> Unpack for Vec<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let mut items = Vec::new();
        let mut list = reader.begin_list()?;
        while reader.next_item(&mut list)? {
            items.push(T::unpack(reader)?);
        }
        Ok(items)
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: Pack> Pack for BTreeMap<String, T> {
    fn pack(&self, writer: &mut Writer) {
        let mut object = writer.object();
        if self.keys().all(|key| key.is_ascii()) {
            for (key, value) in self {
                object.entry(key, value);
            }
        } else {
            for (key, value) in in_python_order(self.iter()) {
                object.entry(key, value);
            }
        }
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Unpack> Unpack for BTreeMap<String, T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let mut map = BTreeMap::new();
        let mut object = reader.begin_object()?;
        while let Some(key) = reader.next_key(&mut object)? {
            map.insert(key.into_owned(), T::unpack(reader)?);
        }
        Ok(map)
    }

    fn absent() -> Option<Self> {
        Some(BTreeMap::new())
    }
}
