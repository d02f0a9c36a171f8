//! The layer of `tracing` for the logs of the runs of an instance.

use std::sync::Arc;

use instance_core::error::InstanceError;
use instance_events::run_log_layer::{RunLogLayer, RunLogOptions, RunLogs};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Makes a layer of `tracing-subscriber` that stores log events of this program as lines of the logs of runs, and
    /// the handle to the lines that it captures; see [`instance_events::run_log_layer`]. `python_logs` of `dagster.yaml`
    /// says whose lines are captured, and from which level on.
    ///
    /// # Examples
    ///
    /// ```
    /// use dagster_instance::run_log_layer::{run_span, step_span};
    /// use dagster_instance::{CreateRun, DagsterInstance, Only};
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::layer::{Layer, SubscriberExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// let instance = DagsterInstance::builder().home(home.path()).open().await?;
    /// let (layer, logs) = instance.run_log_layer()?;
    /// let subscriber = tracing_subscriber::registry()
    ///     .with(layer)
    ///     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN));
    /// // For one thread; a program does it for all, with `set_global_default`.
    /// let _guard = tracing::subscriber::set_default(subscriber);
    ///
    /// let run = instance.create_run(CreateRun::new("etl")).await?;
    /// run_span(&run).in_scope(|| {
    ///     tracing::info!(tables = 2, "loading");
    ///     step_span(&run, "load").in_scope(|| tracing::warn!("empty table"));
    /// });
    /// // Before the program ends.
    /// logs.close().await?;
    ///
    /// let lines = instance.all_logs(&run.run_id, &Only::Any).await?;
    /// assert_eq!(lines[0].user_message, "loading tables=2");
    /// assert_eq!(lines[1].step_key(), Some("load"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the level in `python_logs` is none of Dagster's.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn run_log_layer(&self) -> Result<(RunLogLayer, RunLogs), InstanceError> {
        let options =
            RunLogOptions::default().with_python_logs(&self.inner.settings.python_logs)?;
        Ok(options.start(Arc::new(self.clone())))
    }
}
