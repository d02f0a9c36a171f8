//! A home in a directory of its own, with time and ids held still, and raw access to its files.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::run::{DagsterRun, RunRecord, RunsFilter};
use instance_core::settings::StorageSettings;
use instance_core::storage::{EventLogStorage, Only, RunStorage, RunsPage, ScheduleStorage};
use instance_core::testing::clock::{ManualClock, SequentialIds};
use instance_core::{RunId, StorageError};
use instance_storage::{OpenMode, StorageContext, Storages};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The second at which the clock stands still.
pub(crate) const NOW: i64 = 1_700_000_000;

/// The time of the clock, plus a number of seconds.
pub(crate) fn later(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW + seconds, 0).unwrap_or_default()
}

/// The time of the clock as events carry it, plus a number of seconds.
pub(crate) fn stamp(seconds: u32) -> f64 {
    1_700_000_000.0 + f64::from(seconds)
}

/// An instance in a directory of its own, which goes with it.
pub(crate) struct Home {
    pub(crate) directory: TempDir,
    pub(crate) storages: Storages,
}

impl Home {
    pub(crate) async fn new() -> Result<Self, Box<dyn Error>> {
        let directory = TempDir::new()?;
        let storages = open(directory.path(), OpenMode::CreateIfMissing).await?;
        Ok(Self { directory, storages })
    }

    pub(crate) fn runs(&self) -> Arc<dyn RunStorage> {
        self.storages.run_storage()
    }

    pub(crate) fn events(&self) -> Arc<dyn EventLogStorage> {
        self.storages.event_log_storage()
    }

    pub(crate) fn schedules(&self) -> Arc<dyn ScheduleStorage> {
        self.storages.schedule_storage()
    }

    /// The file of the runs.
    pub(crate) fn runs_db(&self) -> PathBuf {
        self.directory.path().join("history/runs.db")
    }

    /// The file of the index, or of the events of one run.
    pub(crate) fn events_db(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("history/runs/{name}.db"))
    }

    /// The record of a run that has to be there.
    pub(crate) async fn record(&self, run_id: &str) -> Result<RunRecord, Box<dyn Error>> {
        let filter = RunsFilter::new().with_run_ids(Only::one(RunId::from(run_id)));
        let records = self.runs().get_run_records(&filter, &RunsPage::default()).await?;
        records.into_iter().next().ok_or_else(|| format!("no run {run_id}").into())
    }

    /// The files below the home, by path.
    pub(crate) fn files(&self) -> Vec<String> {
        files_below(self.directory.path())
    }
}

/// The storages of a directory.
pub(crate) async fn open(directory: &Path, mode: OpenMode) -> Result<Storages, StorageError> {
    let context = StorageContext::new()
        .with_clock(Arc::new(ManualClock::at(later(0))))
        .with_ids(Arc::new(SequentialIds::default()));
    Storages::open(&StorageSettings::sqlite_below(directory), mode, context).await
}

/// The paths of all files and directories below a directory, relative to it, ascending.
pub(crate) fn files_below(directory: &Path) -> Vec<String> {
    fn visit(base: &Path, directory: &Path, found: &mut Vec<String>) {
        for file in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = file.path();
            if let Ok(relative) = path.strip_prefix(base) {
                found.push(relative.display().to_string());
            }
            if path.is_dir() {
                visit(base, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    visit(directory, directory, &mut found);
    found.sort();
    found
}

/// A run of a job, with tags.
pub(crate) fn run(run_id: &str, job_name: &str, tags: &[(&str, &str)]) -> DagsterRun {
    DagsterRun {
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..DagsterRun::new(RunId::from(run_id), job_name)
    }
}

/// An event of a run without data, some seconds after the time of the clock.
pub(crate) fn event(run_id: &str, event_type: DagsterEventType, seconds: u32) -> EventLogEntry {
    entry(run_id, DagsterEvent::new(event_type, "j"), seconds)
}

/// The entry of an event, some seconds after the time of the clock.
pub(crate) fn entry(run_id: &str, event: DagsterEvent, seconds: u32) -> EventLogEntry {
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, stamp(seconds))
}

/// A line of a run's log.
pub(crate) fn line(run_id: &str, text: &str, seconds: u32) -> EventLogEntry {
    EventLogEntry {
        dagster_event: None,
        user_message: text.to_owned(),
        ..event(run_id, DagsterEventType::EngineEvent, seconds)
    }
}

/// Runs a statement on a file, as another program might.
pub(crate) async fn execute(path: &Path, sql: &str) -> sqlx::Result<u64> {
    let mut connection =
        SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await?;
    let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
    connection.close().await?;
    Ok(done.rows_affected())
}

/// The rows of a query on a file, as another program sees them.
pub(crate) async fn query(path: &Path, sql: &str) -> sqlx::Result<Vec<SqliteRow>> {
    let mut connection =
        SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

/// The error with the errors behind it, as an operator sees it.
pub(crate) fn whole(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// In a child: the directory that was prepared for it.
const PREPARED: &str = "DAGSTER_INSTANCE_TEST_PREPARED";

/// In a child, the directory that was prepared for it. Otherwise `None`, when a child has passed the test
/// of this name (with its module): a shell runs `prepare` with a directory as `$1`, where it says `"$@"` the child.
#[expect(
    clippy::disallowed_methods,
    reason = "a test starts itself again, and finds in its environment that it was"
)]
pub(crate) fn prepared(
    name: &str,
    with_namespace: bool,
    prepare: &str,
) -> Result<Option<PathBuf>, Box<dyn Error>> {
    if let Some(directory) = std::env::var_os(PREPARED) {
        return Ok(Some(directory.into()));
    }
    let directory = TempDir::new()?;
    let mut command = if with_namespace {
        // As root, too, so that the same is tested wherever it runs.
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh"]);
        unshare
    } else {
        Command::new("sh")
    };
    command.args(["-euc", &format!("directory=$1; shift; {prepare}"), "sh"]);
    command.arg(directory.path()).arg(std::env::current_exe()?);
    command.args([name, "--exact", "--nocapture"]);
    command.env(PREPARED, directory.path()).stdin(Stdio::null());
    let output = command.output()?;
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if !output.status.success() {
        return Err(format!(
            "`{prepare}` failed; where unprivileged users may not have namespaces of their own, \
             this has to be run by root:\n{}",
            text.join("\n")
        )
        .into());
    }
    assert!(text[0].contains("1 passed"), "there is no test {name}: {}", text[0]);
    Ok(None)
}
