//! What is measured: decisions about many runs that wait, and the memory of whoever decides again and again.

use dagster_instance_tests::speed::{Dagster, Report, median, show};
use serde_json::{Value, json};

use crate::launches::fill;
use crate::{Bench, Result};

/// How often the decision alone is made.
const DECISIONS: usize = 50;
/// How many processes look with nothing in memory.
const COLD: usize = 3;
/// How many looks follow one another with nothing new.
const WARM: usize = 20;
/// How many runs leave the queue, and come into it, before each look.
const EXCHANGED: i64 = 100;

/// Measures with one queue.
pub(crate) async fn all(report: &mut Report, bench: &Bench) -> Result<()> {
    let (waiting, unlimited) = (&bench.places.waiting, &bench.places.waiting_unlimited);
    let queued = bench.size.queued;
    fill(bench, waiting, queued, bench.server.port)?;
    report.table(
        &format!("Decisions, {queued} runs wait"),
        &["what", "time", "of a processor", "memory", "runs chosen"],
    );
    let mut theirs = Dagster::start(&bench.python, &bench.script)?;
    theirs.answer(&bench.task("open", unlimited))?;
    let look = theirs.answer(&bench.task("decide", unlimited))?;
    drop(theirs);
    let chosen = look["count"].to_string();
    report.row(&[
        "Dagster, a look".to_owned(),
        show(number(&look, "seconds")?),
        show(number(&look, "cpu")?),
        mebibytes(number(&look, "rss")?),
        chosen,
    ]);

    let mut task = bench.task("decide", unlimited);
    task["times"] = json!(DECISIONS);
    let decided = Dagster::start(&bench.own, "ours")?.answer(&task)?;
    report.row(&[
        "ours, `decide` alone".to_owned(),
        show(median(&numbers(&decided, "seconds")?)),
        show(median(&numbers(&decided, "cpu")?)),
        "-".to_owned(),
        decided["count"].to_string(),
    ]);

    let (mut cold, mut warm, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..COLD {
        let mut ours = Dagster::start(&bench.own, "ours")?;
        ours.answer(&bench.task("open", waiting))?;
        let first = ours.answer(&bench.task("look", waiting))?;
        cold.push(number(&first, "seconds")?);
        memory.push(number(&first, "rss")?);
        for _ in 0..WARM {
            warm.push(number(&ours.answer(&bench.task("look", waiting))?, "seconds")?);
        }
    }
    let row = |name: &str, seconds: &[f64], memory: String| {
        [name.to_owned(), show(median(seconds)), "-".to_owned(), memory, "0".to_owned()]
    };
    report.row(&row("ours, a look with nothing in memory", &cold, mebibytes(median(&memory))));
    report.row(&row("ours, a look where nothing is new", &warm, "-".to_owned()));

    let mut ours = Dagster::start(&bench.own, "ours")?;
    ours.answer(&bench.task("open", waiting))?;
    let first = ours.answer(&bench.task("look", waiting))?;
    let (mut connection, mut seconds, mut last) = (None, Vec::new(), first.clone());
    for _ in 0..bench.size.looks {
        bench.places.exchange(&mut connection, EXCHANGED).await?;
        last = ours.answer(&bench.task("look", waiting))?;
        seconds.push(number(&last, "seconds")?);
    }
    let (first, last) = (number(&first, "rss")?, number(&last, "rss")?);
    let memory =
        format!("{} after the first, {} after the last", mebibytes(first), mebibytes(last));
    let name =
        format!("ours, {} looks, before each {EXCHANGED} runs leave and come", seconds.len());
    report.row(&row(&name, &seconds, memory));
    Ok(())
}

fn number(answer: &Value, name: &str) -> Result<f64> {
    answer[name].as_f64().ok_or_else(|| format!("no {name} in {answer}").into())
}

fn numbers(answer: &Value, name: &str) -> Result<Vec<f64>> {
    Ok(serde_json::from_value(answer[name].clone())?)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1_048_576.0)
}
