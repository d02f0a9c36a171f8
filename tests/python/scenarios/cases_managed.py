"""`register_managed_run`: a run that is new, one that is there, and one that differs from the one that is there."""

from scenarios.jobs import code_origin, run_of
from scenarios.registry import scenario

GIVEN = "11111111-2222-4333-8444-555555555555"


def managed(name, **others):
    """The arguments of `register_managed_run` that are also those of `create_run`."""
    left = ("asset_graph", "remote_job_origin", "asset_selection", "asset_check_selection")
    return {key: value for key, value in run_of(name, **others).items() if key not in left}


@scenario("managed/fresh")
def _(r):
    r.register_managed_run(run_id=GIVEN, tags={"a": "b"}, job_code_origin=code_origin())
    r.register_managed_run(**managed("chain_job", op_selection=["first"]), resolved_op_selection={"first"})


@scenario("managed/plan_of_assets")
def _(r):
    """No events are planned, and partitions make no subset, for there is no graph."""
    r.register_managed_run(**managed("flow_job"), run_id=GIVEN)
    r.register_managed_run(**managed("by_day_job"), tags={"dagster/partition": "2024-01-05"})


@scenario("managed/airflow")
def _(r):
    r.register_managed_run(run_id=GIVEN, tags={"is_airflow_ingest_pipeline": "true"})


@scenario("managed/no_checks_of_the_arguments")
def _(r):
    """Those of `create_run` that `construct_run_with_snapshots` has not."""
    r.register_managed_run(run_id="not-a-uuid", tags={"a": "b"})
    with r.fails("CheckError"):
        r.register_managed_run(root_run_id=GIVEN)
        r.register_managed_run(execution_plan_snapshot=run_of("chain_job")["execution_plan_snapshot"])
    r.register_managed_run(root_run_id=GIVEN, parent_run_id=GIVEN)


@scenario("managed/the_same_again")
def _(r):
    """The comparison with the run that is there takes the fields apart as if they were pairs, and fails."""
    r.register_managed_run(run_id=GIVEN, tags={"a": "b"})
    with r.fails("ValueError"):
        r.register_managed_run(run_id=GIVEN, tags={"a": "b"})


@scenario("managed/conflict")
def _(r):
    r.register_managed_run(run_id=GIVEN, tags={"a": "b"})
    with r.fails("ValueError"):
        r.register_managed_run("other_job", run_id=GIVEN, tags={"a": "c"})


@scenario("managed/conflict_with_a_run_that_is_not_managed")
def _(r):
    """The snapshots of the second stay."""
    r.create_run(run_id=GIVEN)
    with r.fails("ValueError"):
        r.register_managed_run(**managed("chain_job"), run_id=GIVEN)
