//! Environment variables, behind a trait so that tests can set their own.

/// A source of environment variables.
pub trait Environment {
    /// Returns the value of a variable; `None` if the variable is not set, or if its value is empty.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment variables of this process. A variable whose value is not Unicode counts as not set.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}
