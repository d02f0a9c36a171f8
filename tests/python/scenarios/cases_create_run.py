"""`create_run` without partitions: each of its checks and branches, and what it writes."""

from scenarios.jobs import code_origin, registered_origin, run_of
from scenarios.registry import TAG_ROWS, scenario
from scenarios.run_ids import nth

from dagster import AssetCheckKey, AssetKey
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.repository_definition.repository_definition import RepositoryLoadData

GIVEN = "11111111-2222-4333-8444-555555555555"
OTHER = "22222222-2222-4333-8444-555555555555"
RAW, CLEAN, FINAL = AssetKey("raw"), AssetKey("clean"), AssetKey(["reports", "final"])
RAW_HOLDS = AssetCheckKey(RAW, "raw_holds")
RAW_IS_SMALL = AssetCheckKey(RAW, "raw_is_small")

# The run itself


@scenario("create_run/minimal")
def _(r):
    r.create_run()
    r.create_run()


@scenario("create_run/given_id")
def _(r):
    r.create_run(run_id=GIVEN)


@scenario("create_run/odd_forms_of_uuid")
def _(r):
    for form in (GIVEN.replace("-", ""), f"{{{OTHER}}}", f"urn:uuid:{OTHER}", OTHER.upper().replace("2222", "abcd")):
        r.create_run(run_id=form)


@scenario("create_run/empty_id")
def _(r):
    r.create_run(run_id="")


@scenario("create_run/bad_uuid")
def _(r):
    with r.fails("CheckError"):
        r.create_run(run_id="not-a-uuid")
        r.create_run(run_id=GIVEN + "0")


@scenario("create_run/duplicate_id")
def _(r):
    r.create_run(run_id=GIVEN, tags={"n": "1"})
    with r.fails("DagsterRunAlreadyExists"):
        r.create_run("other_job", run_id=GIVEN, tags={"n": "2"})
    r.create_run()


@scenario("create_run/duplicate_id_with_plan")
def _(r):
    """The snapshots of the second stay."""
    r.create_run(**run_of("flow_job"), run_id=GIVEN)
    with r.fails("DagsterRunAlreadyExists"):
        r.create_run(**run_of("chain_job"), run_id=GIVEN)


@scenario("create_run/each_status")
def _(r):
    for status in ("NOT_STARTED", "MANAGED", "STARTING", "STARTED", "SUSPENDED", "SUCCESS", "FAILURE", "CANCELED"):
        r.create_run(status=status)
    r.create_run(status="QUEUED", remote_job_origin=registered_origin())


@scenario("create_run/queued_without_origin")
def _(r):
    with r.fails("ParameterCheckError"):
        r.create_run(**run_of("chain_job"), status="QUEUED")
    r.create_run()


@scenario("create_run/run_config")
def _(r):
    config = {"ops": {"configured": {"config": {"count": 3}}}}
    r.create_run(**run_of("config_job", run_config=config))
    odd = {"ü": [1, 1.5, 2.0, 1e100, 10**30, None, True, {"nested": []}], "": "\x00\u2028\"\\/<é🦀"}
    r.create_run(run_config=odd)


@scenario("create_run/group")
def _(r):
    r.create_run(run_id=GIVEN)
    r.create_run(root_run_id=GIVEN, parent_run_id=GIVEN)
    r.create_run(root_run_id=GIVEN, parent_run_id=nth(1), tags={"dagster/root_run_id": GIVEN})


@scenario("create_run/root_without_parent")
def _(r):
    with r.fails("CheckError"):
        r.create_run(root_run_id=GIVEN)


@scenario("create_run/parent_without_root")
def _(r):
    with r.fails("CheckError"):
        r.create_run(parent_run_id=GIVEN)


@scenario("create_run/empty_root_and_parent")
def _(r):
    """Empty ones are not given ones, but they are written."""
    r.create_run(root_run_id="", parent_run_id="")
    with r.fails("CheckError"):
        r.create_run(root_run_id="", parent_run_id=None)


# Tags and origins


@scenario("create_run/tags")
def _(r):
    r.create_run(tags={"plain": "value", "": "empty key", "empty": "", "a key with blanks": "x", "k" * 70: "long"})
    r.create_run(tags={"dagster/priority": "3", ".dagster/hidden": "h", "ns/ns/key": "n", "ü🦀": "é\u2028\"\\"})
    r.create_run(tags={})


@scenario("create_run/tags_that_are_columns")
def _(r):
    r.create_run(tags={"dagster/partition": "p", "dagster/partition_set": "s", "dagster/backfill": "b"})
    r.create_run(tags={"dagster/partition": "", "dagster/backfill": ""})


@scenario("create_run/tag_values_of_other_types")
def _(r):
    r.create_run(tags={"dict": {"a": [1, 2.5, None, "é"]}, "list": [], "int": 3, "float": 2.0, "bool": True})
    r.create_run(tags={"null": None, "after": "x"})


