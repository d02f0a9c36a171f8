//! Keys of assets and of asset checks.

use std::fmt::Write;

use crate::serdes::{SetOrder, UnknownFields, serialize_value};
use crate::serdes_class;

serdes_class! {
    /// The key of an asset: a path of one or more parts, such as `demo/hello`.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct AssetKey = "AssetKey" {
        /// The parts, outermost first.
        pub path: Vec<String> = "path",
    }
}

/// Text that names no asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an asset key: write its parts separated by \"/\", each non-empty, such as demo/hello"
)]
pub struct AssetKeyError {
    /// The text as given.
    pub text: String,
}

impl AssetKey {
    /// A key of the given parts.
    pub fn new<P: Into<String>>(path: impl IntoIterator<Item = P>) -> Self {
        Self { path: path.into_iter().map(Into::into).collect(), unknown: UnknownFields::default() }
    }

    /// Reads the form that people write: `demo/hello`. A slash inside a part is `\/`.
    pub fn from_user_string(text: &str) -> Result<Self, AssetKeyError> {
        let mut parts = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, parts.last_mut()) {
                ('\\', Some(part)) if characters.next_if_eq(&'/').is_some() => part.push('/'),
                ('/', _) => parts.push(String::new()),
                (other, Some(part)) => part.push(other),
                (_, None) => {}
            }
        }
        if parts.iter().any(String::is_empty) {
            return Err(AssetKeyError { text: text.to_owned() });
        }
        Ok(Self::new(parts))
    }

    /// The form that people write and read: `demo/hello`.
    pub fn to_user_string(&self) -> String {
        self.path.iter().map(|part| part.replace('/', "\\/")).collect::<Vec<_>>().join("/")
    }

    /// The form that stands in columns of the database: `["demo", "hello"]`.
    pub fn to_db_string(&self) -> String {
        serialize_value(&self.path)
    }

    /// Reads the form that stands in columns of the database; `None` if it is not such a text.
    pub fn from_db_string(text: &str) -> Option<Self> {
        crate::serdes::deserialize_value::<Vec<String>>(text).ok().map(Self::new)
    }

    /// The name of the output that stands for this asset in a step: `demo__hello`.
    pub fn to_python_identifier(&self) -> String {
        self.path.join("__").replace(['-', '.'], "_")
    }
}

impl std::fmt::Display for AssetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_user_string())
    }
}

impl PartialOrd for AssetKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AssetKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.path.cmp(&other.path)
    }
}

impl SetOrder for AssetKey {
    fn python_str(&self) -> String {
        let parts: Vec<_> = self.path.iter().map(|part| python_repr(part)).collect();
        format!("AssetKey([{}])", parts.join(", "))
    }
}

serdes_class! {
    /// The key of a check on an asset.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct AssetCheckKey = "AssetCheckKey" | "AssetCheckHandle" {
        /// The asset that is checked.
        pub asset_key: AssetKey = "asset_key",
        /// The name of the check, unique within the asset.
        pub name: String = "name",
    }
}

impl AssetCheckKey {
    /// The key of a check on an asset.
    pub fn new(asset_key: AssetKey, name: impl Into<String>) -> Self {
        Self { asset_key, name: name.into(), unknown: UnknownFields::default() }
    }

    /// The form by which Dagster orders what a run is going to do.
    pub fn to_db_string(&self) -> String {
        format!(
            "{{\"asset_key\": {}, \"check_name\": {}}}",
            serialize_value(&self.asset_key.to_db_string()),
            serialize_value(&self.name)
        )
    }
}

impl PartialOrd for AssetCheckKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AssetCheckKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.asset_key, &self.name).cmp(&(&other.asset_key, &other.name))
    }
}

impl SetOrder for AssetCheckKey {
    fn python_str(&self) -> String {
        format!(
            "AssetCheckKey(asset_key={}, name={})",
            self.asset_key.python_str(),
            python_repr(&self.name)
        )
    }
}

/// Python's `repr` of a string.
fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut repr = String::from(quote);
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            _ if character == quote => repr.extend(['\\', quote]),
            _ if is_printable(character) => repr.push(character),
            // Writing to a String cannot fail.
            _ if code < 0x100 => drop(write!(repr, "\\x{code:02x}")),
            _ if code < 0x1_0000 => drop(write!(repr, "\\u{code:04x}")),
            _ => drop(write!(repr, "\\U{code:08x}")),
        }
    }
    repr.push(quote);
    repr
}

/// Whether Python prints a character as it is. Rust's `Debug` has the same table, and beside it escapes
/// marks that combine with the character before, unless there is one.
fn is_printable(character: char) -> bool {
    !['a', character].iter().collect::<String>().escape_debug().any(|escaped| escaped == '\\')
        || matches!(character, '"' | '\'' | '\\')
}

#[cfg(test)]
mod tests {
    use super::AssetKey;

    #[test]
    fn three_texts_of_one_key() {
        let key = AssetKey::new(["demo", "hé/llo"]);
        assert_eq!(key.to_user_string(), "demo/hé\\/llo");
        assert_eq!(key.to_db_string(), r#"["demo", "h\u00e9/llo"]"#);
        assert_eq!(AssetKey::from_user_string("demo/hé\\/llo"), Ok(key.clone()));
        assert_eq!(AssetKey::from_db_string(&key.to_db_string()), Some(key));
    }

    #[test]
    fn empty_parts_are_refused() {
        for text in ["", "/", "a//b", "a/"] {
            assert!(AssetKey::from_user_string(text).is_err(), "{text:?}");
        }
    }
}
