//! Environment variables, behind a trait so that tests can set their own.

use std::ffi::OsString;

/// A source of environment variables.
pub trait Environment {
    /// Returns the value of a variable, which may be empty; `None` if the variable is not set, or if its value is not
    /// UTF-8.
    fn get(&self, name: &str) -> Option<String>;

    /// Returns the value of a variable as the bytes that it has; `None` if the variable is not set. By default only
    /// texts are known.
    fn get_os(&self, name: &str) -> Option<OsString> {
        self.get(name).map(OsString::from)
    }
}

/// The environment variables of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        self.get_os(name)?.into_string().ok()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get_os(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}
