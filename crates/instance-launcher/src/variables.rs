//! The environment variables of the launcher's process, which configurations may refer to.

use std::sync::Arc;

#[cfg(feature = "kube")]
use instance_core::error::BoxError;

/// The environment variables of the process of a launcher.
#[derive(Clone)]
pub struct LauncherVariables(Arc<Find>);

/// Finds the value of a variable; `None` if it is not set.
type Find = dyn Fn(&str) -> Option<String> + Send + Sync;

impl LauncherVariables {
    /// Those that a function finds; `None` means that one is not set.
    pub fn new(find: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The value of a variable; `None` if it is not set.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    /// The name and the value of `KEY=VALUE`, or of `KEY`, whose value is that of this process.
    #[cfg(feature = "kube")]
    pub(crate) fn parse(&self, text: &str) -> Result<(String, String), BoxError> {
        if let Some((name, value)) = text.split_once('=') {
            return Ok((name.to_owned(), value.to_owned()));
        }
        let value = self.required(text)?;
        Ok((text.to_owned(), value))
    }

    /// The value of a variable that has to be set.
    #[cfg(feature = "kube")]
    pub(crate) fn required(&self, name: &str) -> Result<String, BoxError> {
        self.get(name).ok_or_else(|| {
            format!("Tried to load environment variable {name}, but it was not set").into()
        })
    }
}

/// No variables.
impl Default for LauncherVariables {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

/// Without the variables, as they may be secret.
impl std::fmt::Debug for LauncherVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LauncherVariables").finish_non_exhaustive()
    }
}
