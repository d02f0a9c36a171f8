//! The types that a value of `dagster.yaml` may have, as Dagster's configuration system has them.

use super::Slot;

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    /// One text, number or boolean.
    Scalar(Scalar),
    /// One text, number or boolean, or `env: NAME` in its place.
    Source(Scalar),
    /// Null, or a value of the type.
    Nullable(&'static Type),
    /// A list of values of the type.
    List(&'static Type),
    /// A mapping with texts of one's own as keys.
    Map(&'static Type),
    /// A mapping with these keys and no others.
    Shape(&'static [Field]),
    /// A mapping with these keys and any others.
    Open(&'static [Field]),
    /// A mapping with exactly one of these keys.
    Choice(&'static [Field]),
    /// One text, number or boolean, or a value of the type.
    Either(Scalar, &'static Type),
    /// `module`, `class` and `config`: something for a place that a class fills.
    Class(Slot),
}

/// The type of a value that has no parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

impl Type {
    /// A text.
    pub(super) const TEXT: Self = Self::Scalar(Scalar::Text);
    /// A whole number.
    pub(super) const INTEGER: Self = Self::Scalar(Scalar::Integer);
    /// A number.
    pub(super) const NUMBER: Self = Self::Scalar(Scalar::Number);
    /// True or false.
    pub(super) const BOOLEAN: Self = Self::Scalar(Scalar::Boolean);
    /// A text, or `env: NAME`.
    pub(super) const TEXT_SOURCE: Self = Self::Source(Scalar::Text);
    /// A whole number, or `env: NAME`.
    pub(super) const INTEGER_SOURCE: Self = Self::Source(Scalar::Integer);
    /// True or false, or `env: NAME`.
    pub(super) const BOOLEAN_SOURCE: Self = Self::Source(Scalar::Boolean);
    /// A mapping of anything.
    pub(crate) const ANYTHING: Self = Self::Open(&[]);
    /// Null, a text or `env: NAME`.
    pub(super) const NULL_OR_TEXT_SOURCE: Self = Self::Nullable(&Self::TEXT_SOURCE);

    /// Whether a value of the type, or a part of one, is secret.
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Source(_) | Self::Class(_) => false,
            Self::Nullable(inner)
            | Self::List(inner)
            | Self::Map(inner)
            | Self::Either(_, inner) => inner.holds_secret(),
            Self::Shape(fields) | Self::Open(fields) | Self::Choice(fields) => fields
                .iter()
                .any(|field| field.secrecy != Secrecy::Open || field.kind.holds_secret()),
        }
    }

    /// Whether null means a mapping without keys where the type is chosen by a key.
    pub(crate) const fn has_fields(&self) -> bool {
        matches!(self, Self::Shape(_) | Self::Open(_) | Self::Choice(_) | Self::Class(_))
    }
}

/// A key of a mapping, with the type of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// The key.
    pub(crate) name: &'static str,
    /// The type of the value.
    pub(crate) kind: Type,
    /// Whether it has to be there.
    pub(crate) need: Need,
    /// What holds where it is not there.
    pub(crate) default: Option<Default>,
    /// What it is for, in one sentence.
    pub(crate) about: &'static str,
    /// Whether its value may be shown.
    pub(crate) secrecy: Secrecy,
    /// What else has to hold of its value.
    pub(crate) rule: Option<Rule>,
}

/// Whether a key has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It has to be.
    Required,
    /// It may be missing.
    Optional,
}

/// What holds where a key is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Default {
    /// Dagster puts this JSON text in its place.
    Filled(&'static str),
    /// Dagster behaves as if this JSON text were there.
    Implied(&'static str),
}

impl Default {
    /// The value, as JSON text.
    pub(crate) const fn json(self) -> &'static str {
        match self {
            Self::Filled(json) | Self::Implied(json) => json,
        }
    }
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It may.
    Open,
    /// It may not.
    Secret,
    /// It is a URL, which may be shown without its password and its parameters.
    Url,
}

/// What has to hold of a value beside its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It is one of these texts, or empty. Dagster refuses the file otherwise.
    OneOf(&'static [&'static str]),
    /// It is a limit of a pool: at least zero, and at most a thousand unless an environment variable says otherwise.
    /// Dagster refuses the file otherwise.
    PoolLimit,
    /// It is a number of runs, or -1 for any number. Dagster refuses to make the class otherwise.
    RunLimit,
}

impl Field {
    /// The keys of a section that names a class.
    pub(crate) const OF_CLASS: &[Self] = &[
        Self::required("module", Type::TEXT, "The Python module of the class."),
        Self::required("class", Type::TEXT, "The name of the class."),
        Self::optional("config", Type::ANYTHING, "What the class is made with.")
            .filled("{}")
            .secret(),
    ];

    const fn new(name: &'static str, kind: Type, need: Need, about: &'static str) -> Self {
        Self { name, kind, need, default: None, about, secrecy: Secrecy::Open, rule: None }
    }

    /// A key that has to be there.
    pub(super) const fn required(name: &'static str, kind: Type, about: &'static str) -> Self {
        Self::new(name, kind, Need::Required, about)
    }

    /// A key that may be missing.
    pub(super) const fn optional(name: &'static str, kind: Type, about: &'static str) -> Self {
        Self::new(name, kind, Need::Optional, about)
    }

    /// Says what Dagster puts in the place of a missing key, as JSON text.
    pub(super) const fn filled(mut self, json: &'static str) -> Self {
        self.default = Some(Default::Filled(json));
        self
    }

    /// Says what Dagster does where the key is missing, as JSON text.
    pub(super) const fn implied(mut self, json: &'static str) -> Self {
        self.default = Some(Default::Implied(json));
        self
    }

    /// Says that the value is never shown.
    pub(super) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    /// Says that the value is a URL that may hold a password.
    pub(super) const fn url(mut self) -> Self {
        self.secrecy = Secrecy::Url;
        self
    }

    /// Says what else has to hold of the value.
    pub(super) const fn rule(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }
}
