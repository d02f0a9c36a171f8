//! Values that `dagster.yaml` may leave to an environment variable: `env: NAME` in place of a text, a whole number or
//! a boolean.
//!
//! Dagster calls these types `StringSource`, `IntSource` and `BoolSource`. A value is resolved when the part that it
//! configures is made, not when the file is read.

use std::fmt;

use instance_core::python;
use serde_json::Value;

use crate::environment::Environment;

/// Why a value has no text, no number or no boolean. It never holds the value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceError {
    /// The variable is not set.
    NotSet {
        /// The name of the variable.
        variable: String,
    },
    /// The variable is set to bytes that are no UTF-8.
    NotUnicode {
        /// The name of the variable.
        variable: String,
    },
    /// The variable holds something else than a whole number.
    NotAnInteger {
        /// The name of the variable.
        variable: String,
    },
    /// The value is neither of the type nor `env: NAME`.
    Mistyped {
        /// What the value has to be.
        expected: &'static str,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet { variable } => {
                write!(f, "the environment variable {variable} is not set; set it")
            }
            Self::NotUnicode { variable } => {
                write!(f, "the environment variable {variable} is not UTF-8; set it to a text")
            }
            Self::NotAnInteger { variable } => write!(
                f,
                "the environment variable {variable} holds no whole number; set it to one, such as 7"
            ),
            Self::Mistyped { expected } => write!(f, "it has to be {expected} or `env: NAME`"),
        }
    }
}

impl std::error::Error for SourceError {}

/// The text that a value says, or that the variable holds which it names. A variable that is set and empty holds an
/// empty text.
pub(crate) fn text(value: &Value, environment: &dyn Environment) -> Result<String, SourceError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => variable(other, "a text", environment),
    }
}

/// The whole number that a value says, or that the variable holds which it names.
///
/// White space around the number of a variable does not count, and `_` may stand between two digits. A number that has
/// no place in 64 bits becomes the nearest one that has.
pub(crate) fn integer(value: &Value, environment: &dyn Environment) -> Result<i64, SourceError> {
    if let Value::Number(number) = value {
        let number = number.as_i64().or_else(|| number.is_u64().then_some(i64::MAX));
        return number.ok_or(SourceError::Mistyped { expected: "a whole number" });
    }
    let text = variable(value, "a whole number", environment)?;
    python::integer(&text)
        .ok_or_else(|| SourceError::NotAnInteger { variable: named(value).unwrap_or_default() })
}

/// The boolean that a value says, or that the variable means which it names. `false`, `none`, `0` and an empty text
/// mean false, in letters of either case. Every other text means true.
pub(crate) fn boolean(value: &Value, environment: &dyn Environment) -> Result<bool, SourceError> {
    if let Value::Bool(value) = value {
        return Ok(*value);
    }
    let text = variable(value, "true or false", environment)?;
    Ok(is_true(&text))
}

/// Whether Dagster takes a text for true.
pub(crate) fn is_true(text: &str) -> bool {
    !matches!(&*text.to_lowercase(), "false" | "none" | "0" | "")
}

/// The name of the variable that a value refers to; `None` if it refers to none.
pub(crate) fn named(value: &Value) -> Option<String> {
    let reference = value.as_object().filter(|reference| reference.len() == 1)?;
    reference.get("env")?.as_str().map(str::to_owned)
}

fn variable(
    value: &Value,
    expected: &'static str,
    environment: &dyn Environment,
) -> Result<String, SourceError> {
    let variable = named(value).ok_or(SourceError::Mistyped { expected })?;
    match environment.get(&variable) {
        Some(text) => Ok(text),
        None if environment.get_os(&variable).is_some() => {
            Err(SourceError::NotUnicode { variable })
        }
        None => Err(SourceError::NotSet { variable }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use serde_json::{Value, json};

    use super::{SourceError, boolean, integer, text};
    use crate::environment::Environment;

    struct Variables;

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            let value = match name {
                "EMPTY" => "",
                "PORT" => "5433\n",
                "GROUPED" => " 1_000 ",
                "HUGE" => "-99999999999999999999",
                "DOUBLED" => "1__0",
                "TRAILING" => "1_",
                "SIGN" => "+",
                "NO" => "False",
                "NOTHING" => "None",
                "OFF" => "off",
                _ => return None,
            };
            Some(value.to_owned())
        }

        fn get_os(&self, name: &str) -> Option<OsString> {
            if name == "BYTES" { Some("x".into()) } else { self.get(name).map(OsString::from) }
        }
    }

    fn of(name: &str) -> Value {
        json!({ "env": name })
    }

    #[test]
    fn a_text_may_come_from_a_variable_and_may_be_empty() {
        assert_eq!(text(&json!("a"), &Variables), Ok("a".to_owned()));
        assert_eq!(text(&of("EMPTY"), &Variables), Ok(String::new()));
        let error = SourceError::NotSet { variable: "MISSING".to_owned() };
        assert_eq!(text(&of("MISSING"), &Variables), Err(error));
        let error = SourceError::NotUnicode { variable: "BYTES".to_owned() };
        assert_eq!(text(&of("BYTES"), &Variables), Err(error));
        assert!(text(&json!({ "env": true }), &Variables).is_err());
    }

    #[test]
    fn a_number_is_read_as_python_reads_it() {
        assert_eq!(integer(&json!(5), &Variables), Ok(5));
        assert_eq!(integer(&json!(u64::MAX), &Variables), Ok(i64::MAX));
        assert_eq!(integer(&of("PORT"), &Variables), Ok(5433));
        assert_eq!(integer(&of("GROUPED"), &Variables), Ok(1000));
        assert_eq!(integer(&of("HUGE"), &Variables), Ok(i64::MIN));
        for name in ["EMPTY", "DOUBLED", "TRAILING", "SIGN", "NO"] {
            let error = SourceError::NotAnInteger { variable: name.to_owned() };
            assert_eq!(integer(&of(name), &Variables), Err(error), "{name}");
        }
        assert!(integer(&json!("5433"), &Variables).is_err());
        assert!(integer(&json!(1.5), &Variables).is_err());
    }

    #[test]
    fn a_boolean_is_true_unless_its_variable_says_otherwise() {
        assert_eq!(boolean(&json!(false), &Variables), Ok(false));
        for (name, expected) in
            [("EMPTY", false), ("NO", false), ("NOTHING", false), ("OFF", true), ("PORT", true)]
        {
            assert_eq!(boolean(&of(name), &Variables), Ok(expected), "{name}");
        }
        assert!(boolean(&json!("true"), &Variables).is_err());
    }
}
