//! Mappings whose keys are not strings. They are written as a list of pairs.

use super::{Kind, Pack, Reader, SerdesError, Unpack, Writer};

/// A mapping that is written as `{"__mapping_items__": [[key, value], ..]}`, in its own order. An empty mapping may
/// have been written as `{}`, and keeps that form.
#[derive(Debug, Clone, PartialEq)]
pub struct PairMap<K, V> {
    pairs: Vec<(K, V)>,
    is_plain: bool,
}

impl<K, V> PairMap<K, V> {
    /// The pairs in stored order.
    pub fn pairs(&self) -> &[(K, V)] {
        &self.pairs
    }
}

impl<K, V> FromIterator<(K, V)> for PairMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self { pairs: pairs.into_iter().collect(), is_plain: false }
    }
}

impl<K: Pack, V: Pack> Pack for PairMap<K, V> {
    fn pack(&self, writer: &mut Writer) {
        let mut object = writer.object();
        if !self.is_plain {
            let pairs: Vec<_> = self.pairs.iter().map(|(key, value)| Pair(key, value)).collect();
            object.entry("__mapping_items__", &pairs);
        }
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.pairs.is_empty()
    }
}

struct Pair<'a, K, V>(&'a K, &'a V);

impl<K: Pack, V: Pack> Pack for Pair<'_, K, V> {
    fn pack(&self, writer: &mut Writer) {
        writer.raw("[");
        self.0.pack(writer);
        writer.raw(", ");
        self.1.pack(writer);
        writer.raw("]");
    }
}

impl<K: Unpack, V: Unpack> Unpack for PairMap<K, V> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let mut object = reader.begin_object()?;
        let mut map = Self { pairs: Vec::new(), is_plain: true };
        while let Some(key) = reader.next_key(&mut object)? {
            if key != "__mapping_items__" || reader.kind()? != Kind::List {
                return Err(
                    reader.error(format!("expected a list of pairs, found the key {key:?}"))
                );
            }
            map.is_plain = false;
            let mut list = reader.begin_list()?;
            while reader.next_item(&mut list)? {
                map.pairs.push(pair(reader)?);
            }
        }
        Ok(map)
    }

    fn absent() -> Option<Self> {
        Some(Self { pairs: Vec::new(), is_plain: true })
    }
}

fn pair<K: Unpack, V: Unpack>(reader: &mut Reader<'_>) -> Result<(K, V), SerdesError> {
    let mut list = reader.begin_list()?;
    let missing = "expected a key and a value";
    if !reader.next_item(&mut list)? {
        return Err(reader.error(missing));
    }
    let key = K::unpack(reader)?;
    if !reader.next_item(&mut list)? {
        return Err(reader.error(missing));
    }
    let value = V::unpack(reader)?;
    if reader.next_item(&mut list)? {
        return Err(reader.error("more than a key and a value"));
    }
    Ok((key, value))
}
