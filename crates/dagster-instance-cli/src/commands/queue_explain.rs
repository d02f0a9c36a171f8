//! `queue explain`: why one run waits in the queue.

use std::io::{BufWriter, Write};

use dagster_instance::queue::{Check, Explanation, QueueKeeper, RunQueue};
use dagster_instance::run::{DagsterRunStatus, RunRecord};

use super::queue_words::{self, Holders};
use crate::args::QueueExplain;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &QueueExplain) -> Result<()> {
    let instance = open::existing(place).await?;
    let record = instance.find_run(&args.id).await?;
    let run = &record.dagster_run;
    let queue = instance.get_run_queue().await?;
    let Some(explanation) = queue.explain(&run.run_id) else {
        let status = match run.status {
            DagsterRunStatus::Queued => "was just taken from the queue".to_owned(),
            status => format!("is {status}"),
        };
        let run_id = text::value(run.run_id.as_str());
        return Err(format!("run {run_id} is not in the queue: it {status}").into());
    };
    let keeper = instance.get_queue_keeper().await?;
    let told = Told { record: &record, queue: &queue, explanation: &explanation, keeper };
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::queue_explanation(&told))?;
    } else {
        tell(&mut out, &told)?;
    }
    out.flush()?;
    Ok(())
}

/// What is told of a run.
pub(crate) struct Told<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) queue: &'a RunQueue,
    pub(crate) explanation: &'a Explanation,
    pub(crate) keeper: Option<QueueKeeper>,
}

impl Told<'_> {
    /// The priority of the run, and since when it waits. `None` if it cannot be read.
    pub(crate) fn priority_and_since(&self) -> Option<(i64, f64)> {
        let run_id = &self.record.dagster_run.run_id;
        let run = self.queue.queued.iter().find(|run| run.run_id == *run_id)?;
        Some((run.priority, run.since))
    }
}

fn tell(out: &mut impl Write, told: &Told<'_>) -> std::io::Result<()> {
    let Told { record, queue, explanation, keeper } = told;
    let run = &record.dagster_run;
    let (priority, since) = told.priority_and_since().unwrap_or((0, queue.now));
    let Explanation { position, queued, taken_next, ahead, waits_for, passes, .. } = explanation;
    writeln!(
        out,
        "Run {} of job {} waits for {}. It is number {position} of {queued} in the queue; its priority is {priority}.",
        text::value(run.run_id.as_str()),
        text::value(&run.job_name),
        print::about(queue.now - since)
    )?;
    let holders = Holders::new(queue);
    let rows = |checks: &[Check]| -> Vec<Vec<String>> {
        checks.iter().map(|check| row(check, &holders, queue.now)).collect()
    };
    if *taken_next {
        writeln!(out, "It waits for nothing: it is taken next.")?;
    }
    if !waits_for.is_empty() {
        writeln!(out, "It waits for")?;
        print::indented(out, &rows(waits_for))?;
    }
    if !passes.is_empty() {
        writeln!(out, "{}", if *taken_next { "It passes" } else { "It would pass" })?;
        print::indented(out, &rows(passes))?;
    }
    let (waiting, launched) = (ahead.waiting, ahead.launched_now);
    match (waiting + launched, launched) {
        (0, _) => writeln!(out, "Ahead of it: no run.")?,
        (runs, 0) => {
            writeln!(out, "Ahead of it: {}, which wait.", print::counted(runs as u64, "run"))?;
        }
        (runs, launched) => {
            let runs = print::counted(runs as u64, "run");
            let verb = if launched == 1 { "is" } else { "are" };
            writeln!(out, "Ahead of it: {runs}, {launched} of which {verb} taken next.")?;
        }
    }
    writeln!(out, "{}", queue_words::keeper(keeper.as_ref()))
}

fn row(check: &Check, holders: &Holders<'_>, now: f64) -> Vec<String> {
    let (kind, name, figures) = queue_words::parts(&check.limit, now);
    let held_by = holders.list(&check.held_by, check.more);
    let held_by = if held_by.is_empty() { held_by } else { format!(": {held_by}") };
    vec![kind.to_owned(), name, format!("{figures}{held_by}")]
}
