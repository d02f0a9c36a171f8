"""Instances and storages for the suites, on the backend that `DAGSHIM_BACKEND` names."""

import os
import tempfile
from contextlib import contextmanager

import dagster as dg
from dagshim.client import Handle
from dagshim.storage import ShimMemoryEventLogStorage, ShimMemoryRunStorage
from dagster._core.instance import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage

BACKEND = os.environ.get("DAGSHIM_BACKEND", "inproc")
# In process there are Dagster's own storages, which wipe nothing less than an asset.
WIPES_PARTITIONS = BACKEND != "inproc"


@contextmanager
def shim_instance(impl="sqlite", **config):
    """An instance that has our storage in its dagster.yaml."""
    with tempfile.TemporaryDirectory() as directory:
        storage = {
            "module": "dagshim.storage",
            "class": "ShimDagsterStorage",
            "config": {"base_dir": directory, "backend": BACKEND, "impl": impl, **config},
        }
        overrides = {"storage": {"custom": storage}}
        with dg.instance_for_test(temp_dir=directory, overrides=overrides) as instance:
            yield instance


@contextmanager
def memory_instance():
    """An instance without a directory, as `DagsterInstance.ephemeral` has it."""
    handle = Handle(BACKEND, {"impl": "memory"})
    with dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),
        run_storage=ShimMemoryRunStorage(handle),
        event_storage=ShimMemoryEventLogStorage(handle),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    ) as instance:
        yield instance


@contextmanager
def standalone(storage_class, impl, **config):
    """A storage without an instance."""
    with tempfile.TemporaryDirectory() as directory:
        config = {"base_dir": directory, "impl": impl, **config}
        storage = storage_class(Handle(BACKEND, config))
        try:
            yield storage
        finally:
            storage._handle.close()
