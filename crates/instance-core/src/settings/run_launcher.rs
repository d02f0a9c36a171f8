//! The section `run_launcher`: what starts the workers of runs.

use super::{ClassSettings, KubernetesSettings};
use crate::config_problems::ConfigProblems;

/// What starts the workers of runs, unless the program has a launcher of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunLauncherSettings {
    /// Dagster's `DefaultRunLauncher`, which starts them on the server of the code.
    #[default]
    Default,
    /// Dagster's `SyncInMemoryRunLauncher`, which executes them in its own process, for tests.
    SyncInMemory,
    /// Dagster's `K8sRunLauncher`, which starts them as Jobs of Kubernetes.
    Kubernetes(Box<KubernetesSettings>),
    /// A class that this version does not have, such as `DockerRunLauncher`.
    Other(ClassSettings),
    /// Its configuration is wrong. The instance opens, as in Dagster; whoever needs it gets this as an error.
    Unusable(ConfigProblems),
}

impl RunLauncherSettings {
    /// Whether it can start another worker for a run whose worker is gone; `None` if only the class knows.
    pub const fn supports_resume_run(&self) -> Option<bool> {
        match self {
            Self::Default | Self::SyncInMemory => Some(false),
            Self::Kubernetes(_) => Some(true),
            Self::Other(_) | Self::Unusable(_) => None,
        }
    }
}
