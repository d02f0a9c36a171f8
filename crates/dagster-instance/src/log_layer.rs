//! The layer of `tracing` for the logs of the runs of an instance.

use std::sync::Arc;

use instance_events::run_log_layer::{RunLogLayer, RunLogs};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Makes a layer of `tracing-subscriber` that stores log events of this program as lines of the logs of runs, and
    /// the handle to the lines that it captures; see [`instance_events::run_log_layer`].
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
    /// let (layer, logs) = instance.run_log_layer();
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
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn run_log_layer(&self) -> (RunLogLayer, RunLogs) {
        RunLogLayer::new(Arc::new(self.clone()))
    }
}
