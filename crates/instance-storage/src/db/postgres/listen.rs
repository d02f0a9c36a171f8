//! Listens on a channel of the server, by a connection of its own beside the pool.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::task::JoinHandle;

use super::PostgresDatabase;

/// How long to wait before a connection that was lost is replaced.
const PAUSE: Duration = Duration::from_secs(1);

impl PostgresDatabase {
    /// Calls `noticed` with the payload of each notice on a channel. Calls `begun` each time when listening begins.
    /// Runs until the task is aborted.
    pub(crate) fn listen(
        &self,
        channel: &'static str,
        noticed: impl Fn(&str) + Send + Sync + 'static,
        begun: impl Fn() + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.config.acquire_timeout)
            .connect_lazy_with(self.config.connect.clone());
        let database = self.name.clone();
        tokio::spawn(async move {
            loop {
                let lost = async {
                    let mut listener = PgListener::connect_with(&pool).await?;
                    listener.listen(channel).await?;
                    begun();
                    // The listener would connect again by itself, and would not say what was missed.
                    while let Some(notice) = listener.try_recv().await? {
                        noticed(notice.payload());
                    }
                    Ok::<_, sqlx::Error>(())
                };
                if let Err(error) = lost.await {
                    tracing::warn!(%database, %error, "no notices of new events; they are looked for instead");
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
    }
}
