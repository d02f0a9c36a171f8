//! Which events become lines of which run, and what the lines say.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::event::{EventLogEntry, LogLevel};
use instance_core::ids::RunId;
use instance_core::serdes::UnknownFields;
use instance_core::settings::PythonLogSettings;
use instance_core::testing::instance::TestInstance;
use instance_events::add_event_listener;
use instance_events::run_log_layer::{
    RUN_SPAN_TARGET, RunLogLayer, RunLogOptions, run_span, step_span,
};
use tracing::subscriber::set_default;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::{Notes, capture, capture_all, run, stored_lines};
use crate::support::TestResult;

#[tokio::test]
async fn an_event_belongs_to_the_innermost_run_or_step() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    let (first, second) = (run("r1"), run("r2"));

    tracing::info!("outside");
    run_span(&first).in_scope(|| {
        tracing::info!("in the run");
        step_span(&first, "load").in_scope(|| {
            tracing::info!("in the step");
            // A span like those of our own functions, whose `run_id` says what the call is about.
            tracing::info_span!("other", run_id = "r9", job_name = "x").in_scope(|| {
                tracing::info!("in a span of the step");
                run_span(&second).in_scope(|| tracing::info!("in another run"));
                tracing::info!(parent: None, "out of all spans");
            });
            let run = run_span(&second);
            tracing::info!(parent: &run, "with a parent");
        });
        tracing::info!("after the step");
    });
    step_span(&second, "save").in_scope(|| tracing::info!("a step alone"));
    tracing::info_span!(target: RUN_SPAN_TARGET, "strange")
        .in_scope(|| tracing::info!("in a span without a run"));
    tracing::info!("outside again");

    logs.close().await?;
    let (of_second, of_first): (Vec<_>, Vec<_>) =
        stored_lines(&fake).into_iter().partition(|line| line.starts_with("r2"));
    assert_eq!(
        of_first,
        [
            "r1 - 20 in the run",
            "r1 load 20 in the step",
            "r1 load 20 in a span of the step",
            "r1 - 20 after the step",
        ]
    );
    assert_eq!(
        of_second,
        ["r2 - 20 in another run", "r2 - 20 with a parent", "r2 save 20 a step alone"]
    );
    Ok(())
}

#[tokio::test]
async fn a_line_is_stored_as_a_call_of_a_python_logger_is() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    step_span(&run("r1"), "load").in_scope(|| tracing::warn!("look"));
    logs.flush().await?;
    let expected = EventLogEntry {
        dagster_event: None,
        error_info: None,
        level: LogLevel::WARNING,
        stored_message: String::new(),
        job_name: Some("demo".to_owned()),
        run_id: RunId::from("r1"),
        step_key: Some("load".to_owned()),
        timestamp: 1_700_000_000.25,
        user_message: "look".to_owned(),
        unknown: UnknownFields::default(),
    };
    assert_eq!(fake.all_entries(), [expected]);
    Ok(())
}

#[tokio::test]
async fn levels_are_pythons() -> TestResult {
    for (minimum, expected) in [
        (None, &[40, 30, 20, 10][..]),
        (Some(LogLevel(0)), &[40, 30, 20, 10, 5]),
        (Some(LogLevel::WARNING), &[40, 30]),
    ] {
        let fake = Arc::new(TestInstance::default());
        let options = minimum.map_or_else(RunLogOptions::default, |level| {
            RunLogOptions::default().with_minimum_level(level)
        });
        let (_guard, logs) = capture(&fake, options);
        run_span(&run("r1")).in_scope(|| {
            tracing::error!("m");
            tracing::warn!("m");
            tracing::info!("m");
            tracing::debug!("m");
            tracing::trace!("m");
        });
        logs.close().await?;
        let levels: Vec<_> = fake.all_entries().iter().map(|entry| entry.level.0).collect();
        assert_eq!(levels, expected, "{minimum:?}");
    }
    Ok(())
}

