//! The sections `run_coordinator` and `run_queue`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{
    BlockOpConcurrencyLimitedRuns, QueuedRunCoordinatorSettings, RunCoordinatorSettings,
};

use super::tag_limits::tag_concurrency_limits;
use crate::environment::Environment;
use crate::fields::Fields;
use crate::parts::{Part, Parts};
use crate::schema::{ClassKind, Slot};

pub(super) fn run_coordinator(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> RunCoordinatorSettings {
    parts.run_coordinator.read(
        parts.instance_class.as_ref(),
        |part| of_part(part, environment),
        RunCoordinatorSettings::Other,
        RunCoordinatorSettings::default,
        RunCoordinatorSettings::Unusable,
    )
}

fn of_part(
    part: &Part<'_>,
    environment: &dyn Environment,
) -> Result<RunCoordinatorSettings, ConfigProblems> {
    let fields = part.fields(environment);
    match part.kind(Slot::RunCoordinator)? {
        Some(ClassKind::Queue) => queued(&fields).map(RunCoordinatorSettings::Queued),
        Some(ClassKind::AtOnce) => {
            fields.only(&[])?;
            Ok(RunCoordinatorSettings::Default)
        }
        _ => Ok(RunCoordinatorSettings::Other(part.class.clone())),
    }
}

fn queued(fields: &Fields<'_>) -> Result<QueuedRunCoordinatorSettings, ConfigProblems> {
    fields.only(&[
        "max_concurrent_runs",
        "tag_concurrency_limits",
        "dequeue_interval_seconds",
        "dequeue_use_threads",
        "dequeue_num_workers",
        "max_user_code_failure_retries",
        "user_code_failure_retry_delay",
        "block_op_concurrency_limited_runs",
    ])?;
    let mut queue = QueuedRunCoordinatorSettings::new();
    for (key, value) in [
        ("max_concurrent_runs", &mut queue.max_concurrent_runs),
        ("dequeue_interval_seconds", &mut queue.dequeue_interval_seconds),
        ("max_user_code_failure_retries", &mut queue.max_user_code_failure_retries),
        ("user_code_failure_retry_delay", &mut queue.user_code_failure_retry_delay),
    ] {
        if let Some(given) = fields.integer(key)? {
            *value = given;
        }
    }
    if queue.max_concurrent_runs < -1 {
        let reason = format!(
            "{} is too small; -1 means any number of runs, and 0 none",
            queue.max_concurrent_runs
        );
        return Err(fields.problem("max_concurrent_runs", reason));
    }
    let limits = tag_concurrency_limits(fields, "tag_concurrency_limits")?;
    let use_threads = fields.plain_boolean("dequeue_use_threads")?;
    Ok(queue
        .with_tag_concurrency_limits(limits.unwrap_or_default())
        .with_dequeue_use_threads(use_threads.unwrap_or(false))
        .with_dequeue_num_workers(fields.integer("dequeue_num_workers")?)
        .with_block_op_concurrency_limited_runs(blocking(fields)?))
}

fn blocking(fields: &Fields<'_>) -> Result<BlockOpConcurrencyLimitedRuns, ConfigProblems> {
    let blocking = BlockOpConcurrencyLimitedRuns::new();
    let Some(section) = fields.section("block_op_concurrency_limited_runs")? else {
        return Ok(blocking);
    };
    section.only(&["enabled", "op_concurrency_slot_buffer"])?;
    let enabled = section.plain_boolean("enabled")?;
    let buffer = section.plain_integer("op_concurrency_slot_buffer")?.unwrap_or(0);
    if buffer != 0 && enabled == Some(false) {
        let reason =
            "it has a meaning only if `enabled` is true; remove it, or set `enabled` to true";
        return Err(section.problem("op_concurrency_slot_buffer", reason));
    }
    Ok(blocking.with_enabled(enabled).with_op_concurrency_slot_buffer(buffer))
}
