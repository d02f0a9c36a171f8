//! The arguments of a recorded step, read from its JSON.

use std::collections::BTreeMap;

use dagster_instance::event::EventBatchMetadata;
use dagster_instance::serdes::{FrozenSet, Opaque, Unpack, deserialize_value};
use dagster_instance::{AssetCheckKey, AssetKey, RunId};
use serde_json::Value;

use super::Result;

/// An object of a recorded document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a>(pub(super) &'a Value);

impl<'a> Arguments<'a> {
    /// The value of a name; `None` for null.
    pub(super) fn get(self, name: &str) -> Result<Option<&'a Value>> {
        let value = self.0.get(name).ok_or_else(|| format!("there is no {name} in {}", self.0))?;
        Ok((!value.is_null()).then_some(value))
    }

    pub(super) fn optional_text(self, name: &str) -> Result<Option<&'a str>> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| format!("{name} is no text"));
        Ok(self.get(name)?.map(text).transpose()?)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str> {
        Ok(self.optional_text(name)?.ok_or_else(|| format!("{name} is null"))?)
    }

    pub(super) fn owned_text(self, name: &str) -> Result<Option<String>> {
        Ok(self.optional_text(name)?.map(str::to_owned))
    }

    pub(super) fn run_id(self, name: &str) -> Result<Option<RunId>> {
        Ok(self.optional_text(name)?.map(RunId::from))
    }

    pub(super) fn number<T: TryFrom<i64>>(self, name: &str) -> Result<T> {
        let number =
            self.get(name)?.and_then(Value::as_i64).and_then(|number| number.try_into().ok());
        Ok(number.ok_or_else(|| format!("{name} is no such number"))?)
    }

    pub(super) fn optional_float(self, name: &str) -> Result<Option<f64>> {
        let float = |value: &Value| value.as_f64().ok_or_else(|| format!("{name} is no number"));
        Ok(self.get(name)?.map(float).transpose()?)
    }

    pub(super) fn is_true(self, name: &str) -> Result<bool> {
        Ok(self
            .get(name)?
            .and_then(Value::as_bool)
            .ok_or_else(|| format!("{name} is no boolean"))?)
    }

    pub(super) fn list(self, name: &str) -> Result<&'a [Value]> {
        Ok(self.optional_list(name)?.ok_or_else(|| format!("{name} is null"))?)
    }

    pub(super) fn optional_list(self, name: &str) -> Result<Option<&'a [Value]>> {
        let list = |value: &'a Value| value.as_array().ok_or_else(|| format!("{name} is no list"));
        Ok(self.get(name)?.map(list).transpose()?.map(Vec::as_slice))
    }

    pub(super) fn texts(self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(list) = self.optional_list(name)? else {
            return Ok(None);
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts: Option<Vec<_>> = list.iter().map(text).collect();
        Ok(Some(texts.ok_or_else(|| format!("{name} is no list of texts"))?))
    }

    pub(super) fn tags(self, name: &str) -> Result<BTreeMap<String, String>> {
        let Some(value) = self.get(name)? else {
            return Ok(BTreeMap::new());
        };
        // Dagster makes JSON of values that are no texts; our tags are texts.
        let text = |value: &Value| {
            value.as_str().map_or_else(|| Opaque::from(value).as_str().to_owned(), str::to_owned)
        };
        let tags = value.as_object().ok_or_else(|| format!("{name} is no object"))?;
        Ok(tags.iter().map(|(key, value)| (key.clone(), text(value))).collect())
    }

    /// A value of Dagster's own, which stands there as its text.
    pub(super) fn stored<T: Unpack>(self, name: &str) -> Result<Option<T>> {
        let read = |text| deserialize_value(text).map_err(|error| format!("{name}: {error}"));
        Ok(self.optional_text(name)?.map(read).transpose()?)
    }

    pub(super) fn batch(self) -> Result<Option<EventBatchMetadata>> {
        let Some(batch) = self.get("batch")? else {
            return Ok(None);
        };
        let batch = Arguments(batch);
        Ok(Some(EventBatchMetadata::new(batch.text("id")?, batch.is_true("is_end")?)))
    }

    pub(super) fn asset_keys(self, name: &str) -> Result<Option<Vec<AssetKey>>> {
        let keys = self.optional_list(name)?.map(|list| list.iter().map(asset_key).collect());
        keys.transpose()
    }

    pub(super) fn check_keys(self, name: &str) -> Result<Option<Vec<AssetCheckKey>>> {
        let keys = self.optional_list(name)?.map(|list| list.iter().map(check_key).collect());
        keys.transpose()
    }

    pub(super) fn set_of_texts(self, name: &str) -> Result<Option<FrozenSet<String>>> {
        Ok(self.texts(name)?.map(FrozenSet::from_iter))
    }
}

/// The key of an asset, which stands there as its parts.
pub(super) fn asset_key(value: &Value) -> Result<AssetKey> {
    let parts = value.as_array().ok_or("a key of an asset is a list")?;
    let part = |part: &Value| part.as_str().map(str::to_owned).ok_or("a part of a key is a text");
    Ok(AssetKey::new(parts.iter().map(part).collect::<std::result::Result<Vec<_>, _>>()?))
}

/// The key of a check.
pub(super) fn check_key(value: &Value) -> Result<AssetCheckKey> {
    let name = Arguments(value).text("name")?;
    Ok(AssetCheckKey::new(asset_key(&value["asset_key"])?, name))
}