@scenario("create_run/airflow")
def _(r):
    r.create_run(tags={"is_airflow_ingest_pipeline": "true"})
    r.create_run(tags={"is_airflow_ingest_pipeline": "", "airflow_execution_date": "2024-01-02T03:04:05"})
    r.create_run(tags={"airflow_execution_date": "2024-01-02"})


@scenario("create_run/origins")
def _(r):
    origin = registered_origin()
    r.create_run(remote_job_origin=origin, job_code_origin=code_origin())
    r.create_run(job_code_origin=code_origin(), tags={"a": "b"})


@scenario("create_run/code_location_tag_of_the_user")
def _(r):
    """The user's is overridden, and stays in its place."""
    r.create_run(
        remote_job_origin=registered_origin(), tags={"dagster/code_location": "mine", ".dagster/repository": "theirs"}
    )
    r.create_run(tags={"dagster/code_location": "mine"})


@scenario("create_run/remote_graph")
def _(r):
    r.create_run(**run_of("flow_job", remote=True, status="QUEUED"))


@scenario("create_run/remote_graph_without_origin")
def _(r):
    with r.fails("CheckError"):
        r.create_run(**run_of("flow_job", remote=True) | {"remote_job_origin": None})


@scenario("create_run/remote_graph_of_ops")
def _(r):
    r.create_run(**run_of("chain_job", remote=True, tags={"team": "mine"}))


# Selections


@scenario("create_run/op_selection")
def _(r):
    r.create_run(**run_of("chain_job", op_selection=["*second"], resolved_op_selection={"first", "second"}))


@scenario("create_run/asset_selection_with_op_selection")
def _(r):
    with r.fails("CheckError"):
        r.create_run(asset_selection={RAW}, op_selection=["raw"])
        r.create_run(asset_selection=set(), op_selection=[])
        r.create_run(asset_check_selection={RAW_HOLDS}, op_selection=["raw"])
    r.create_run(asset_check_selection=set(), op_selection=["raw"])


@scenario("create_run/asset_selection_with_resolved_op_selection")
def _(r):
    with r.fails("CheckError"):
        r.create_run(asset_selection={RAW}, resolved_op_selection={"raw"})
        r.create_run(asset_selection=set(), resolved_op_selection=set())
        r.create_run(asset_check_selection={RAW_HOLDS}, resolved_op_selection={"raw"})
    r.create_run(asset_check_selection=set(), resolved_op_selection={"raw", "é", "B"})


@scenario("create_run/asset_selection")
def _(r):
    r.create_run(**run_of("flow_job", asset_selection={FINAL, RAW}))
    r.create_run(**run_of("flow_job", remote=True, asset_selection={CLEAN}))
    r.create_run(asset_selection=set())


@scenario("create_run/check_selection")
def _(r):
    r.create_run(**run_of("flow_job", asset_selection={RAW}, asset_check_selection=set()))
    r.create_run(**run_of("flow_job", asset_selection={RAW}, asset_check_selection={RAW_HOLDS}))
    r.create_run(**run_of("flow_job", asset_selection={RAW}, asset_check_selection={RAW_IS_SMALL, RAW_HOLDS}))
    r.create_run(**run_of("flow_job", asset_selection={RAW}))


@scenario("create_run/step_keys")
def _(r):
    r.create_run(**run_of("flow_job", step_keys=["raw", "reports__final"]))
    r.create_run(**run_of("chain_job", step_keys=["second"]))
    r.create_run(step_keys_to_execute=[])


@scenario("create_run/step_keys_that_the_plan_has_not")
def _(r):
    """The run says what it was given; the events follow the plan."""
    r.create_run(**run_of("flow_job") | {"step_keys_to_execute": ["clean", "no such step"]})


# Snapshots


@scenario("create_run/job_snapshot_only")
def _(r):
    r.create_run(job_snapshot=run_of("chain_job")["job_snapshot"])


@scenario("create_run/plan_without_job_snapshot")
def _(r):
    with r.fails("CheckError"):
        r.create_run(**run_of("flow_job") | {"job_snapshot": None})


@scenario("create_run/parent_snapshot_without_job_snapshot")
def _(r):
    with r.fails("CheckError"):
        r.create_run(parent_job_snapshot=run_of("chain_job")["job_snapshot"])


@scenario("create_run/subset_with_lineage")
def _(r):
    r.create_run(**run_of("chain_job", op_selection=["first"]))
    r.create_run(**run_of("chain_job", op_selection=["*second"]))
    r.create_run(**run_of("chain_job"))


@scenario("create_run/subset_without_parent_snapshot")
def _(r):
    r.create_run(**run_of("chain_job", op_selection=["first"]) | {"parent_job_snapshot": None})


@scenario("create_run/parent_snapshot_without_lineage")
def _(r):
    """It is not stored."""
    r.create_run(**run_of("chain_job") | {"parent_job_snapshot": run_of("flow_job")["job_snapshot"]})


@scenario("create_run/lineage_of_another_job")
def _(r):
    """Only a warning; the snapshot that is not the parent is stored."""
    r.create_run(
        **run_of("chain_job", op_selection=["first"]) | {"parent_job_snapshot": run_of("flow_job")["job_snapshot"]}
    )


