//! `queue list`: the queued runs in the order in which they will be taken.

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use dagster_instance::RunId;
use dagster_instance::queue::{QueueDecision, QueuedRun, WaitReason};

use super::queue_words;
use crate::args::QueueList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &QueueList) -> Result<()> {
    let instance = open::existing(place).await?;
    let queue = instance.get_run_queue().await?;
    let keeper = instance.get_queue_keeper().await?;
    let decision = queue.decide();
    let runs: HashMap<_, _> = queue.queued.iter().map(|run| (&run.run_id, run)).collect();
    let entries = entries(&decision, &runs);
    let shown = entries.iter().take(args.limit.unwrap_or(usize::MAX));
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        for entry in shown {
            writeln!(out, "{}", json::queued_run(entry, queue.now))?;
        }
        out.flush()?;
        return Ok(());
    }
    let rows: Vec<_> = shown.map(|entry| row(entry, queue.now)).collect();
    let heading = &["PLACE", "PRIORITY", "RUN", "JOB", "WAITS", "FOR"];
    print::Table::new(heading).rows(&mut out, &rows)?;
    let (left, launched) = (entries.len() - rows.len(), decision.launch.len());
    if left > 0 {
        writeln!(out, "and {}", print::counted(left as u64, "run"))?;
    }
    writeln!(
        out,
        "\n{} in the queue, {launched} of which {} taken next; {} in progress.",
        print::counted(entries.len() as u64, "run"),
        if launched == 1 { "is" } else { "are" },
        print::counted(queue.in_progress.len() as u64, "run")
    )?;
    writeln!(out, "{}", queue_words::keeper(keeper.as_ref()))?;
    out.flush()?;
    Ok(())
}

/// A run in the queue.
pub(crate) struct Entry<'a> {
    pub(crate) position: usize,
    pub(crate) run_id: &'a RunId,
    /// `None` if it cannot be read.
    pub(crate) run: Option<&'a QueuedRun>,
    /// `None` if it is taken next.
    pub(crate) reason: Option<&'a WaitReason>,
}

/// The runs in the order of the queue. A place that no run that waits has is that of one that is taken next.
fn entries<'a>(
    decision: &'a QueueDecision,
    runs: &HashMap<&'a RunId, &'a QueuedRun>,
) -> Vec<Entry<'a>> {
    let mut waiting = decision.waiting.iter().peekable();
    let mut taken = decision.launch.iter();
    let places = 1..=decision.waiting.len() + decision.launch.len();
    let entry = |position: usize| {
        let (run_id, reason) = match waiting.next_if(|run| run.position == position) {
            Some(run) => (&run.run_id, Some(&run.reason)),
            None => (taken.next()?, None),
        };
        Some(Entry { position, run_id, run: runs.get(run_id).copied(), reason })
    };
    places.map_while(entry).collect()
}

fn row(entry: &Entry<'_>, now: f64) -> Vec<String> {
    let of_run = |show: &dyn Fn(&QueuedRun) -> String| entry.run.map_or("-".to_owned(), show);
    vec![
        entry.position.to_string(),
        of_run(&|run| run.priority.to_string()),
        text::value(entry.run_id.as_str()),
        of_run(&|run| text::value(&run.job_name)),
        of_run(&|run| print::about(now - run.since)),
        entry.reason.map_or_else(
            || "nothing: taken next".to_owned(),
            |reason| queue_words::reason(reason, now),
        ),
    ]
}
