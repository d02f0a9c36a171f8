//! Values and their types, side by side: each becomes one setting or several.

use instance_core::config_problems::Position;
use serde_json::{Map, Value};

use super::shown::{Shown, shown};
use super::{DescribedSetting, SettingOrigin};
use crate::document::{Entry, Kind, NOWHERE, Node};
use crate::environment::Environment;
use crate::schema::source::{self, named};
use crate::schema::{Field, INSTANCE, Need, Scalar, Secrecy, Type};
use crate::shown::{MASK, name};

/// Collects settings.
pub(super) struct Walker<'a> {
    pub(super) environment: &'a dyn Environment,
    settings: Vec<DescribedSetting>,
    /// Whether the values are defaults, and nobody said them.
    of_defaults: bool,
}

/// Where a value is.
#[derive(Debug, Clone)]
pub(super) struct At {
    /// The path of its key.
    pub(super) key: String,
    /// Where its key is.
    pub(super) position: Position,
    /// Whether it may be shown.
    pub(super) secrecy: Secrecy,
}

impl At {
    /// The document as a whole.
    pub(super) const fn root() -> Self {
        Self { key: String::new(), position: NOWHERE, secrecy: Secrecy::Open }
    }

    /// The value under a key of this mapping.
    pub(super) fn below(&self, key: &str, position: Position) -> Self {
        let key = if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) };
        Self { key, position, secrecy: self.secrecy }
    }

    /// The value of this entry, whose key may have swallowed its value.
    pub(super) fn of(&self, entry: &Entry) -> Self {
        self.below(&name(entry.key.shown()), entry.position)
    }
}

impl<'a> Walker<'a> {
    pub(super) const fn new(environment: &'a dyn Environment) -> Self {
        Self { environment, settings: Vec::new(), of_defaults: false }
    }

    pub(super) fn into_settings(self) -> Vec<DescribedSetting> {
        self.settings
    }

