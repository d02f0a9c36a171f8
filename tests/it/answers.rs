//! What the methods of an instance answer, on homes that the real Dagster wrote: the same as Dagster's own.
//!
//! Differences that stay are in the table of `docs/differences.md`. `docs/parity.md` says which methods there are: each
//! of them is asked, or stands here with what it does instead of answering.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dagster_instance::DagsterInstance;
use dagster_instance_tests::{Home, answers, copy_directory, corpus, dagster, difference, root};
use serde_json::Value;

/// The homes of the corpus.
const HOMES: [&str; 5] = ["executed", "daemons", "queued", "stored", "odd"];

/// How many questions have to be asked of all homes together, so that the comparison says something.
const QUESTIONS: usize = 10_000;

/// How the questions of the table are told from scenarios, which stand there, too.
const TABLE_PREFIX: &str = "| `answers/";

/// The domains of which every method is asked, by their titles in `docs/parity.md`.
const DOMAINS: [&str; 5] = [
    "Runs and their snapshots",
    "Events",
    "Assets",
    "Schedules, sensors, ticks and backfills",
    "Storages, dynamic partitions and signs of life",
];

/// Methods that are not asked, as they change something.
const CHANGES: [&str; 55] = [
    "add_auto_materialize_asset_evaluations",
    "add_backfill",
    "add_daemon_heartbeat",
    "add_dynamic_partitions",
    "add_dynamic_partitions_in_batches",
    "add_instigator_state",
    "add_run",
    "add_run_tags",
    "add_snapshot",
    "construct_run_with_snapshots",
    "create_reexecuted_run",
    "create_run",
    "create_tick",
    "delete_dynamic_partition",
    "delete_instigator_state",
    "delete_run",
    "ensure_persisted_execution_plan_snapshot",
    "ensure_persisted_job_snapshot",
    "flush_events",
    "handle_events_if",
    "handle_new_event",
    "handle_new_events",
    "handle_run_event",
    "log_asset_planned_events",
    "log_materialization_planned_event_for_asset",
    "optimize_for_webserver",
    "purge_asset_evaluations",
    "purge_ticks",
    "purge_ticks_by_retention",
    "register_managed_run",
    "reindex",
    "report_dagster_event",
    "report_engine_event",
    "report_run_canceled",
    "report_run_canceling",
    "report_run_failed",
    "report_runless_asset_event",
    "reset_schedule",
    "reset_sensor",
    "set_cursor_values",
    "start_schedule",
    "start_sensor",
    "stop_schedule",
    "stop_sensor",
    "store_event",
    "update_asset_cached_status_data",
    "update_backfill",
    "update_instigator_state",
    "update_tick",
    "upgrade",
    "wipe",
    "wipe_all_schedules",
    "wipe_asset_cached_status",
    "wipe_asset_partitions",
    "wipe_assets",
];

/// Methods that wipe, follow or need more than a home has, each with where it is compared.
const ELSEWHERE: [(&str, &str); 14] = [
    ("add_event_listener", "it gives no answer; tests/it/following.rs"),
    ("auto_reexecution_should_retry_run", "scenarios `retries`"),
    ("end_watch_event_logs", "it gives no answer; tests/it/watch.rs"),
    ("find_run", "Dagster has nothing like it"),
    ("get_keys_to_reexecute", "it needs a plan; scenarios `reexecution`"),
    ("get_next_schedule_ticks", "it needs a definition; tests/it/cron.rs"),
    ("get_previous_schedule_ticks", "it needs a definition; tests/it/cron.rs"),
    ("info_dict", "its documentation says what it leaves out"),
    ("info_str", "its documentation says what it leaves out"),
    ("storage_info", "Dagster has nothing like it"),
    ("check_schema", "Dagster has nothing like it"),
    ("upgrade_plan", "Dagster has nothing like it"),
    ("watch_event_logs", "it follows; tests/it/watch.rs"),
    ("wipe_daemon_heartbeats", "it changes something; scenarios `daemons`"),
];

/// What differs, by the name of the questions.
#[derive(Default)]
pub(crate) struct Found {
    asked: usize,
    methods: BTreeSet<String>,
    different: BTreeMap<String, Vec<String>>,
}

impl Found {
    /// How many questions were asked.
    pub(crate) const fn asked(&self) -> usize {
        self.asked
    }

