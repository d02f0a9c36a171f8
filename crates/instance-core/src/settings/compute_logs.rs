//! The section `compute_logs`: where the output of workers is captured.

use std::path::PathBuf;
use std::time::Duration;

use super::{ClassSettings, S3ComputeLogSettings};
use crate::config_problems::ConfigProblems;

/// Where the output of workers is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ComputeLogSettings {
    /// In files, as Dagster's `LocalComputeLogManager` does it.
    Local(LocalComputeLogSettings),
    /// In a bucket of S3, as Dagster's `S3ComputeLogManager` does it. Boxed, as it is much larger than the others.
    S3(Box<S3ComputeLogSettings>),
    /// Nowhere: it is not kept. Dagster's `NoOpComputeLogManager` does so.
    NoOp,
    /// The memory of this process.
    Memory,
    /// A store of the caller's own, which no file configures.
    Custom,
    /// Where a class says that this version does not have, such as `GCSComputeLogManager`.
    Other(ClassSettings),
    /// Its configuration is wrong. The instance opens, as in Dagster; whoever needs it gets this as an error.
    Unusable(ConfigProblems),
}

impl ComputeLogSettings {
    /// In files below this directory.
    pub fn local(base_dir: impl Into<PathBuf>) -> Self {
        Self::Local(LocalComputeLogSettings::new(base_dir))
    }

    /// In a bucket of S3.
    pub fn s3(settings: S3ComputeLogSettings) -> Self {
        Self::S3(Box::new(settings))
    }
}

/// Where it is, for people.
impl std::fmt::Display for ComputeLogSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(local) => write!(f, "{}", local.base_dir.display()),
            Self::S3(s3) => write!(f, "{s3}"),
            Self::NoOp => f.write_str("nowhere, as nothing is captured"),
            Self::Memory => f.write_str("the memory of this process"),
            Self::Custom => f.write_str("a store of the program's own"),
            Self::Other(class) => write!(f, "{class}, which this version does not have"),
            Self::Unusable(problems) => write!(f, "not usable: {problems}"),
        }
    }
}

/// Captured output in files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalComputeLogSettings {
    /// The directory, with a directory for each run.
    pub base_dir: PathBuf,
    /// After which time Dagster's web server looks at a file again that it follows. Dagster's default is 2.5
    /// seconds. We look when the file changes.
    pub polling_timeout: Duration,
}

impl LocalComputeLogSettings {
    /// Files below this directory.
    pub fn new(base_dir: impl Into<PathBuf>) -> Self {
        Self { base_dir: base_dir.into(), polling_timeout: Duration::from_millis(2_500) }
    }
}

crate::setters! {
    impl LocalComputeLogSettings {
        /// After which time Dagster's web server looks at a file again that it follows.
        with_polling_timeout(polling_timeout: Duration);
    }
}
