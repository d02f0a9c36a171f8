"""The recorder that a case plays on: each call happens on a real instance, and is written down as a step of JSON."""

from contextlib import contextmanager

from scenarios import operations
from scenarios.code_location import job_json, remote_graph
from scenarios.encoding import check_key_json, key_json, ser, sorted_json
from scenarios.graphs import graph_json, no_graph
from scenarios.record_assets import AssetCalls
from scenarios.workspace import RecordingWorkspace

from dagster._core.storage.dagster_run import DagsterRunStatus


class Recorder(AssetCalls):
    """Has one method for each operation. Each gives what the operation gives back, read again, or null on an error.

    An error that the case does not expect ends it: a scenario must not pass because both sides fail.
    """

    def __init__(self, instance, location):
        self.instance = instance
        self.location = location
        self.steps = []
        self.expected = None

    @contextmanager
    def fails(self, name):
        """The calls within must raise an error of that class."""
        self.expected = name
        yield
        self.expected = None

    def step(self, operation, args, **real):
        outcome = {}
        # Written down before it happens, for what a code location is asked is added while it does.
        self.steps.append({"op": operation, "args": args, "outcome": outcome})
        try:
            outcome["ok"] = operations.OPERATIONS[operation](self.instance, args, **real)
        except Exception as error:
            if type(error).__name__ != self.expected:
                raise
            outcome["error"] = {"class": type(error).__name__, "message": str(error)}
            return None
        if self.expected:
            raise AssertionError(f"{operation} did not raise {self.expected}")
        return outcome["ok"] and operations.de(outcome["ok"])

    def create_run(
        self,
        job_name="a_job",
        run_id=None,
        run_config=None,
        status=None,
        tags=None,
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=None,
        execution_plan_snapshot=None,
        job_snapshot=None,
        parent_job_snapshot=None,
        asset_selection=None,
        asset_check_selection=None,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=None,
        job_code_origin=None,
        asset_graph=None,
    ):
        graph = asset_graph or no_graph()
        args = {
            "job_name": job_name,
            "run_id": run_id,
            "run_config": run_config,
            "status": status and DagsterRunStatus[status].name,
            "tags": tags,
            "root_run_id": root_run_id,
            "parent_run_id": parent_run_id,
            "step_keys_to_execute": step_keys_to_execute,
            "execution_plan_snapshot": ser(execution_plan_snapshot),
            "job_snapshot": ser(job_snapshot),
            "parent_job_snapshot": ser(parent_job_snapshot),
            "asset_selection": sorted_json(asset_selection, key_json),
            "asset_check_selection": sorted_json(asset_check_selection, check_key_json),
            "resolved_op_selection": sorted_json(resolved_op_selection, str),
            "op_selection": op_selection,
            "remote_job_origin": ser(remote_job_origin),
            "job_code_origin": ser(job_code_origin),
            "asset_graph": graph_json(graph),
        }
        return self.step("create_run", args, graph=graph)

    def register_managed_run(
        self,
        job_name="a_job",
        run_id=None,
        run_config=None,
        resolved_op_selection=None,
        step_keys_to_execute=None,
        tags=None,
        root_run_id=None,
        parent_run_id=None,
        job_snapshot=None,
        execution_plan_snapshot=None,
        parent_job_snapshot=None,
        op_selection=None,
        job_code_origin=None,
    ):
        args = {
            "job_name": job_name,
            "run_id": run_id,
            "run_config": run_config,
            "resolved_op_selection": sorted_json(resolved_op_selection, str),
            "step_keys_to_execute": step_keys_to_execute,
            "tags": tags or {},
            "root_run_id": root_run_id,
            "parent_run_id": parent_run_id,
            "job_snapshot": ser(job_snapshot),
            "execution_plan_snapshot": ser(execution_plan_snapshot),
            "parent_job_snapshot": ser(parent_job_snapshot),
            "op_selection": op_selection,
            "job_code_origin": ser(job_code_origin),
        }
        return self.step("register_managed_run", args)

    def create_reexecuted_run(
        self,
        parent_run_id,
        strategy,
        remote_job,
        extra_tags=None,
        run_config=None,
        use_parent_run_tags=False,
    ):
        graph = remote_graph()
        self.location.calls = []
        args = {
            "parent_run_id": parent_run_id,
            "strategy": strategy,
            "extra_tags": extra_tags,
            "run_config": run_config,
            "use_parent_run_tags": use_parent_run_tags,
            "remote_job": job_json(remote_job),
            "asset_graph": graph_json(graph),
            "code_location": self.location.calls,
        }
        return self.step("create_reexecuted_run", args, graph=graph, location=self.location, job=remote_job)

    def retry_runs(self, is_away=False):
        """A look at the runs that have failed. Their code location may be away."""
        self.location.calls = []
        args = {"asset_graph": graph_json(remote_graph()), "code_location": self.location.calls}
        return self.step("retry_runs", args, workspace=RecordingWorkspace(self.location, is_away))

    def report_dagster_event(self, run_id, event, level=10, timestamp=None, batch=None):
        args = {"run_id": run_id, "event": ser(event), "level": level, "timestamp": timestamp, "batch": batch}
        return self.step("report_dagster_event", args)

    def handle_new_event(self, entry, batch=None):
        return self.step("handle_new_event", {"entry": ser(entry), "batch": batch})

    def store_event(self, entry):
        return self.step("store_event", {"entry": ser(entry)})

    def report_engine_event(self, message, run_id, job_name=None, step_key=None, engine_event_data=None):
        args = {
            "message": message,
            "run_id": run_id,
            "job_name": job_name,
            "step_key": step_key,
            "engine_event_data": ser(engine_event_data),
        }
        return self.step("report_engine_event", args)

    def report_run_canceling(self, run_id, message=None):
        return self.step("report_run_canceling", {"run_id": run_id, "message": message})

    def report_run_canceled(self, run_id, message=None):
        return self.step("report_run_canceled", {"run_id": run_id, "message": message})

    def report_run_failed(self, run_id, message=None, job_failure_data=None):
        args = {"run_id": run_id, "message": message, "job_failure_data": ser(job_failure_data)}
        return self.step("report_run_failed", args)

    def add_run(self, run):
        return self.step("add_run", {"run": ser(run)})

    def add_run_tags(self, run_id, tags):
        return self.step("add_run_tags", {"run_id": run_id, "tags": tags})

    def delete_run(self, run_id):
        return self.step("delete_run", {"run_id": run_id})

    def handle_run_event(self, run_id, event, timestamp):
        return self.step("handle_run_event", {"run_id": run_id, "event": ser(event), "timestamp": timestamp})

    def add_backfill(self, backfill):
        return self.step("add_backfill", {"backfill": ser(backfill)})

    def add_dynamic_partitions(self, name, keys):
        return self.step("add_dynamic_partitions", {"name": name, "keys": keys})

    def report_runless_asset_event(self, event):
        return self.step("report_runless_asset_event", {"event": ser(event)})

    def call(self, operation, **args):
        """An operation that needs nothing beside its arguments."""
        return self.step(operation, args)
