"""A launcher and a coordinator that do as their settings say: they work, throw, or see the run end while they are asked.

Of a worker, the launcher says the status that its settings name.
"""

from dagster import String
from dagster._config import Field
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.launcher import CheckRunHealthResult, RunLauncher, WorkerStatus
from dagster._core.run_coordinator import RunCoordinator
from dagster._serdes import ConfigurableClass

WORKS, THROWS, FINISHES, REFUSES, ABSENT = "works", "throws", "finishes", "refuses", "absent"
TELLS, TELLS_NOTHING = "tells", "tells nothing"
ASKED = ("launch", "resume", "terminate", "health", "debug")


def throw():
    try:
        raise KeyError("the cluster is full")
    except KeyError as cause:
        raise ValueError("no worker") from cause


class Configured(ConfigurableClass):
    def __init__(self, inst_data=None, **does):
        self._inst_data = inst_data
        self.does = does
        super().__init__()

    @property
    def inst_data(self):
        return self._inst_data

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        return cls(inst_data, **config_value)


class LauncherDouble(Configured, RunLauncher):
    @classmethod
    def config_type(cls):
        return {name: Field(String, is_required=False, default_value=WORKS) for name in ASKED}

    def ends(self, run, *types):
        for each in types:
            self._instance.report_dagster_event(DagsterEvent(each.value, run.job_name), run.run_id)

    def start(self, what, run):
        does = self.does[what]
        if does == THROWS:
            throw()
        self._instance.report_engine_event(f"[LauncherDouble] {what}", run)
        if does == FINISHES:
            self.ends(run, DagsterEventType.RUN_START, DagsterEventType.RUN_SUCCESS)

    def launch_run(self, context):
        self.start("launch", context.dagster_run)

    @property
    def supports_resume_run(self):
        return self.does["resume"] != ABSENT

    def resume_run(self, context):
        if self.does["resume"] == ABSENT:
            return super().resume_run(context)
        self.start("resume", context.dagster_run)

    @property
    def supports_check_run_worker_health(self):
        return self.does["health"] != ABSENT

    def check_run_worker_health(self, run):
        does = self.does["health"]
        if does == THROWS:
            throw()
        if does == FINISHES:
            self.ends(run, DagsterEventType.RUN_SUCCESS)
        status = {WORKS: "RUNNING", FINISHES: "FAILED"}.get(does, does)
        return CheckRunHealthResult(WorkerStatus[status], "exit code 137" if status == "FAILED" else None)

    def get_run_worker_debug_info(self, run, include_container_logs=True):
        does = self.does["debug"]
        if does == WORKS:
            return super().get_run_worker_debug_info(run, include_container_logs)
        if does == THROWS:
            throw()
        if does == FINISHES:
            self.ends(run, DagsterEventType.RUN_SUCCESS)
        if does == TELLS_NOTHING:
            return ""
        return f"It was on node 7, {'with' if include_container_logs else 'without'} its logs."

    def terminate(self, run_id):
        run, does = self._instance.get_run_by_id(run_id), self.does["terminate"]
        if not run or run.is_finished or does == REFUSES:
            return False
        if does == THROWS:
            throw()
        if does == FINISHES:
            self.ends(run, DagsterEventType.RUN_SUCCESS)
            return False
        self._instance.report_run_canceling(run)
        return True


class CoordinatorDouble(Configured, RunCoordinator):
    """It throws, whatever it is asked."""

    @classmethod
    def config_type(cls):
        return {}

    def submit_run(self, context):
        throw()

    def cancel_run(self, run_id):
        throw()
