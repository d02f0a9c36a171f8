//! A round: a database, processes that write into it, and how long each event took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use dagster_instance_tests::delayed;
use dagster_instance_tests::speed::{median, show};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::Result;

/// Who writes.
pub(crate) enum Side {
    Ours,
    Dagster { python: String, script: String },
}

/// A server, and the way to it.
pub(crate) struct Place {
    /// Without the delay.
    url: String,
    /// Before the name of the database, with the delay.
    base: String,
}

impl Place {
    pub(crate) fn behind(url: &str, server: SocketAddr, delay: Duration) -> Result<Self> {
        let address = delayed(server, delay)?;
        let (scheme, rest) = url.split_once("://").ok_or("a URL without a scheme")?;
        let user = rest.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
        Ok(Self { url: url.to_owned(), base: format!("{scheme}://{user}{address}") })
    }

    /// Makes a database anew; returns its URL with the delay.
    async fn database(&self, name: &str) -> Result<String> {
        let mut connection = sqlx::PgConnection::connect(&self.url).await?;
        for sql in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name}"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        connection.close().await?;
        let (direct, _) = self.url.rsplit_once('/').ok_or("a URL without a database")?;
        // The tables are made by us for both sides, and are the same.
        let config = PostgresConfig::from_url(&format!("{direct}/{name}"))?;
        let storages = Storages::open_postgres(&config, StorageContext::default());
        storages.create().await?;
        storages.dispose().await;
        Ok(format!("{}/{name}", self.base))
    }
}

/// What is done in a round.
pub(crate) struct Work<'w> {
    pub(crate) kind: &'w str,
    pub(crate) processes: usize,
    pub(crate) seconds: f64,
    pub(crate) round: usize,
}

/// A process that writes.
struct Writer {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    fn start(side: &Side, url: &str, run_id: &str) -> Result<Self> {
        let mut command = match side {
            Side::Ours => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["writer", url, run_id]);
                command
            }
            Side::Dagster { python, script } => {
                let mut command = Command::new(python);
                command.args([script, url, run_id]);
                command
            }
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let tasks = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("the output is not piped")?);
        Ok(Self { child, tasks, answers })
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        // It ends with its input; an error here would hide the one that led here.
        let _ = self.child.wait();
    }
}

/// What was measured in a round.
pub(crate) struct Round {
    per_second: f64,
    median: f64,
    slowest: f64,
}

/// Does a round.
pub(crate) async fn measured(side: &Side, place: &Place, work: &Work<'_>) -> Result<Round> {
    let url = place.database(&format!("network_{}", work.round)).await?;
    let mut writers = (0..work.processes)
        .map(|number| Writer::start(side, &url, &format!("run-{number}")))
        .collect::<Result<Vec<_>>>()?;
    for writer in &mut writers {
        writer.answer()?;
    }
    let task = json!({ "kind": work.kind, "seconds": work.seconds });
    for writer in &mut writers {
        writeln!(writer.tasks.as_mut().ok_or("the input is closed")?, "{task}")?;
    }
    let mut times = Vec::new();
    for writer in &mut writers {
        let answer = writer.answer()?;
        let of_writer = answer["times"].as_array().ok_or("an answer without times")?;
        times.extend(of_writer.iter().filter_map(Value::as_f64));
    }
    times.sort_by(f64::total_cmp);
    Ok(Round {
        per_second: f64::from(u32::try_from(times.len())?) / work.seconds,
        median: times.get(times.len() / 2).copied().unwrap_or(f64::NAN),
        slowest: times.last().copied().unwrap_or(f64::NAN),
    })
}

/// The rounds of one side.
#[derive(Default)]
pub(crate) struct Told {
    per_second: Vec<f64>,
    medians: Vec<f64>,
    slowest: f64,
}

impl Told {
    pub(crate) fn add(&mut self, round: &Round) {
        self.per_second.push(round.per_second);
        self.medians.push(round.median);
        self.slowest = self.slowest.max(round.slowest);
    }
}

/// The row of a table.
pub(crate) fn row(kind: &str, processes: usize, theirs: &Told, ours: &Told) -> [String; 9] {
    let (their_rate, our_rate) = (median(&theirs.per_second), median(&ours.per_second));
    [
        kind.replace('_', " "),
        processes.to_string(),
        format!("{their_rate:.0}"),
        format!("{our_rate:.0}"),
        format!("{:.1}", our_rate / their_rate),
        show(median(&theirs.medians)),
        show(median(&ours.medians)),
        show(theirs.slowest),
        show(ours.slowest),
    ]
}