    /// Takes what it meets for defaults.
    pub(super) fn defaults(&mut self, meet: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.of_defaults, true);
        meet(self);
        self.of_defaults = before;
    }

    /// Who said a value whose key is here.
    pub(super) fn origin(&self, position: Position) -> SettingOrigin {
        if self.of_defaults {
            SettingOrigin::Default
        } else if position == NOWHERE {
            SettingOrigin::Caller
        } else {
            SettingOrigin::File(position)
        }
    }

    /// Adds a setting.
    pub(super) fn add(&mut self, setting: DescribedSetting) {
        self.settings.push(setting);
    }

    /// Adds a value that nobody said.
    pub(super) fn add_default(&mut self, key: &str, default: Value) {
        self.settings.push(DescribedSetting {
            key: key.to_owned(),
            value: default.clone(),
            default,
            origin: SettingOrigin::Default,
            is_masked: false,
            unusable: None,
        });
    }

    /// The value of a known key, or its default.
    pub(super) fn field(&mut self, field: &Field, entry: Option<&Entry>, parent: &At) {
        let position = entry.map_or(NOWHERE, |entry| entry.position);
        let mut at = parent.below(field.name, position);
        if at.secrecy != Secrecy::Secret && field.secrecy != Secrecy::Open {
            at.secrecy = field.secrecy;
        }
        let default = default_of(field);
        match entry {
            Some(entry) => self.value(&field.kind, &entry.value, &at, default),
            None => self.missing(&field.kind, &at.key, default),
        }
    }

    /// A value of a type.
    pub(super) fn value(&mut self, kind: &Type, node: &Node, at: &At, default: Value) {
        match (kind, &node.kind) {
            (Type::Nullable(inner), kind) if !matches!(kind, Kind::Null) => {
                self.value(inner, node, at, default);
            }
            (Type::Either(_, inner), Kind::List(_) | Kind::Mapping(_)) => {
                self.value(inner, node, at, default);
            }
            (Type::Shape(fields), Kind::Mapping(entries))
                if at.secrecy != Secrecy::Secret && !fields.is_empty() =>
            {
                self.fields(fields, entries, at);
            }
            (Type::Choice(fields), Kind::Mapping(entries))
                if at.secrecy != Secrecy::Secret && !entries.is_empty() =>
            {
                for entry in entries {
                    match fields.iter().find(|field| Some(field.name) == entry.key.text()) {
                        Some(field) => self.field(field, Some(entry), at),
                        None => self.unknown(entry, at),
                    }
                }
            }
            _ => self.leaf(kind, node, at, default),
        }
    }

    /// The values of a mapping with these keys.
    pub(super) fn fields(&mut self, fields: &[Field], entries: &[Entry], at: &At) {
        for field in fields {
            let entry = entries.iter().find(|entry| entry.key.text() == Some(field.name));
            self.field(field, entry, at);
        }
        let known = |entry: &Entry| fields.iter().any(|field| entry.key.text() == Some(field.name));
        for entry in entries.iter().filter(|entry| !known(entry)) {
            self.unknown(entry, at);
        }
    }

    /// Values of a mapping of whose keys nothing is known. Any of them may be secret.
    pub(super) fn opaque(&mut self, node: &Node, at: &At) {
        let Some(entries) = node.entries() else {
            let secret = At { secrecy: Secrecy::Secret, ..at.clone() };
            return self.leaf(&Type::ANYTHING, node, &secret, Value::Null);
        };
        for entry in entries {
            let inner = at.of(entry);
            let is_plain = matches!(entry.value.kind, Kind::Null | Kind::Boolean(_));
            let secrecy = if is_plain { Secrecy::Open } else { Secrecy::Secret };
            self.leaf(&Type::ANYTHING, &entry.value, &At { secrecy, ..inner }, Value::Null);
        }
    }

    /// Sections that Dagster does not have.
    pub(super) fn unknown_sections(&mut self, document: &Node) {
        for entry in document.entries().unwrap_or_default() {
            if INSTANCE.iter().all(|field| Some(field.name) != entry.key.text()) {
                self.unknown(entry, &At::root());
            }
        }
    }

    /// The value of a key that there is not. It may be a secret under a wrong name.
    pub(super) fn unknown(&mut self, entry: &Entry, parent: &At) {
        let at = parent.of(entry);
        self.add(DescribedSetting {
            origin: self.origin(at.position),
            key: at.key,
            value: Value::from(MASK),
            default: Value::Null,
            is_masked: true,
            unusable: Some("there is no such key".to_owned()),
        });
    }

    /// Defaults of a type.
    pub(super) fn missing(&mut self, kind: &Type, key: &str, default: Value) {
        let at = At { key: key.to_owned(), ..At::root() };
        match kind {
            Type::Shape(fields) if !fields.is_empty() && !fields.iter().any(asks_for_value) => {
                self.fields(fields, &[], &at);
            }
            Type::Either(_, inner) if default.is_null() => self.missing(inner, key, default),
            _ => self.add_default(key, default),
        }
    }

    fn leaf(&mut self, kind: &Type, node: &Node, at: &At, default: Value) {
        let mut origin = self.origin(at.position);
        let mut unusable = None;
        let json = node.to_json();
        let variable =
            named(&json).filter(|_| takes_variable(kind) || at.secrecy == Secrecy::Secret);
        let found = match variable {
            Some(name) => {
                let found = self.resolved(kind, &json, at.secrecy);
                let reference = Some(at.position).filter(|position| *position != NOWHERE);
                origin = SettingOrigin::Variable { name, reference };
                found.unwrap_or_else(|reason| {
                    unusable = Some(reason);
                    Shown { value: Value::Null, is_masked: false }
                })
            }
            None => shown(kind, node, at.secrecy, self.environment),
        };
        let default = if self.of_defaults { found.value.clone() } else { default };
        self.add(DescribedSetting {
            key: at.key.clone(),
            value: found.value,
            default,
            origin,
            is_masked: found.is_masked,
            unusable,
        });
    }

    /// The value of a variable.
    fn resolved(&self, kind: &Type, reference: &Value, secrecy: Secrecy) -> Result<Shown, String> {
        let value = match scalar_of(kind) {
            Some(Scalar::Integer | Scalar::Number) => {
                source::integer(reference, self.environment).map(Value::from)
            }
            Some(Scalar::Boolean) => source::boolean(reference, self.environment).map(Value::from),
            _ => source::text(reference, self.environment).map(Value::from),
        };
        let value = value.map_err(|error| error.to_string())?;
        Ok(Shown::of_json(value, secrecy))
    }
}

fn takes_variable(kind: &Type) -> bool {
    match kind {
        Type::Source(_) => true,
        Type::Nullable(inner) => takes_variable(inner),
        _ => false,
    }
}

const fn scalar_of(kind: &Type) -> Option<Scalar> {
    match kind {
        Type::Source(scalar) => Some(*scalar),
        Type::Nullable(inner) => scalar_of(inner),
        _ => None,
    }
}

/// Whether a mapping with the key cannot be made of defaults alone.
fn asks_for_value(field: &Field) -> bool {
    let has_default = field.default.is_some()
        || matches!(&field.kind, Type::Either(_, Type::Shape(fields)) if !fields.iter().any(asks_for_value));
    field.need == Need::Required && !has_default
}

fn default_of(field: &Field) -> Value {
    let default = field.default.and_then(|default| serde_json::from_str(default.json()).ok());
    match default {
        // The keys of a mapping have defaults of their own.
        Some(Value::Object(map)) if field.kind.has_fields() && !map.is_empty() => {
            Value::Object(Map::new())
        }
        Some(default) => default,
        None => Value::Null,
    }
}