@scenario("create_run/plan_of_another_job")
def _(r):
    """Only a warning; the plan keeps the id of the job that it is of."""
    plan = run_of("flow_job")["execution_plan_snapshot"]
    r.create_run(**run_of("chain_job") | {"execution_plan_snapshot": plan})


@scenario("create_run/the_same_snapshots_again")
def _(r):
    for _again in range(2):
        r.create_run(**run_of("flow_job"))


@scenario("create_run/repository_load_data")
def _(r):
    args = run_of("flow_job")
    plan = args["execution_plan_snapshot"]._replace(repository_load_data=RepositoryLoadData({"a": ["data"]}))
    r.create_run(**args | {"execution_plan_snapshot": plan})


def without_execution_types(plan):
    def output(each):
        return each._replace(properties=each.properties._replace(asset_execution_type=None))

    steps = [step._replace(outputs=[output(each) for each in step.outputs]) for step in plan.steps]
    return plan._replace(steps=steps)


@scenario("create_run/plan_without_execution_types")
def _(r):
    """The graph tells them, and the plan is stored with them."""
    for name, remote in (("flow_job", False), ("flow_job", True), ("observe_job", False), ("chain_job", False)):
        args = run_of(name, remote=remote)
        r.create_run(**args | {"execution_plan_snapshot": without_execution_types(args["execution_plan_snapshot"])})


@scenario("create_run/plan_with_other_execution_types")
def _(r):
    """Those that are there stay."""
    args = run_of("flow_job")
    plan = args["execution_plan_snapshot"]
    outputs = [
        each._replace(properties=each.properties._replace(asset_execution_type=AssetExecutionType.OBSERVATION))
        for each in plan.steps[0].outputs
    ]
    plan = plan._replace(steps=[plan.steps[0]._replace(outputs=outputs), *plan.steps[1:]])
    r.create_run(**args | {"execution_plan_snapshot": plan})


@scenario("create_run/assets_that_the_graph_has_not")
def _(r):
    args = run_of("flow_job")
    plan = without_execution_types(args["execution_plan_snapshot"])
    r.create_run(**args | {"execution_plan_snapshot": plan, "asset_graph": None})
    r.create_run(**args | {"asset_graph": None, "tags": {"dagster/partition": "p"}})


# Planned events


@scenario("create_run/checks_only")
def _(r):
    r.create_run(**run_of("checks_job"))
    r.create_run(**run_of("checks_job", remote=True))
    r.create_run(**run_of("many_checks_job"))


@scenario("create_run/multi_asset")
def _(r):
    r.create_run(**run_of("palette_job"))
    r.create_run(**run_of("halves_job", remote=True))


@scenario("create_run/multi_asset_subset")
def _(r):
    r.create_run(**run_of("palette_job", asset_selection={AssetKey("blue"), AssetKey("red")}))
    r.create_run(**run_of("palette_job", asset_selection={AssetKey("green")}, asset_check_selection=set()))


@scenario("create_run/observable")
def _(r):
    """It is planned as a materialization."""
    r.create_run(**run_of("observe_job"))


@scenario("create_run/events_of_the_user")
def _(r):
    for value in ("false", "true", "True", "1", "yes", "no", "0", "None", "FALSE", "", " false"):
        r.create_run(**run_of("halves_job", tags={"dagster/defer_asset_events": value}))


@scenario("create_run/all_assets_in_batches", event_batch_size=3)
def _(r):
    """Sorted by key, but written in the order of the batches."""
    r.create_run(**run_of("flow_job"))
    r.create_run(**run_of("__ASSET_JOB", asset_selection={RAW, CLEAN, AssetKey("left_half"), AssetKey("right_half")}))


# Pools


@scenario("create_run/pool")
def _(r):
    r.create_run(**run_of("one_pool_job"))
    r.create_run(**run_of("one_pool_job", tags={"dagster/concurrency_key": "of the run"}))


@scenario("create_run/two_pools", unordered=(TAG_ROWS,))
def _(r):
    r.create_run(**run_of("pools_job", remote=True))


@scenario("create_run/pool_not_at_a_root")
def _(r):
    r.create_run(**run_of("leaf_pool_job"))


@scenario("create_run/pool_at_a_root_of_the_selection")
def _(r):
    r.create_run(**run_of("pools_job", step_keys=["pooled_leaf"]))
    r.create_run(**run_of("pools_job", step_keys=["pooled_root"]))


@scenario("create_run/pool_from_the_legacy_tag")
def _(r):
    r.create_run(**run_of("legacy_pool_job"))


@scenario("create_run/pool_tag_of_the_user")
def _(r):
    r.create_run(**run_of("one_pool_job", tags={".dagster/pool/database": "mine", "dagster/pool/database": "too"}))


@scenario("create_run/pool_of_an_asset")
def _(r):
    r.create_run(**run_of("pooled_asset_job", remote=True))


@scenario("create_run/nested_graph")
def _(r):
    r.create_run(**run_of("nested_job"))
    r.create_run(**run_of("dynamic_job", remote=True))
