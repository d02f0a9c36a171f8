//! Classes of Python that `dagster.yaml` names.

use serde_json::{Map, Value};

/// A class of Python with its configuration, as `dagster.yaml` names it.
///
/// The configuration may hold passwords, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassSettings {
    /// The module, by the name that it has in Dagster today: `dagster._core.launcher`, not `dagster.core.launcher`.
    pub module: String,
    /// The name of the class within the module.
    pub class: String,
    /// The configuration as it is written, with references to environment variables.
    pub config: Map<String, Value>,
}

impl ClassSettings {
    /// A class without configuration.
    pub fn new(module: impl Into<String>, class: impl Into<String>) -> Self {
        Self { module: module.into(), class: class.into(), config: Map::new() }
    }
}

crate::setters! {
    impl ClassSettings {
        /// The configuration as it is written, with references to environment variables.
        with_config(config: Map<String, Value>);
    }
}

/// The path by which Python imports the class.
impl std::fmt::Display for ClassSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.module, self.class)
    }
}

impl std::fmt::Debug for ClassSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClassSettings")
            .field("module", &self.module)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}