#[tokio::test]
async fn python_logs_say_whose_lines_are_captured_and_from_which_level_on() -> TestResult {
    let logs = PythonLogSettings::new()
        .with_managed_python_loggers(vec!["etl.load".to_owned()])
        .with_python_log_level("warn".to_owned());
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture(&fake, RunLogOptions::default().with_python_logs(&logs)?);
    run_span(&run("r1")).in_scope(|| {
        tracing::warn!(target: "etl::load::rows", "below");
        tracing::error!(target: "dagster", "its own");
        tracing::info!(target: "etl::load", "too low");
        tracing::error!(target: "etl::store", "another");
        tracing::error!("of this test");
    });
    logs.close().await?;
    assert_eq!(stored_lines(&fake), ["r1 - 30 below", "r1 - 40 its own"]);

    let critical = PythonLogSettings::new().with_python_log_level("CRITICAL".to_owned());
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture(&fake, RunLogOptions::default().with_python_logs(&critical)?);
    run_span(&run("r1")).in_scope(|| tracing::error!("m"));
    logs.close().await?;
    assert_eq!(stored_lines(&fake), [""; 0]);

    let unknown = PythonLogSettings::new().with_python_log_level("LOUD".to_owned());
    let error = RunLogOptions::default().with_python_logs(&unknown).unwrap_err().to_string();
    assert!(error.contains("python_log_level") && error.contains("LOUD"), "{error}");
    Ok(())
}

#[derive(Debug)]
struct Failure(Option<Box<Self>>);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "outer" } else { "inner" })
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

/// A value whose own formatting is at fault.
#[derive(Clone, Copy)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

#[tokio::test]
async fn fields_follow_the_message() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    run_span(&run("r1")).in_scope(|| {
        tracing::info!(rows = 7, ok = true, share = 0.5, name = "a b", "loaded {}", "all");
        tracing::info!(shown = %"x y", debugged = ?Some("x"), r#type = 1, log.kind = "z", "m");
        tracing::info!(only = 1, fields = -2);
        tracing::info!("it says \"no\"\nand {{ends}}");
        let error = Failure(Some(Box::new(Failure(None))));
        tracing::info!(error = &error as &dyn Error, "failed");
        tracing::info!(bad = %Unspeakable, good = 1, "broken");
    });
    logs.close().await?;
    let messages: Vec<_> =
        fake.all_entries().iter().map(|entry| entry.user_message.clone()).collect();
    assert_eq!(
        messages,
        [
            "loaded all rows=7 ok=true share=0.5 name=a b",
            "m shown=x y debugged=Some(\"x\") type=1 log.kind=z",
            "only=1 fields=-2",
            "it says \"no\"\nand {ends}",
            "failed error=outer: inner",
            "broken bad= (a field could not be formatted) good=1",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn what_this_project_logs_itself_is_not_captured() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    run_span(&run("r1")).in_scope(|| {
        tracing::error!(target: "instance_storage::db", "ours");
        tracing::error!(target: "instance_events", "ours");
        tracing::error!(target: "dagster_instance::runs", "ours");
        tracing::error!(target: "sqlx::query", "ours");
        tracing::info!(target: "instance_manager", "theirs");
        // As `tracing-log` makes events of the crate `log`.
        tracing::info!(target: "log", { log.target = "sqlx::query", log.line = 7 }, "ours");
        tracing::info!(target: "log", { log.target = "their", log.line = 7, rows = 1 }, "theirs");
    });
    logs.close().await?;
    assert_eq!(stored_lines(&fake), ["r1 - 20 theirs", "r1 - 20 theirs rows=1"]);
    Ok(())
}

/// Even where the task that stores lines happens to be polled within the span of a run.
#[test]
fn what_listeners_log_makes_no_further_lines() -> TestResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    let heard = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&heard);
    add_event_listener(
        &*fake,
        &RunId::from("r1"),
        Arc::new(move |record| {
            *counted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            tracing::info!("heard {}", record.event_log_entry.message());
        }),
    );
    run_span(&run("r1")).in_scope(|| {
        tracing::info!("first");
        runtime.block_on(logs.flush())?;
        runtime.block_on(logs.close())
    })?;
    assert_eq!(stored_lines(&fake), ["r1 - 20 first"]);
    assert_eq!(*heard.lock().unwrap_or_else(PoisonError::into_inner), 1);
    Ok(())
}

#[tokio::test]
async fn filters_choose_lines_and_leave_them_their_run() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (layer, logs) = RunLogLayer::new(Arc::clone(&fake) as Arc<_>);
    let notes = Notes::default();
    let subscriber = Registry::default()
        .with(notes.clone().with_filter(LevelFilter::INFO))
        .with(layer.with_filter(LevelFilter::ERROR));
    let _guard = set_default(subscriber);
    step_span(&run("r1"), "load").in_scope(|| {
        tracing::info!("shown");
        tracing::error!("kept");
    });
    logs.close().await?;
    assert_eq!(stored_lines(&fake), ["r1 load 40 kept"]);
    assert_eq!(notes.all().len(), 2);
    Ok(())
}
