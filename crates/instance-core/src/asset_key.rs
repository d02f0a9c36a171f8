//! Keys of assets and of asset checks.

use crate::serdes::{SetOrder, UnknownFields, python_repr, serialize_value};
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
    "{text:?} is not an asset key: write its parts separated by \"/\", each non-empty, such as demo/hello; \
     within a part, a slash is \"\\/\" and a backslash is \"\\\\\""
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

    /// Reads the form that people write: `demo/hello`. Within a part, a slash is `\/` and a backslash `\\`.
    ///
    /// It reads what [`to_user_string`](Self::to_user_string) makes, as Dagster's `from_escaped_user_string` does.
    ///
    /// # Errors
    ///
    /// A part is empty, or a backslash stands before something else. Dagster drops such a backslash and an empty last
    /// part, so that the text names another asset than it seems to.
    pub fn from_user_string(text: &str) -> Result<Self, AssetKeyError> {
        let refused = || AssetKeyError { text: text.to_owned() };
        let mut path = Vec::new();
        let mut part = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '/' => path.push(std::mem::take(&mut part)),
                '\\' => match characters.next() {
                    Some(escaped @ ('/' | '\\')) => part.push(escaped),
                    _ => return Err(refused()),
                },
                other => part.push(other),
            }
        }
        path.push(part);
        if path.iter().any(String::is_empty) {
            return Err(refused());
        }
        Ok(Self::new(path))
    }

    /// The form that people write and read: `demo/hello`. It is what Dagster calls the escaped form: within a
    /// part, a slash is `\/` and a backslash `\\`, so that two keys never have one form.
    pub fn to_user_string(&self) -> String {
        let escaped = self.path.iter().map(|part| part.replace('\\', "\\\\").replace('/', "\\/"));
        escaped.collect::<Vec<_>>().join("/")
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

    /// Checks a key of nasty parts, against the form that Dagster 1.13.27 has for it.
    fn check(path: &[&str], escaped: &str) {
        let key = AssetKey::new(path.iter().copied());
        assert_eq!(key.to_user_string(), escaped);
        assert_eq!(AssetKey::from_user_string(escaped), Ok(key));
    }

    #[test]
    fn the_form_of_people_is_that_of_dagster() {
        check(&["a\\", "b"], r"a\\/b");
        check(&["a/b"], r"a\/b");
        check(&["a\\/b"], r"a\\\/b");
        check(&["\\"], r"\\");
        check(&["/", "/"], r"\//\/");
        check(&[" ", "\n"], " /\n");
    }

    #[test]
    fn every_key_has_a_form_of_its_own_and_is_read_from_it() {
        // All keys of up to three parts, each of up to three of these characters.
        let mut parts = vec![String::new()];
        let mut from = 0;
        for _ in 0..3 {
            let until = parts.len();
            for index in from..until {
                for character in ["a", "/", "\\"] {
                    parts.push(format!("{}{character}", parts[index]));
                }
            }
            from = until;
        }
        parts.remove(0);
        let mut forms = std::collections::BTreeSet::new();
        let mut keys = 0;
        let mut check = |path: &[&String]| {
            let key = AssetKey::new(path.iter().map(|part| part.as_str()));
            let form = key.to_user_string();
            assert_eq!(AssetKey::from_user_string(&form), Ok(key), "{form:?}");
            keys += 1;
            forms.insert(form);
        };
        for first in &parts {
            check(&[first]);
            for second in &parts {
                check(&[first, second]);
                for third in &parts {
                    check(&[first, second, third]);
                }
            }
        }
        assert_eq!(forms.len(), keys);
    }

    #[test]
    fn what_names_no_asset_is_refused() {
        for text in ["", "/", "a//b", "a/", "a\\", "a\\b", "\\n"] {
            let error = AssetKey::from_user_string(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not an asset key")), "{error}");
        }
    }
}
