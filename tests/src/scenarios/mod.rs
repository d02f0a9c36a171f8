//! Replaying recorded scenarios on our instance: the facade's methods, called with the arguments that the real
//! Dagster was called with.
//!
//! Not here: what the scenarios are, and the comparison (`tests/python/scenarios/`).

mod arguments;
mod assets;
mod code_location;
mod graph;
mod keepers;
mod launcher_double;
mod launching;
mod operations;
mod scheduling;
mod storage;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dagster_instance::assets::AssetGraph;
use dagster_instance::code_location::RemoteJob;
use dagster_instance::serdes::Opaque;
use dagster_instance::settings::EventBatching;
use dagster_instance::{IdSource, RandomIds, RunId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use arguments::Arguments;
use keepers::Keepers;

/// The job of a recorded document.
pub(crate) fn recorded_job(document: &Value) -> Result<RemoteJob> {
    code_location::job(document)
}

/// The asset graph of a recorded document.
pub(crate) fn recorded_graph(document: &Value) -> Result<Arc<dyn AssetGraph>> {
    graph::graph(Arguments(document))
}

/// What a replay returns.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Replays the scenarios of a document; returns the result of each step.
///
/// # Errors
///
/// The document is none, or an instance cannot be opened. What a step fails with is its result.
///
/// The instance is left as by a process that goes away without a word: events that wait for others are not stored.
pub fn replay(document: &str) -> Result<Vec<Value>> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(play(document))
}

async fn play(document: &str) -> Result<Vec<Value>> {
    let exact: Exact<'_> = serde_json::from_str(document)?;
    let document: Value = serde_json::from_str(document)?;
    let arguments = Arguments(&document);
    let instance = launching::builder(arguments.text("home")?, &document["settings"])?
        .ids(Counted::default())
        .event_batching(
            EventBatching::of_size(arguments.number("event_batch_size")?)
                // What Dagster would never store is not stored here while it is compared.
                .with_max_delay(Duration::from_hours(1)),
        )
        .open()
        .await?;
    instance.create_storages().await?;
    let (mut keepers, mut results) = (Keepers::default(), Vec::new());
    for (scenario, exact) in arguments.list("scenarios")?.iter().zip(exact.scenarios) {
        let steps = Arguments(scenario).list("steps")?.iter().zip(exact.steps);
        for (number, (step, exact)) in steps.enumerate() {
            let run_config = exact.args.run_config.map(|text| Opaque::from_json_text(text.get()));
            let playing = operations::play(&instance, &mut keepers, step, run_config.transpose()?);
            let outcome = Box::pin(playing).await;
            let (key, value) = match outcome {
                Ok(value) => ("ok", value),
                Err(error) => ("error", Value::from(chain(&*error))),
            };
            results.push(json!({"scenario": scenario["name"], "step": number, key: value}));
        }
    }
    Ok(results)
}

/// What of a document cannot go through a tree of JSON, as its numbers may be of any size.
#[derive(Deserialize)]
struct Exact<'d> {
    #[serde(borrow)]
    scenarios: Vec<ExactScenario<'d>>,
}

#[derive(Deserialize)]
struct ExactScenario<'d> {
    #[serde(borrow)]
    steps: Vec<ExactStep<'d>>,
}

#[derive(Deserialize)]
struct ExactStep<'d> {
    #[serde(borrow)]
    args: ExactArguments<'d>,
}

#[derive(Deserialize)]
struct ExactArguments<'d> {
    #[serde(borrow, default)]
    run_config: Option<&'d RawValue>,
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Ids of runs in the order in which they are asked for; the first has the number 1.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl IdSource for Counted {
    fn uuid(&self) -> uuid::Uuid {
        RandomIds.uuid()
    }

    fn run_id(&self) -> RunId {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        RunId::from(format!("00000000-0000-4000-8000-{number:012}"))
    }
}
