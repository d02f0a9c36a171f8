//! Errors as Dagster stores them inside events.

use crate::code_location::CodeLocationError;
use crate::serdes_class;

serdes_class! {
    /// An error with its stack and causes.
    #[derive(Debug, Clone, PartialEq)]
    pub struct SerializableErrorInfo = "SerializableErrorInfo" {
        /// The error that caused this one.
        pub cause: Option<Box<SerializableErrorInfo>> = "cause",
        /// The name of the error's class or kind, shown as its title.
        pub cls_name: Option<String> = "cls_name",
        /// The error during whose handling this one arose.
        pub context: Option<Box<SerializableErrorInfo>> = "context",
        /// The message; Dagster ends it with a line break.
        pub message: String = "message",
        /// The frames of the stack, outermost first; empty where there is none.
        pub stack: Vec<String> = "stack",
    }
}

impl SerializableErrorInfo {
    /// An error of one message, without a stack.
    pub fn new(cls_name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            cause: None,
            cls_name: Some(cls_name.into()),
            context: None,
            message: message.into(),
            stack: Vec::new(),
            unknown: crate::serdes::UnknownFields::default(),
        }
    }

    /// The same error with a cause.
    #[must_use]
    pub fn caused_by(mut self, cause: Self) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// An error of Rust with the chain of its sources; `cls_name` is shown as its title. An error that a code server
    /// has told stays what it is, with its stacks.
    pub fn from_error(cls_name: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(CodeLocationError::UserCode(user)) = error.downcast_ref() {
            return user.info().clone();
        }
        let info = Self::new(cls_name, format!("{error}\n"));
        match error.source() {
            Some(source) => info.caused_by(Self::from_error("Error", source)),
            None => info,
        }
    }
}
