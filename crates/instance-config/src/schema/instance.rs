//! The sections of `dagster.yaml`.

use super::auto_materialize::AUTO_MATERIALIZE;
use super::concurrency::CONCURRENCY;
use super::coordinators::QUEUE;
use super::storages::STORAGE;
use super::types::{Field, Type};
use super::{Scalar, Slot};

/// The sections.
pub(crate) const INSTANCE: &[Field] = &[
    Field::optional(
        "storage",
        Type::Choice(STORAGE),
        "Where runs, events and schedules are stored.",
    ),
    of_class("run_storage", Slot::RunStorage, "Where runs are stored, if each store is by itself."),
    of_class(
        "event_log_storage",
        Slot::EventLogStorage,
        "Where events are stored, if each store is by itself.",
    ),
    of_class(
        "schedule_storage",
        Slot::ScheduleStorage,
        "Where schedules are stored, if each store is by itself.",
    ),
    of_class(
        "local_artifact_storage",
        Slot::LocalArtifactStorage,
        "Where files of this machine are.",
    ),
    of_class("compute_logs", Slot::ComputeLogs, "Where the output of runs is captured."),
    of_class("scheduler", Slot::Scheduler, "Who starts the runs of schedules."),
    Field::optional(
        "run_queue",
        QUEUE,
        "When queued runs are launched; a shorter form of `run_coordinator`.",
    ),
    of_class("run_coordinator", Slot::RunCoordinator, "Who decides when a run is launched."),
    of_class("run_launcher", Slot::RunLauncher, "Who starts the worker of a run."),
    Field::optional("concurrency", CONCURRENCY, "How much is done at the same time.").filled("{}"),
    Field::optional("run_monitoring", RUN_MONITORING, "What the daemon does about runs that hang.")
        .filled("{}"),
    Field::optional("run_retries", RUN_RETRIES, "Whether runs that fail are tried again.")
        .filled(r#"{"enabled": false, "max_retries": 0, "retry_on_asset_or_op_failure": true}"#),
    Field::optional("retention", RETENTION, "How long ticks are kept."),
    Field::optional("schedules", THREADS, "How the daemon evaluates schedules."),
    Field::optional("sensors", THREADS_OF_SENSORS, "How the daemon evaluates sensors."),
    Field::optional("backfills", THREADS, "How the daemon works on backfills."),
    Field::optional(
        "auto_materialize",
        AUTO_MATERIALIZE,
        "Assets that are materialised by their conditions.",
    )
    .filled(r#"{"max_tick_retries": 3, "use_threads": false}"#),
    Field::optional("freshness", FRESHNESS, "Whether the freshness of assets is evaluated."),
    Field::optional("code_servers", CODE_SERVERS, "How code servers are started."),
    Field::optional("python_logs", PYTHON_LOGS, "Which log lines become events of runs."),
    Field::optional("telemetry", SWITCH, "Whether Dagster reports to its makers.").filled("{}"),
    Field::optional("nux", SWITCH, "Whether Dagster's pages greet new users.").filled("{}"),
    Field::optional("secrets", SECRETS, "Where environment variables of code locations come from."),
    of_class(
        "defs_state_storage",
        Slot::DefsStateStorage,
        "Where states of definitions are stored.",
    ),
    of_class(
        "instance_class",
        Slot::Instance,
        "A class of one's own in place of Dagster's instance.",
    ),
];

/// The section of a name.
pub(crate) fn section(name: &str) -> Option<&'static Field> {
    INSTANCE.iter().find(|field| field.name == name)
}

const fn of_class(name: &'static str, slot: Slot, about: &'static str) -> Field {
    Field::optional(name, Type::Class(slot), about)
}

const SECRETS: Type = Type::Choice(&[Field::required(
    "custom",
    Type::Class(Slot::Secrets),
    "A class of any package.",
)]);

const SWITCH: Type =
    Type::Shape(&[Field::optional("enabled", Type::BOOLEAN, "Whether it is on.").implied("true")]);

const FRESHNESS: Type =
    Type::Shape(&[Field::required("enabled", Type::BOOLEAN, "Whether it is on.").implied("true")]);

const RUN_MONITORING: Type = Type::Shape(&[
    Field::optional("enabled", Type::BOOLEAN, "Whether the daemon looks after runs.")
        .implied("false"),
    Field::optional("start_timeout_seconds", Type::INTEGER, "How long a run may take to start.")
        .implied("180"),
    Field::optional("cancel_timeout_seconds", Type::INTEGER, "How long a run may take to stop.")
        .implied("180"),
    Field::optional(
        "max_runtime_seconds",
        Type::INTEGER,
        "How long a run may take; 0 is any time.",
    )
    .implied("0"),
    Field::optional(
        "max_resume_run_attempts",
        Type::INTEGER,
        "How often a run goes on in a new worker.",
    )
    .implied("0"),
    Field::optional("poll_interval_seconds", Type::INTEGER, "How often the daemon looks.")
        .implied("120"),
    Field::optional(
        "cancellation_thread_poll_interval_seconds",
        Type::INTEGER,
        "How often a worker looks whether its run is to stop.",
    )
    .implied("10"),
    Field::optional(
        "free_slots_after_run_end_seconds",
        Type::INTEGER,
        "How long after a run's end its places in pools are freed.",
    ),
]);

const RUN_RETRIES: Type = Type::Shape(&[
    Field::optional("enabled", Type::BOOLEAN, "Whether runs that fail are tried again.")
        .filled("false"),
    Field::optional("max_retries", Type::INTEGER, "How often, unless a tag of the run says it.")
        .filled("0"),
    Field::optional(
        "retry_on_asset_or_op_failure",
        Type::BOOLEAN,
        "Whether a failure of an asset or an op counts, or only that of a worker.",
    )
    .filled("true"),
]);

const CODE_SERVERS: Type = Type::Shape(&[
    Field::optional(
        "local_startup_timeout",
        Type::INTEGER,
        "How many seconds a code server may take to start.",
    )
    .implied("180"),
    Field::optional(
        "reload_timeout",
        Type::INTEGER,
        "How many seconds a code server may take to load again.",
    )
    .implied("180"),
    Field::optional(
        "wait_for_local_processes_on_shutdown",
        Type::BOOLEAN,
        "Whether the end waits for code servers.",
    )
    .implied("false"),
]);

const THREADS: Type = Type::Shape(&[USE_THREADS.filled("false"), NUM_WORKERS, NUM_SUBMIT_WORKERS]);

/// Dagster has threads for sensors unless the file says otherwise.
const THREADS_OF_SENSORS: Type =
    Type::Shape(&[USE_THREADS.implied("true"), NUM_WORKERS, NUM_SUBMIT_WORKERS]);

const USE_THREADS: Field = Field::optional(
    "use_threads",
    Type::BOOLEAN,
    "Whether several are worked on at the same time.",
);

const NUM_WORKERS: Field =
    Field::optional("num_workers", Type::INTEGER, "How many threads work on them.");

const NUM_SUBMIT_WORKERS: Field =
    Field::optional("num_submit_workers", Type::INTEGER, "How many threads submit their runs.");

const RETENTION: Type = Type::Shape(&[
    Field::optional("schedule", KEPT, "Of schedules."),
    Field::optional("sensor", KEPT_OF_SENSORS, "Of sensors."),
    Field::optional(
        "auto_materialize",
        KEPT_OF_SENSORS,
        "Of sensors that materialise assets by their conditions.",
    ),
]);

const KEPT: Type = Type::Shape(&[Field::required(
    "purge_after_days",
    Type::Either(Scalar::Integer, &DAYS),
    "How many days ticks are kept; -1 is for ever.",
)]);

const KEPT_OF_SENSORS: Type = Type::Shape(&[Field::required(
    "purge_after_days",
    Type::Either(Scalar::Integer, &DAYS_OF_SENSORS),
    "How many days ticks are kept; -1 is for ever.",
)]);

const DAYS: Type = Type::Shape(&[SKIPPED.implied("-1"), SUCCESS, FAILURE, STARTED]);

const DAYS_OF_SENSORS: Type = Type::Shape(&[SKIPPED.implied("7"), SUCCESS, FAILURE, STARTED]);

const SKIPPED: Field = Field::optional("skipped", Type::INTEGER, "Ticks that did nothing.");

const SUCCESS: Field =
    Field::optional("success", Type::INTEGER, "Ticks that did something.").implied("-1");

const FAILURE: Field =
    Field::optional("failure", Type::INTEGER, "Ticks that failed.").implied("-1");

const STARTED: Field =
    Field::optional("started", Type::INTEGER, "Ticks that have not ended.").implied("-1");

const PYTHON_LOGS: Type = Type::Shape(&[
    Field::optional(
        "managed_python_loggers",
        Type::List(&Type::TEXT),
        "The loggers whose lines become events.",
    )
    .implied("[]"),
    Field::optional("python_log_level", Type::TEXT, "The level from which on lines become events."),
    Field::optional(
        "dagster_handler_config",
        HANDLERS,
        "More handlers of log lines, as Python's `logging` has them.",
    )
    .implied("{}"),
]);

const HANDLERS: Type = Type::Shape(&[
    Field::optional("handlers", Type::ANYTHING, "The handlers.").secret(),
    Field::optional("formatters", Type::ANYTHING, "The formatters."),
    Field::optional("filters", Type::ANYTHING, "The filters."),
]);
