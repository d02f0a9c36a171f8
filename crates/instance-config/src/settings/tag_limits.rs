//! `tag_concurrency_limits`, which stands in `run_queue` and in `concurrency`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{TagConcurrencyLimit, TagLimitValue};
use serde_json::Value;

use crate::fields::Fields;

/// The limits under a key; none for a null.
pub(super) fn tag_concurrency_limits(
    fields: &Fields<'_>,
    key: &str,
) -> Result<Option<Vec<TagConcurrencyLimit>>, ConfigProblems> {
    if fields.value(key) == Some(&Value::Null) {
        return Ok(Some(Vec::new()));
    }
    let Some(items) = fields.list(key)? else { return Ok(None) };
    let limits =
        items.iter().enumerate().map(|(index, item)| limit(&fields.item(key, index, item)?));
    limits.collect::<Result<_, _>>().map(Some)
}

fn limit(fields: &Fields<'_>) -> Result<TagConcurrencyLimit, ConfigProblems> {
    fields.only(&["key", "value", "limit"])?;
    let key = fields.required("key", fields.plain_text("key")?)?;
    let limit = fields.required("limit", fields.plain_integer("limit")?)?;
    let value = match fields.value("value") {
        None => TagLimitValue::Any,
        Some(Value::Object(_)) => match fields.section("value")? {
            Some(section) => {
                let flag = "applyLimitPerUniqueValue";
                section.only(&[flag])?;
                let each = section.required(flag, section.plain_boolean(flag)?)?;
                if each { TagLimitValue::EachByItself } else { TagLimitValue::Any }
            }
            None => TagLimitValue::Any,
        },
        Some(_) => match fields.plain_text("value")? {
            Some(value) => TagLimitValue::Of(value),
            None => TagLimitValue::Any,
        },
    };
    Ok(TagConcurrencyLimit::new(key, limit).with_value(value))
}
