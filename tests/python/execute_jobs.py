"""Execute small runs one after another with real Dagster, as fast as it can, for tests of shared homes.

It does not capture the runs' stdout and stderr, which would cost two processes a step.
"""

import argparse

from common import emit, open_instance

import dagster as dg


@dg.op
def busy(context):
    context.log.info("busy")


@dg.job
def busy_op_job():
    busy()


@dg.asset(key=["busy", "asset"], io_manager_key="memory")
def busy_asset(context):
    context.log.info("busy")


asset_definitions = dg.Definitions(
    assets=[busy_asset],
    resources={"memory": dg.mem_io_manager},
    jobs=[dg.define_asset_job("busy_asset_job", [busy_asset])],
)

NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def execute(home, count, materialize):
    job = asset_definitions.resolve_job_def("busy_asset_job") if materialize else busy_op_job
    run_ids, errors = [], []
    with open_instance(home, NO_CAPTURE) as instance:
        for _ in range(count):
            run_id = dg._core.utils.make_new_run_id()
            try:
                result = job.execute_in_process(
                    instance=instance, raise_on_error=False, run_id=run_id
                )
                run_ids.append(run_id)
                if not result.success:
                    failures = [event.message for event in result.all_events if event.is_failure]
                    errors.append({"run_id": run_id, "error": "; ".join(map(str, failures))})
            except Exception as error:
                errors.append({"run_id": run_id, "error": f"{type(error).__name__}: {error}"})
    return {"run_ids": run_ids, "errors": errors}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument(
        "--materialize",
        action="store_true",
        help="the asset busy/asset (busy_asset_job) rather than a plain op (busy_op_job)",
    )
    arguments = parser.parse_args()
    emit(execute(arguments.home, arguments.count, arguments.materialize))
