//! The conformance suite of the core on Postgres: in a database that compares texts by their bytes, as the
//! servers of tests do, and in one that compares them as people do, as most others do.

use std::sync::{Arc, Mutex};

use instance_core::clock::SystemClock;
use instance_core::storage::{
    EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, SeparateStores,
};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::postgres::server;

/// Runs statements, each by itself, in the database of a URL.
pub(crate) async fn sql(url: &str, statements: &[&str]) {
    let mut connection = PgConnection::connect(url).await.expect("a connection to the server");
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe((*statement).to_owned()))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    connection.close().await.expect("closed");
}

/// Notes what the tables of a fresh database hold.
const NOTE: &str = "CREATE SCHEMA fresh; \
     DO $$ DECLARE name text; BEGIN \
     FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
     EXECUTE format('CREATE TABLE fresh.%1$I AS TABLE public.%1$I', name); \
     END LOOP; END $$";

/// Brings that back, in the place of whatever a case has left. Tables that refer to others come first, and who
/// is still connected goes.
const RESTORE: &str = "DO $$ DECLARE name text; BEGIN \
     PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid(); \
     FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY NOT EXISTS \
     (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = tablename) LOOP \
     EXECUTE format('DELETE FROM public.%I', name); \
     EXECUTE format('INSERT INTO public.%1$I SELECT * FROM fresh.%1$I', name); \
     END LOOP; END $$";

/// A kind of databases. Creating one takes as long as a dozen cases, so that they are used again; there are as
/// many as cases at once, and they stay when the tests end, for the next time.
pub(crate) struct Kind {
    name: &'static str,
    options: &'static str,
    databases: Mutex<Databases>,
}

struct Databases {
    count: u32,
    unused: Vec<String>,
}

impl Kind {
    pub(crate) const fn new(name: &'static str, options: &'static str) -> Self {
        let databases = Databases { count: 0, unused: Vec::new() };
        Self { name, options, databases: Mutex::new(databases) }
    }

    pub(crate) async fn storages(&'static self) -> Made {
        let (url, is_new) = {
            let mut databases = self.databases.lock().expect("no case panics here");
            if let Some(url) = databases.unused.pop() {
                (url, false)
            } else {
                databases.count += 1;
                let server = server();
                let (before, _) = server.rsplit_once('/').expect("a URL with a database");
                let name = format!("it_conformance_{}_{}", self.name, databases.count);
                (format!("{before}/{name}"), true)
            }
        };
        if is_new {
            let (_, name) = url.rsplit_once('/').expect("a URL with a database");
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            sql(&server(), &[&drop, &format!("CREATE DATABASE {name} {}", self.options)]).await;
        } else {
            sql(&url, &[RESTORE]).await;
        }
        let mut config = PostgresConfig::from_url(&url).expect("a URL");
        // Enough for cases about callers of the same moment.
        config.max_connections = 4;
        let context = StorageContext::default();
        let storages = Storages::open_postgres(&config, context);
        if is_new {
            storages.create().await.expect("created");
            sql(&url, &[NOTE]).await;
        }
        Made {
            runs: storages.run_storage(),
            events: storages.event_log_storage(),
            schedules: storages.schedule_storage(),
            run_events: storages.run_event_store(),
            kind: self,
            url,
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Ok(mut databases) = self.kind.databases.lock() {
            databases.unused.push(std::mem::take(&mut self.url));
        }
    }
}

/// Storages in a database that nobody else uses meanwhile.
pub(crate) struct Made {
    runs: Arc<dyn RunStorage>,
    pub(crate) events: Arc<dyn EventLogStorage>,
    schedules: Arc<dyn ScheduleStorage>,
    run_events: Arc<dyn RunEventStore>,
    kind: &'static Kind,
    pub(crate) url: String,
}

impl Made {
    /// The same, as if nothing knew that one database holds both stores.
    fn separate(mut self) -> Self {
        let (runs, events) = (Arc::clone(&self.runs), Arc::clone(&self.events));
        self.run_events = Arc::new(SeparateStores::new(runs, events, Arc::new(SystemClock)));
        self
    }
}

impl AsRef<dyn RunStorage> for Made {
    fn as_ref(&self) -> &dyn RunStorage {
        &*self.runs
    }
}

impl AsRef<dyn EventLogStorage> for Made {
    fn as_ref(&self) -> &dyn EventLogStorage {
        &*self.events
    }
}

impl AsRef<dyn ScheduleStorage> for Made {
    fn as_ref(&self) -> &dyn ScheduleStorage {
        &*self.schedules
    }
}

impl AsRef<dyn RunEventStore> for Made {
    fn as_ref(&self) -> &dyn RunEventStore {
        &*self.run_events
    }
}

mod bytes {
    use super::{Kind, Made};

    static KIND: Kind = Kind::new("bytes", "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");

    async fn storages() -> Made {
        KIND.storages().await
    }

    instance_core::storage_tests!(storages);

    mod separate {
        use super::Made;

        async fn storages() -> Made {
            super::storages().await.separate()
        }

        instance_core::run_event_store_tests!(storages);
    }
}

mod language {
    use super::{Kind, Made};

    static KIND: Kind = Kind::new(
        "language",
        "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
    );

    async fn storages() -> Made {
        KIND.storages().await
    }

    instance_core::storage_tests!(storages);

    mod separate {
        use super::Made;

        async fn storages() -> Made {
            super::storages().await.separate()
        }

        instance_core::run_event_store_tests!(storages);
    }
}
