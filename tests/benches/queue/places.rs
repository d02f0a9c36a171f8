//! The databases and the homes, and what Postgres counts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sqlx::{Connection, PgConnection};

use crate::Result;

/// Limits of tags: what runs have at most, and how many are in progress at most.
const LIMITED_TEAMS: usize = 10;
const UNKNOWN_KEYS: usize = 7;

/// A database with its homes, which differ in their settings.
#[derive(Debug)]
pub(crate) struct Place {
    /// The name of the database.
    pub(crate) database: &'static str,
    pub(crate) home: PathBuf,
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Places {
    url: String,
    /// The file that names the code locations to Dagster.
    pub(crate) workspace: PathBuf,
    pub(crate) ours: Place,
    pub(crate) theirs: Place,
    /// The same database, where Dagster launches with threads.
    pub(crate) theirs_with_threads: Place,
    /// Many runs wait, and none is launched.
    pub(crate) waiting: Place,
    /// The same database, where no number of runs is too great: Dagster decides nothing else.
    pub(crate) waiting_unlimited: Place,
}

/// What was done in a database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// `None` if the server does not count statements.
    pub(crate) statements: Option<f64>,
    pub(crate) transactions: f64,
    pub(crate) connections: f64,
}

impl Places {
    /// Makes the databases and the homes anew.
    pub(crate) async fn new(directory: &Path, url: &str, port: u16) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        // Only a server that was started with it has it.
        let counting = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        let _ = sqlx::query(counting).execute(&mut connection).await;
        for name in ["queue_ours", "queue_theirs", "queue_waiting"] {
            for sql in
                [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]
            {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
        }
        let workspace = directory.join("workspace.yaml");
        let mut text = "load_from:\n".to_owned();
        for name in ["a", "b"] {
            writeln!(
                text,
                "- grpc_server: {{host: localhost, port: {port}, location_name: {name}}}"
            )?;
        }
        std::fs::write(&workspace, text)?;
        let home = |name: &str, database: &'static str, settings: &Settings| {
            let home = directory.join(name);
            std::fs::create_dir_all(&home)?;
            let (server, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
            std::fs::write(
                home.join("dagster.yaml"),
                settings.to_yaml(&format!("{server}/{database}"))?,
            )?;
            Result::Ok(Place { database, home })
        };
        let launching = Settings { most_runs: -1, limit: 1_000_000, has_threads: false };
        let with_threads = Settings { has_threads: true, ..launching };
        let none = Settings { most_runs: 0, limit: 2, ..launching };
        let any_number = Settings { most_runs: -1, ..none };
        Ok(Self {
            ours: home("ours", "queue_ours", &launching)?,
            theirs: home("theirs", "queue_theirs", &launching)?,
            theirs_with_threads: home("theirs_with_threads", "queue_theirs", &with_threads)?,
            waiting: home("waiting", "queue_waiting", &none)?,
            waiting_unlimited: home("waiting_unlimited", "queue_waiting", &any_number)?,
            url: url.to_owned(),
            workspace,
        })
    }

    async fn connect(&self, database: &str) -> Result<PgConnection> {
        let (server, _) = self.url.rsplit_once('/').ok_or("the URL names no database")?;
        Ok(PgConnection::connect(&format!("{server}/{database}")).await?)
    }

    /// What was done in a database so far. A session tells it when it ends.
    pub(crate) async fn counts(&self, database: &str) -> Result<Counts> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let (transactions, connections) = sqlx::query_as::<_, (i64, i64)>(
            "SELECT xact_commit + xact_rollback, sessions FROM pg_stat_database WHERE datname = $1",
        )
        .bind(database)
        .fetch_one(&mut connection)
        .await?;
        let statements = sqlx::query_as::<_, (i64,)>(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements \
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)",
        )
        .bind(database)
        .fetch_one(&mut connection)
        .await;
        #[expect(clippy::cast_precision_loss, reason = "they are not so many")]
        let number = |count: i64| count as f64;
        Ok(Counts {
            statements: statements.ok().map(|(calls,)| number(calls)),
            transactions: number(transactions),
            connections: number(connections),
        })
    }

    /// Ends the runs that were launched; returns how many there were.
    pub(crate) async fn end_launched(&self, database: &str) -> Result<u64> {
        let mut connection = self.connect(database).await?;
        let ended = "UPDATE runs SET status = 'SUCCESS', update_timestamp = now() WHERE status = 'STARTING'";
        Ok(sqlx::query(ended).execute(&mut connection).await?.rows_affected())
    }

    /// The oldest runs leave the queue, and as many new ones come.
    pub(crate) async fn exchange(
        &self,
        connection: &mut Option<PgConnection>,
        count: i64,
    ) -> Result<()> {
        if connection.is_none() {
            *connection = Some(self.connect(self.waiting.database).await?);
        }
        let connection = connection.as_mut().ok_or("it was made just now")?;
        let leave = "UPDATE runs SET status = 'CANCELED', update_timestamp = now() WHERE id IN \
                     (SELECT id FROM runs WHERE status = 'QUEUED' ORDER BY id LIMIT $1)";
        let come = "INSERT INTO runs (run_id, snapshot_id, pipeline_name, status, run_body, create_timestamp, \
                    update_timestamp) \
                    SELECT new_id, snapshot_id, pipeline_name, 'QUEUED', replace(run_body, run_id, new_id), now(), now() \
                    FROM (SELECT *, gen_random_uuid()::text AS new_id FROM runs WHERE status = 'QUEUED' \
                          ORDER BY id DESC LIMIT $1) AS newest";
        for sql in [leave, come] {
            let done = sqlx::query(sql).bind(count).execute(&mut *connection).await?;
            if i64::try_from(done.rows_affected())? != count {
                return Err(
                    format!("{} runs, where {count} were meant", done.rows_affected()).into()
                );
            }
        }
        Ok(())
    }
}

/// What homes differ in.
#[derive(Debug, Clone, Copy)]
struct Settings {
    most_runs: i64,
    /// Of every tag.
    limit: i64,
    has_threads: bool,
}

impl Settings {
    /// 20 limits of tags: of single teams, of three keys, and of keys that no run has.
    fn to_yaml(self, url: &str) -> Result<String> {
        let Self { most_runs, limit, has_threads } = self;
        let mut limits = Vec::new();
        for team in 0..LIMITED_TEAMS {
            limits.push(format!("{{key: team, value: team_{team}, limit: {limit}}}"));
        }
        limits.push(format!("{{key: tier, limit: {limit}}}"));
        for key in ["region", "customer"] {
            let each = "{applyLimitPerUniqueValue: true}";
            limits.push(format!("{{key: {key}, value: {each}, limit: {limit}}}"));
        }
        for key in 0..UNKNOWN_KEYS {
            limits.push(format!("{{key: unknown_{key}, limit: {limit}}}"));
        }
        let mut text = format!(
            "telemetry: {{enabled: false}}\nstorage:\n  postgres:\n    postgres_url: {url}\n\
             concurrency:\n  runs:\n    max_concurrent_runs: {most_runs}\n    tag_concurrency_limits:\n"
        );
        for limit in limits {
            writeln!(text, "    - {limit}")?;
        }
        text += "run_coordinator:\n  module: dagster.core.run_coordinator\n  class: QueuedRunCoordinator\n";
        if has_threads {
            text += "  config: {dequeue_use_threads: true, dequeue_num_workers: 8}\n";
        }
        Ok(text)
    }
}