    /// Asks one question of our instance.
    pub(crate) async fn ask(&mut self, home: &str, instance: &DagsterInstance, question: &Value) {
        let part = |name: &str| question[name].as_str().expect("a text");
        let (method, arguments) = (part("method"), part("args"));
        let ours = answers::answer(instance, method, arguments).await;
        let different = match (question.get("error"), ours) {
            (Some(_), Err(_)) => None,
            (Some(error), Ok(_)) => Some(format!("Dagster fails: {error}")),
            (None, Err(error)) => Some(format!("it fails here: {error}")),
            (None, Ok(ours)) if ours == part("answer") => None,
            (None, Ok(ours)) => Some(difference(part("answer"), &ours)),
        };
        self.asked += 1;
        self.methods.insert(method.to_owned());
        if let Some(different) = different {
            let said = format!("{home}: {method} {arguments}\n  {different}");
            self.different.entry(part("question").to_owned()).or_default().push(said);
        }
    }
}

/// Copies of the homes of the corpus, at the same place each time: some answers are paths, and some are stored.
fn copies(place: &Path) -> Vec<PathBuf> {
    let copy = |name| {
        let home = place.join(name);
        if home.exists() {
            fs::remove_dir_all(&home).expect("to remove a copy");
        }
        copy_directory(&corpus().join(name), &home).expect("a copy of the home");
        home
    };
    HOMES.into_iter().map(copy).collect()
}

/// The names of the questions whose difference stays, with the reason.
fn known_differences(table_prefix: &str) -> BTreeMap<String, String> {
    let document = fs::read_to_string(root().join("docs/differences.md")).expect("the document");
    let lines = document.lines().filter_map(|line| line.strip_prefix(table_prefix));
    let cells = |line: &str| {
        let cells: Vec<&str> = line.trim_end_matches('|').splitn(3, '|').collect();
        let [name, _, reason] = cells[..] else { panic!("{line} has not three cells") };
        (name.trim_matches([' ', '`']).to_owned(), reason.trim().to_owned())
    };
    lines.map(cells).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_method_answers_as_dagster_does() {
    let place = Home::new();
    let homes = copies(place.path());
    let paths: Vec<_> = homes.iter().map(|home| home.to_string_lossy()).collect();
    let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
    let asked = dagster("answers.py", &paths);
    copies(place.path());
    let mut found = Found::default();
    for ((name, home), questions) in HOMES.iter().zip(&homes).zip(asked.as_array().expect("lists"))
    {
        let instance = DagsterInstance::builder().home(home).must_exist().open().await;
        let instance = instance.expect("an instance");
        for question in questions.as_array().expect("a list of questions") {
            found.ask(name, &instance, question).await;
        }
        instance.dispose().await.expect("to close it");
    }
    assert!(found.asked > QUESTIONS, "only {} questions were asked", found.asked);
    assert_differences(&found, TABLE_PREFIX);
    assert_eq!(not_asked(&found.methods), Vec::<String>::new(), "methods that nobody asks");
}

/// So many differences of a question are shown.
const SHOWN: usize = 4;

/// Each difference is known, and each that is known is found.
pub(crate) fn assert_differences(found: &Found, table_prefix: &str) {
    let known = known_differences(table_prefix);
    // What differs on new databases may differ on old ones.
    let everywhere = known_differences(TABLE_PREFIX);
    let is_known = |name: &String| known.contains_key(name) || everywhere.contains_key(name);
    let unknown: Vec<_> = found.different.iter().filter(|(name, _)| !is_known(name)).collect();
    let all: Vec<String> = unknown
        .iter()
        .map(|(name, different)| {
            let shown = &different[..different.len().min(SHOWN)];
            format!("{name}: {} differences\n{}", different.len(), shown.join("\n"))
        })
        .collect();
    assert!(all.is_empty(), "{} questions were asked:\n{}", found.asked, all.join("\n"));
    let gone: Vec<_> = known.keys().filter(|name| !found.different.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/differences.md has differences that are gone: {gone:?}");
}

/// The methods that we have by `docs/parity.md`, which are neither asked nor said not to be.
fn not_asked(asked: &BTreeSet<String>) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/parity.md")).expect("the page");
    let mut domain = "";
    let mut missing = Vec::new();
    for line in page.lines() {
        domain = line.strip_prefix("## ").unwrap_or(domain);
        let is_ours = line.ends_with("| yes |") && line.starts_with("| `");
        let name = line.split('`').nth(1).filter(|_| is_ours || line.starts_with("* `"));
        let is_known = |name: &&str| {
            asked.contains(*name)
                || CHANGES.contains(name)
                || ELSEWHERE.iter().any(|(elsewhere, _)| elsewhere == name)
        };
        if DOMAINS.contains(&domain) {
            missing.extend(name.filter(|name| !is_known(name)).map(str::to_owned));
        }
    }
    missing
}
