//! Listens on a channel of the server, by a connection of its own beside the pool.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::task::JoinHandle;

use super::PostgresDatabase;
use super::contact::{self, Between};

/// How long to wait before a connection that was lost is replaced.
const PAUSE: Duration = Duration::from_secs(1);

/// How listening ended.
enum Listened {
    /// The connection was lost.
    ForAWhile,
    /// Nobody can listen here.
    Never,
}

impl PostgresDatabase {
    /// Calls `noticed` with the payload of each notice on a channel. Calls `begun` each time when listening begins.
    /// Runs until the task is aborted, or ends at once where a pooler stands between that passes on no notices.
    pub(crate) fn listen(
        &self,
        channel: &'static str,
        noticed: impl Fn(&str) + Send + Sync + 'static,
        begun: impl Fn() + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        let (database, config) = (self.name.clone(), self.config.clone());
        tokio::spawn(async move {
            loop {
                let lost = async {
                    let contact = contact::reach(&config, Instant::now() + config.acquire_timeout);
                    let contact = contact.await?;
                    if contact.between == Between::Transactions {
                        return Ok(Listened::Never);
                    }
                    let pool = PgPoolOptions::new()
                        .max_connections(1)
                        .acquire_timeout(config.acquire_timeout)
                        .connect_lazy_with(contact.connect.clone().disable_statement_logging());
                    let mut listener = PgListener::connect_with(&pool).await?;
                    // It would connect again by itself, by a token that may have ended, and would not say what was missed.
                    listener.eager_reconnect(false);
                    listener.listen(channel).await?;
                    begun();
                    while let Some(notice) = listener.try_recv().await? {
                        noticed(notice.payload());
                    }
                    Ok::<_, sqlx::Error>(Listened::ForAWhile)
                };
                match lost.await {
                    Ok(Listened::ForAWhile) => {}
                    Ok(Listened::Never) => {
                        tracing::debug!(%database, "a pooler gives no notices of new events; they are looked for");
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%database, %error, "no notices of new events; they are looked for instead");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
    }
}
