//! What is measured: looks that launch, by both sides in turn.

use std::time::Duration;

use dagster_instance_tests::speed::{Dagster, Report, median};
use serde_json::{Value, json};

use crate::places::{Counts, Place};
use crate::{Bench, Result};

/// After so long, the sessions that have ended have told the server what they did.
const UNTIL_COUNTED: Duration = Duration::from_secs(1);

/// How runs are launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Theirs { has_threads: bool },
    Ours { workers: usize, is_stub: bool },
}

const WAYS: [Way; 6] = [
    Way::Theirs { has_threads: false },
    Way::Theirs { has_threads: true },
    Way::Ours { workers: 1, is_stub: false },
    Way::Ours { workers: 8, is_stub: false },
    Way::Ours { workers: 1, is_stub: true },
    Way::Ours { workers: 8, is_stub: true },
];

impl Way {
    fn name(self) -> String {
        match self {
            Self::Theirs { has_threads: false } => "Dagster, one by one".to_owned(),
            Self::Theirs { has_threads: true } => "Dagster, 8 threads".to_owned(),
            Self::Ours { workers, is_stub } => {
                let workers =
                    if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") };
                let server = if is_stub { ", the stub" } else { "" };
                format!("ours, {workers}{server}")
            }
        }
    }

    fn place(self, bench: &Bench) -> &Place {
        match self {
            Self::Theirs { has_threads: false } => &bench.places.theirs,
            Self::Theirs { has_threads: true } => &bench.places.theirs_with_threads,
            Self::Ours { .. } => &bench.places.ours,
        }
    }
}

/// What came of it, round by round.
#[derive(Debug, Default)]
struct Launched {
    /// Launches a second.
    rates: Vec<f64>,
    /// For each launch.
    statements: Vec<f64>,
    transactions: Vec<f64>,
    connections: Vec<f64>,
}

/// Measures all ways in turn, round by round.
pub(crate) async fn all(report: &mut Report, bench: &Bench, at: &str) -> Result<()> {
    let mut all: Vec<(Way, Launched)> = WAYS.map(|way| (way, Launched::default())).into();
    for _ in 0..report.rounds {
        for (way, launched) in &mut all {
            launch(bench, *way, launched).await?;
        }
    }
    report.table(
        &format!("Launches, {at}"),
        &[
            "by",
            "launches a second",
            "spread",
            "beside Dagster, one by one",
            "statements for each",
            "transactions",
            "connections",
        ],
    );
    let one_by_one = all.first().map_or(f64::NAN, |(_, launched)| median(&launched.rates));
    for (way, launched) in &all {
        let rate = median(&launched.rates);
        let least = launched.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = launched.rates.iter().copied().fold(0.0, f64::max);
        report.row(&[
            way.name(),
            format!("{rate:.1}"),
            format!("{least:.1} .. {most:.1}"),
            format!("{:.1}", rate / one_by_one),
            shown(&launched.statements),
            shown(&launched.transactions),
            shown(&launched.connections),
        ]);
    }
    Ok(())
}

async fn launch(bench: &Bench, way: Way, launched: &mut Launched) -> Result<()> {
    let place = way.place(bench);
    let (runs, launched_by) = match way {
        Way::Theirs { .. } => (bench.size.theirs, bench.server.port),
        Way::Ours { is_stub: false, .. } => (bench.size.ours, bench.server.port),
        Way::Ours { is_stub: true, .. } => (bench.size.ours, bench.stub.port),
    };
    fill(bench, place, runs, launched_by)?;
    bench.stub.started();
    let database = place.database;
    let (seconds, before) = match way {
        Way::Theirs { .. } => {
            let mut dagster = Dagster::start(&bench.python, &bench.script)?;
            dagster.answer(&bench.task("open", place))?;
            tokio::time::sleep(UNTIL_COUNTED).await;
            let before = bench.places.counts(database).await?;
            (dagster.answer(&bench.task("dequeue", place))?, before)
        }
        Way::Ours { workers, .. } => {
            let before = bench.places.counts(database).await?;
            let mut ours = Dagster::start(&bench.own, "ours")?;
            ours.answer(&bench.task("open", place))?;
            let mut task = bench.task("launch", place);
            task["workers"] = json!(workers);
            (ours.answer(&task)?, before)
        }
    };
    let seconds = seconds["seconds"].as_f64().ok_or_else(|| format!("no time in {seconds}"))?;
    tokio::time::sleep(UNTIL_COUNTED).await;
    let after = bench.places.counts(database).await?;
    let ended = bench.places.end_launched(database).await?;
    if ended != u64::try_from(runs)? {
        return Err(format!("{}: {ended} of {runs} runs were launched", way.name()).into());
    }
    if matches!(way, Way::Ours { is_stub: true, .. }) {
        let started = bench.stub.started();
        if started != ended {
            return Err(format!("{}: {started} workers of {ended} runs", way.name()).into());
        }
    }
    launched.add(runs, seconds, before, after);
    Ok(())
}

/// Puts runs into the queue of a place, whose workers this server is asked to start.
pub(crate) fn fill(bench: &Bench, place: &Place, runs: usize, launched_by: u16) -> Result<()> {
    let mut task = bench.task("fill", place);
    task["count"] = json!(runs);
    task["port"] = json!(bench.server.port);
    task["launched_by"] = json!(launched_by);
    Dagster::start(&bench.own, "ours")?.answer(&task).map(drop)
}

impl Bench {
    /// A task for a place.
    pub(crate) fn task(&self, name: &str, place: &Place) -> Value {
        json!({"task": name, "home": place.home, "workspace": self.places.workspace})
    }
}

impl Launched {
    fn add(&mut self, runs: usize, seconds: f64, before: Counts, after: Counts) {
        #[expect(clippy::cast_precision_loss, reason = "they are some thousands")]
        let runs = runs as f64;
        self.rates.push(runs / seconds);
        let statements = before.statements.zip(after.statements);
        self.statements.extend(statements.map(|(before, after)| (after - before) / runs));
        self.transactions.push((after.transactions - before.transactions) / runs);
        self.connections.push((after.connections - before.connections) / runs);
    }
}

fn shown(values: &[f64]) -> String {
    let middle = median(values);
    if middle.is_nan() { "-".to_owned() } else { format!("{middle:.1}") }
}
