"""What Dagster executes again of runs that failed, and what it knows then, as JSON for the tests of instance-runs.

Jobs are executed as they are, some of them several times from their failure. Of the last run of each chain every
beginning of its log is taken for the log of a run that ended there, so that steps are interrupted or do not
begin at every point. Plans and logs are written with what matters of them.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from dagster import (
    DagsterInstance,
    DynamicOut,
    DynamicOutput,
    Failure,
    In,
    Nothing,
    Out,
    Output,
    ReexecutionOptions,
    execute_job,
    graph,
    in_process_executor,
    job,
    op,
    reconstructable,
)
from dagster._core.events import DagsterEventType
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus

TYPES = {
    DagsterEventType.STEP_START,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.STEP_SKIPPED,
    DagsterEventType.RESOURCE_INIT_FAILURE,
}


def fails(context: Any) -> bool:
    """Whether the step is one that fails in this run."""
    names = context.dagster_run.tags.get("fails", "").split(",")
    return context.get_step_execution_context().step.key in names


@op
def one(context) -> int:
    if fails(context):
        raise Failure("as asked for")
    return 1


@op
def add(context, x: int) -> int:
    if fails(context):
        raise Failure("as asked for")
    return x + 1


@op
def total(context, xs: list[int]) -> int:
    if fails(context):
        raise Failure("as asked for")
    return sum(xs)


@op
def both(context, x: int, y: int) -> int:
    if fails(context):
        raise Failure("as asked for")
    return x + y


@op(out={"left": Out(int, is_required=False), "right": Out(int, is_required=False)})
def either(context):
    yield Output(1, "left")
    if fails(context):
        raise Failure("as asked for")


@op(ins={"before": In(Nothing)})
def behind(context) -> None:
    if fails(context):
        raise Failure("as asked for")


@op(out=DynamicOut(int))
def letters(context):
    for key in ["a", "b", "c"]:
        yield DynamicOutput(1, key)
    if fails(context):
        raise Failure("as asked for")


@op(out=DynamicOut(int))
def none(context) -> Iterator[DynamicOutput]:
    if fails(context):
        raise Failure("as asked for")
    yield from ()


@op(out={"maybe": DynamicOut(int, is_required=False), "plain": Out(int)})
def perhaps(context):
    yield Output(1, "plain")
    if fails(context):
        raise Failure("as asked for")


@job(executor_def=in_process_executor)
def line():
    behind.alias("last")(add.alias("third")(add.alias("second")(one.alias("first")())))


@job(executor_def=in_process_executor)
def diamond():
    start = one.alias("start")()
    both.alias("end")(add.alias("upper")(start), add.alias("lower")(start))
    one.alias("aside")()


@job(executor_def=in_process_executor)
def branches():
    left, right = either()
    add.alias("after_left")(left)
    behind.alias("after_right_too")(add.alias("after_right")(right))


@job(executor_def=in_process_executor)
def mapped():
    results = letters().map(lambda x: add.alias("second")(add.alias("first")(x)))
    add.alias("end")(total(results.collect()))


@job(executor_def=in_process_executor)
def wide():
    found = letters()
    first = found.map(add.alias("first"))
    other = found.map(add.alias("other"))
    total.alias("of_first")(first.collect())
    total.alias("of_other")(other.collect())


@job(executor_def=in_process_executor)
def empty():
    total(none().map(add).collect())


@job(executor_def=in_process_executor)
def skipped():
    maybe, plain = perhaps()
    total(maybe.map(add).collect())
    add.alias("beside")(plain)


@graph
def inner():
    return total(letters().map(lambda x: add.alias("second")(add.alias("first")(x))).collect())


@job(executor_def=in_process_executor)
def nested():
    add.alias("end")(inner())


CHAINS = [
    (line, ["second"]),
    (line, ["second", "third"]),
    (line, ["first", "second", "third", "last"]),
    (diamond, ["upper"]),
    (diamond, ["upper,lower,aside", "lower", "end"]),
    (branches, ["either"]),
    (branches, ["after_left"]),
    (branches, ["after_left", "after_left"]),
    (mapped, ["letters"]),
    (mapped, ["first[b]"]),
    (mapped, ["second[a],second[c]"]),
    (mapped, ["first[b],second[c]", "second[b]"]),
    (mapped, ["first[b],second[c]", "second[b]", "total", "end"]),
    (mapped, ["letters", "first[a]", "second[a]"]),
    (mapped, ["total", "end"]),
    (wide, ["first[a],other[b]"]),
    (wide, ["first[a],other[b]", "other[b]", "of_other"]),
    (empty, ["none"]),
    (empty, ["total"]),
    (empty, ["total", "total"]),
    (skipped, ["perhaps"]),
    (skipped, ["beside"]),
    (skipped, ["beside", "beside"]),
    (nested, ["inner.first[b]"]),
    (nested, ["inner.second[b],inner.first[c]", "inner.second[c]", "end"]),
]


def plan_of(instance: DagsterInstance, run: DagsterRun) -> dict[str, Any]:
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    steps = []
    for step in plan.steps:
        behind_steps = {h.step_key for i in step.inputs for h in i.upstream_output_handles}
        outputs = [
            {
                "name": output.name,
                "dynamic": output.properties.is_dynamic,
                "required": output.properties.is_required,
            }
            for output in step.outputs
        ]
        steps.append(
            {
                "key": step.key,
                "kind": step.kind.value,
                "behind": sorted(behind_steps),
                "outputs": outputs,
            }
        )
    return {"steps": steps, "step_keys_to_execute": plan.step_keys_to_execute}


def written(entry: Any) -> list[Any]:
    event = entry.dagster_event
    row = [event.event_type_value, event.step_handle.to_key()]
    if event.event_type == DagsterEventType.STEP_OUTPUT:
        handle = event.step_output_data.step_output_handle
        row += [handle.output_name, handle.mapping_key]
    return row


def outputs(state: Any) -> list[list[Any]]:
    rows = [[h.step_key, h.output_name, h.mapping_key] for h in state.produced_outputs]
    return sorted(rows, key=json.dumps)


def expected(instance: DagsterInstance, run: DagsterRun) -> dict[str, Any]:
    steps, known = KnownExecutionState.build_resume_retry_reexecution(instance, run)
    produced, state = [], known.parent_state
    while state:
        produced.append([state.run_id, outputs(state)])
        state = state.parent_state
    return {
        "steps": sorted(steps),
        "dynamic_mappings": known.dynamic_mappings,
        "produced": produced[:1],
        "chain": [run_id for run_id, _ in produced],
    }


def chain(definition: Any, failing: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory, DagsterInstance.local_temp(directory) as real:
        runs = []
        for steps in failing:
            options = ReexecutionOptions.from_failure(runs[-1].run_id, real) if runs else None
            result = execute_job(
                reconstructable(definition),
                instance=real,
                tags={"fails": steps},
                reexecution_options=options,
                raise_on_error=False,
            )
            assert not result.success, (definition.name, steps)
            runs.append(real.get_run_by_id(result.run_id))
        names = {run.run_id: f"run{n}" for n, run in enumerate(runs)}
        logs = {run.run_id: list(real.all_logs(run.run_id, of_type=TYPES)) for run in runs}
        document = []
        for run in runs:
            document.append(
                {
                    "run_id": names[run.run_id],
                    "step_keys_to_execute": run.step_keys_to_execute,
                    "plan": plan_of(real, run),
                    "events": [written(entry) for entry in logs[run.run_id]],
                }
            )
        last = runs[-1]
        beginnings = []
        for count in range(len(logs[last.run_id]) + 1):
            with DagsterInstance.ephemeral() as instance:
                for run in runs:
                    plan = real.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
                    instance.run_storage.add_execution_plan_snapshot(plan)
                    instance.add_run(run._replace(job_snapshot_id=None))
                    log = logs[run.run_id]
                    for entry in log[:count] if run is last else log:
                        instance.event_log_storage.store_event(entry)
                found = expected(instance, last)
            found["chain"] = [names[run_id] for run_id in found["chain"]]
            found["produced"] = found["produced"][0][1]
            beginnings.append({"events": count, **found})
    return {"job": definition.name, "fails": failing, "runs": document, "expected": beginnings}


def main() -> None:
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    cases = [chain(definition, failing) for definition, failing in CHAINS]
    sys.stdout.write("[\n")
    for number, case in enumerate(cases):
        sys.stdout.write(json.dumps(case, separators=(",", ":")))
        sys.stdout.write(",\n" if number + 1 < len(cases) else "\n")
    sys.stdout.write("]\n")


if __name__ == "__main__":
    main()
