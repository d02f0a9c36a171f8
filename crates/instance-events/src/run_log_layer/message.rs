//! The text of a line: the message of an event of `tracing`, and its other fields.
//!
//! Not here: which events become lines.

use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

/// The text of the fields of an event.
pub(super) struct Message {
    text: String,
    fields: String,
    /// Whether it is an event of the crate `log`. All of these have the same target, and fields named `log.*` say
    /// where they come from.
    of_log: bool,
    log_target: Option<String>,
}

impl Message {
    /// Reads all fields of an event.
    pub(super) fn read(event: &Event<'_>) -> Self {
        let of_log = event.metadata().target() == "log";
        let (text, fields) = (String::new(), String::new());
        let mut message = Self { text, fields, of_log, log_target: None };
        event.record(&mut message);
        message
    }

    /// The target that an event of the crate `log` was emitted with; `None` for others.
    pub(super) fn log_target(&self) -> Option<&str> {
        self.log_target.as_deref()
    }

    /// The message, followed by each other field as ` name=value`.
    pub(super) fn into_text(self) -> String {
        let Self { mut text, fields, .. } = self;
        if text.is_empty() {
            return fields.trim_start().to_owned();
        }
        text.push_str(&fields);
        text
    }

    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        if self.of_log && name.starts_with("log.") {
            return;
        }
        let written = if name == "message" {
            self.text.write_fmt(value)
        } else {
            // Other layers also drop the mark of names that are words of the language.
            let name = name.strip_prefix("r#").unwrap_or(name);
            write!(self.fields, " {name}={value}")
        };
        // Writing to a string does not fail, so the error comes from the value. What it wrote so far stays.
        if written.is_err() {
            self.fields.push_str(" (a field could not be formatted)");
        }
    }
}

/// An error, and the errors behind it.
struct Chain<'a>(&'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.of_log && field.name() == "log.target" {
            self.log_target = Some(value.to_owned());
        }
        self.put(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}
