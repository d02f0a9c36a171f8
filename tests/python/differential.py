"""Print generated documents and values with what Python and Dagster write for them, as JSON lines.

A document's line is {"json": text, "expected": json.dumps(json.loads(text), sort_keys=True)}, a value's
{"class": name, "body": serialize_value(value)}. Every line is strict JSON in UTF-8: half a surrogate pair
occurs only as an escape inside the inner text, as do NaN and Infinity as words. Same seed, same lines. Dagster
itself reads each body back to the same body.

With --kept, the cases of that file come first: lines with "json" or "body" alone. With --answer, such lines are
read from stdin, and each is answered by what it should be written as, or by null if Python does not read it or
would not have written that body.
"""

import argparse
import datetime
import json
import random
import re
import sys
import warnings

from common import emit

# Documents

EDGE_INTS = [0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64]
EDGE_FLOATS = [
    0.0, -0.0, 0.1, 0.1 + 0.2, 1e-4, 9.999e-5, 1e-5, 1e-7, 123456789.0, 1e15, 9999999999999998.0, 1e16, 1e17, 1e21,
    1e22, 1e23, 1e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53, 2.0**63, 2.0**64, 100.0, 1.5,
]  # fmt: skip
WORDS = ["NaN", "Infinity", "-Infinity", "true", "false", "null"]
ODD_NUMBERS = ["1E5", "1e+5", "1.0E-3", "-0", "-0.0", "0e0", "-0e-5", "1e400", "-1e400", "1e-400", "0.10", "1.50e01", "123e-2", "1E+0400"]
ODD_CHARACTERS = "\"\\/\b\f\n\r\t\x00\x01\x1f\x7f\x80\x9f\u2028\u2029\ufeff\ufffe\uffff\ufffd\u0130ßéΩж中\ue000🦀𝄞\U0001f468\u200d\U0010ffff\U00010000"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCXYZ_0123456789 -./"
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
MUST_ESCAPE = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')


class Writer:
    """Writes JSON text piece by piece, in every spelling that Python reads as the same value."""

    def __init__(self, source):
        self.random = source

    def integer(self):
        kind = self.random.random()
        if kind < 0.3:
            return str(self.random.choice(EDGE_INTS))
        bits = self.random.choice((4, 8, 16, 32, 60, 63, 64, 65, 100, 300)) if kind < 0.9 else 2000
        return str(self.random.getrandbits(bits) * self.random.choice((1, 1, -1)))

    def number(self):
        kind = self.random.random()
        if kind < 0.45:
            return self.integer()
        if kind < 0.6:
            return repr(self.random.choice(EDGE_FLOATS) * self.random.choice((1, -1)))
        if kind < 0.75:
            return repr(self.random.uniform(-1, 1) * 10.0 ** self.random.randint(-320, 307))
        if kind < 0.85:
            return repr(round(self.random.uniform(-1e6, 1e6), self.random.randint(0, 6)))
        if kind < 0.92:
            digits = self.random.getrandbits(self.random.choice((20, 60, 80, 200)))
            return f"{digits}{self.random.choice(('.', 'e', '.5e', 'E-', 'e+'))}{self.random.randint(0, 40)}"
        return self.random.choice(ODD_NUMBERS)

    def string(self):
        if self.random.random() < 0.75:
            return '"' + "".join(self.random.choices(ALPHABET, k=self.random.randint(0, 12))) + '"'
        characters = []
        for _ in range(self.random.randint(1, 8)):
            kind = self.random.random()
            if kind < 0.5:
                character = self.random.choice(ODD_CHARACTERS)
            elif kind < 0.8:
                character = self.random.choice(ALPHABET)
            elif kind < 0.9:
                character = chr(self.random.randrange(0x110000))
            else:
                character = chr(self.random.randrange(0xD800, 0xE000))
            characters.append(self.escaped(character))
        return '"' + "".join(characters) + '"'

    def escaped(self, character):
        raw = not MUST_ESCAPE.match(character)
        if raw and self.random.random() < 0.5:
            return character
        if character in SHORT_ESCAPES and self.random.random() < 0.5:
            return SHORT_ESCAPES[character]
        code = ord(character)
        units = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]
        form = self.random.choice(("\\u%04x", "\\u%04X"))
        return "".join(form % unit for unit in units)

    def space(self):
        return "" if self.random.random() < 0.7 else self.random.choice((" ", "\n", "\t", "  ", "\r\n"))

    def value(self, depth):
        kind = self.random.random()
        if depth > 0 and kind < 0.5:
            return self.container(depth - 1)
        if kind < 0.7:
            return self.string()
        return self.number() if kind < 0.92 else self.random.choice(WORDS)

    def container(self, depth, size=None):
        space = self.space
        count = self.random.choice((0, 1, 2, 3, 5)) if size is None else size
        if self.random.random() < 0.5:
            items = [f"{space()}{self.value(depth)}{space()}" for _ in range(count)]
            return f"[{','.join(items) or space()}]"
        keys = {json.loads(key): key for key in (self.string() for _ in range(count))}
        items = [f"{space()}{key}{space()}:{space()}{self.value(depth)}{space()}" for key in keys.values()]
        return f"{{{','.join(items) or space()}}}"

    def document(self):
        kind = self.random.random()
        if kind < 0.1:
            return self.value(0)
        if kind < 0.15:
            text = self.value(1)
            for _ in range(self.random.randint(10, 48)):
                text = f"[{text}]" if self.random.random() < 0.5 else f"{{{self.string()}: {text}}}"
            return text
        if kind < 0.25:
            # as json.dumps writes it, keys unsorted
            loaded = json.loads(self.container(2, 3))
            indent = self.random.choice((None, 0, 1, 4))
            separators = self.random.choice((None, (",", ":"), (" , ", " : ")))
            text = json.dumps(loaded, indent=indent, separators=separators, ensure_ascii=False)
            return MUST_ESCAPE_HALVES.sub(lambda half: "\\u%04x" % ord(half.group()), text)
        return f"{self.space()}{self.container(self.random.choice((1, 2, 2, 3)))}{self.space()}"


MUST_ESCAPE_HALVES = re.compile("[\ud800-\udfff]")


def documents(source, count):
    writer = Writer(source)
    for _ in range(count):
        text = writer.document()
        yield {"json": text, "expected": json.dumps(json.loads(text), sort_keys=True)}


# Values


class Values:
    """Makes domain values of many classes with random fields."""

    def __init__(self, source):
        import dagster as dg
        from dagster._core.definitions.asset_health.asset_health import AssetHealthStatus

        self.random, self.dg, self.health = source, dg, AssetHealthStatus
        self.letters = dg.StaticPartitionsDefinition(["a", "b/ü", "c", "d"])
        self.windows = [
            dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01"),
            dg.HourlyPartitionsDefinition("2024-03-09-00:00", end_date="2024-03-12-00:00", timezone="America/New_York"),
            dg.MonthlyPartitionsDefinition("2020-01-01", end_date="2024-01-01", day_offset=3),
            dg.TimeWindowPartitionsDefinition(
                start="2024-01-01-00", end="2024-02-01-00", cron_schedule="0 */6 * * 1-5", fmt="%Y-%m-%d-%H"
            ),
        ]  # fmt: skip
        self.keys = {id(window): window.get_partition_keys() for window in self.windows}
        self.makers = sorted(name[5:] for name in dir(self) if name.startswith("make_"))

    # plain parts

    def chance(self, share=0.5):
        return self.random.random() < share

    def maybe(self, make, share=0.5):
        return make() if self.chance(share) else None

    def some(self, make, most=3):
        return [make() for _ in range(self.random.randint(0, most))]

    def text(self):
        length = self.random.randint(0, 10)
        # never both halves: side by side they would be read back as one character
        source = ALPHABET if self.chance(0.8) else ODD_CHARACTERS + self.random.choice("\ud83e\udc00")
        return "".join(self.random.choices(source, k=length))

    def name(self):
        return "".join(self.random.choices("abcdefgüЖ_0123", k=self.random.randint(1, 8)))

    def whole(self):
        return self.random.choice((self.random.randint(-5, 1000), self.random.choice(EDGE_INTS)))

    def real(self):
        if self.chance(0.3):
            return self.random.choice([*EDGE_FLOATS, float("nan"), float("inf"), float("-inf")])
        return self.random.uniform(-1, 1) * 10.0 ** self.random.randint(-30, 30)

    def time(self):
        return self.random.choice((1.7e9 + self.random.random() * 1e7, float(self.random.randint(0, 2**31))))

    def run_id(self):
        return f"{self.random.getrandbits(128):032x}"

    def texts(self):
        return {self.name(): self.text() for _ in range(self.random.randint(0, 4))}

    def plain(self, depth=3):
        kind = self.random.random()
        if depth and kind < 0.3:
            return {self.text(): self.plain(depth - 1) for _ in range(self.random.randint(0, 3))}
        if depth and kind < 0.5:
            return self.some(lambda: self.plain(depth - 1))
        return self.random.choice((self.text, self.whole, self.real, lambda: None, lambda: True))()

    def config(self):
        return {self.text(): self.plain() for _ in range(self.random.randint(0, 3))}

    def enum(self, kind):
        return self.random.choice(list(kind))

    def key(self):
        return self.dg.AssetKey([self.name() for _ in range(self.random.randint(1, 3))])

    def check_key(self):
        return self.dg.AssetCheckKey(self.key(), self.name())

    def error(self, depth=3):
        from dagster._utils.error import SerializableErrorInfo

        inner = lambda: self.error(depth - 1)  # noqa: E731
        return SerializableErrorInfo(
            self.text(),
            self.some(self.text),
            self.maybe(self.name, 0.9),
            self.maybe(inner, 0.3) if depth else None,
            self.maybe(inner, 0.3) if depth else None,
        )

    # parts of values

    def column(self):
        dg = self.dg
        constraints = dg.TableColumnConstraints(self.chance(), self.chance(), self.some(self.text))
        return dg.TableColumn(self.name(), self.name(), self.maybe(self.text), self.maybe(lambda: constraints), {self.random.choice("abc"): "v1"})

    def schema(self):
        constraints = self.maybe(lambda: self.dg.TableConstraints(self.some(self.text)))
        return self.dg.TableSchema([self.column() for _ in range(self.random.randint(0, 2))], constraints)

    def metadata_value(self):
        from dagster._core.definitions.metadata.metadata_value import (
            ObjectMetadataValue,
            PoolMetadataValue,
        )

        dg, value, text = self.dg, self.dg.MetadataValue, self.text
        record = lambda: dg.TableRecord({"id": self.whole(), "x": self.real(), "t": text(), "b": True})  # noqa: E731
        column_dep = lambda: dg.TableColumnDep(self.key(), self.name())  # noqa: E731
        return self.random.choice(
            (
                lambda: value.text(text()),
                lambda: value.url(text()),
                lambda: value.path(text()),
                lambda: value.notebook(text()),
                lambda: value.md(text()),
                lambda: value.json(self.config()),
                lambda: value.float(self.real()),
                lambda: value.int(self.whole()),
                lambda: value.bool(self.chance()),
                value.null,
                lambda: value.timestamp(self.time()),
                lambda: value.dagster_run(self.run_id()),
                lambda: value.job(self.name(), self.name(), repository_name=self.maybe(self.name)),
                lambda: value.asset(self.key()),
                lambda: value.python_artifact(self.dg.AssetKey),
                lambda: value.table([record()], dg.TableSchema([dg.TableColumn("id")])),
                lambda: value.table_schema(self.schema()),
                lambda: value.column_lineage(dg.TableColumnLineage({self.name(): self.some(column_dep)})),
                lambda: PoolMetadataValue(self.name()),
                lambda: ObjectMetadataValue(self.name()),
                lambda: dg.CodeReferencesMetadataValue(
                    code_references=[
                        dg.LocalFileCodeReference(file_path=text(), line_number=self.maybe(self.whole), label=self.maybe(text)),
                        dg.UrlCodeReference(url=text(), label=self.maybe(text)),
                    ]
                ),
            )
        )()  # fmt: skip

    def metadata(self):
        return {self.text(): self.metadata_value() for _ in range(self.random.randint(0, 4))}

    def subset(self):
        return self.any_subset().to_serializable_subset()

    def any_subset(self):
        window = self.random.choice(self.windows)
        kind = self.random.random()
        if kind < 0.3:
            return self.letters.subset_with_partition_keys(self.random.sample(["a", "b/ü", "c", "d"], self.random.randint(0, 4)))
        if kind < 0.4:
            return window.empty_subset()
        keys = self.keys[id(window)]
        return window.subset_with_partition_keys(self.random.sample(keys, min(len(keys), self.random.randint(1, 6))))

    def graph_subset(self):
        from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset

        subsets = {self.key(): self.subset() for _ in range(self.random.randint(0, 3))}
        return AssetGraphSubset(subsets, {self.key() for _ in range(self.random.randint(0, 3))})

    def node_handle(self):
        from dagster._core.definitions.dependency import NodeHandle

        return NodeHandle(self.name(), self.maybe(self.node_handle, 0.3))

    def step_handle(self):
        from dagster._core.execution.plan.handle import ResolvedFromDynamicStepHandle, StepHandle

        if self.chance(0.2):
            return ResolvedFromDynamicStepHandle(self.node_handle(), self.name())
        return StepHandle(self.node_handle())

    def location_origin(self):
        from dagster._core import remote_origin as origins
        from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

        place = self.random.choice(("python_file", "module_name", "package_name", "autoload_defs_module_name"))
        target = LoadableTargetOrigin(
            executable_path=self.maybe(self.name), working_directory=self.maybe(self.name), **{place: self.name()}
        )
        return self.random.choice(
            (
                lambda: origins.ManagedGrpcPythonEnvCodeLocationOrigin(target, self.maybe(self.name)),
                lambda: origins.InProcessCodeLocationOrigin(target, self.maybe(self.name), location_name=self.name()),
                lambda: origins.GrpcServerCodeLocationOrigin(
                    host=self.name(), port=self.random.randint(1, 9999), use_ssl=self.maybe(lambda: True)
                ),
                lambda: origins.RegisteredCodeLocationOrigin(self.name()),
            )
        )()

    def repository_origin(self):
        from dagster._core.remote_origin import RemoteRepositoryOrigin

        return RemoteRepositoryOrigin(self.location_origin(), self.name())

    def code_origin(self):
        from dagster._core import code_pointer as pointers
        from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

        module = pointers.ModuleCodePointer(self.name(), self.name(), self.maybe(self.name))
        pointer = self.random.choice(
            (
                module,
                pointers.FileCodePointer(self.name(), self.name(), self.maybe(self.name)),
                pointers.PackageCodePointer(self.name(), self.name(), self.maybe(self.name)),
                pointers.CustomPointer(module, [self.name()], [["k", self.plain(1)]]),
            )
        )
        context = self.maybe(self.config)
        code = RepositoryPythonOrigin(self.name(), pointer, self.maybe(self.name), self.maybe(lambda: self.some(self.name)), context)
        return JobPythonOrigin(self.name(), code)

    def run_request(self):
        partitions = self.chance(0.2)
        return self.dg.RunRequest(
            run_key=self.maybe(self.text),
            run_config={} if partitions else self.config(),
            tags=self.texts(),
            job_name=self.maybe(self.name),
            asset_selection=None if partitions else self.maybe(lambda: self.some(self.key)),
            partition_key=None if partitions else self.maybe(self.name),
            asset_check_keys=None if partitions else self.maybe(lambda: self.some(self.check_key)),
            asset_graph_subset=self.graph_subset() if partitions else None,
        )

    # data of events

    def type_check(self):
        from dagster._core.execution.plan.objects import TypeCheckData

        return TypeCheckData(self.chance(), self.name(), self.maybe(self.text), self.metadata())

    def event_data(self, event_type):
        """The event's data if its type has any, as Dagster pairs them."""
        from dagster._core import events as ev
        from dagster._core.definitions import events as defs
        from dagster._core.definitions.asset_checks.asset_check_evaluation import (
            AssetCheckEvaluationPlanned,
            AssetCheckEvaluationTargetMaterializationData,
        )
        from dagster._core.definitions.freshness import (
            FreshnessState,
            FreshnessStateChange,
            FreshnessStateEvaluation,
        )
        from dagster._core.execution.plan import objects, outputs
        from dagster._core.execution.plan.inputs import StepInputData
        from dagster._core.storage.compute_log_manager import LogRetrievalShellCommand

        dg, text, name, maybe = self.dg, self.text, self.name, self.maybe
        types = ev.DagsterEventType
        # an asset event's tags may hold little
        tags = lambda: maybe(lambda: {self.random.choice("abc"): self.random.choice(("", "v_1"))})  # noqa: E731

        def asset_event(kind):
            return kind(self.key(), maybe(text), self.metadata(), maybe(name), tags())

        def engine():
            return ev.EngineEventData(self.metadata(), maybe(self.error, 0.3), maybe(name), maybe(name))

        def step_failure():
            user = objects.UserFailureData(name(), maybe(text), self.metadata())
            return objects.StepFailureData(maybe(self.error), maybe(lambda: user), maybe(lambda: self.enum(objects.ErrorSource)))

        def run_failure():
            event = ev.DagsterEvent("STEP_FAILURE", name(), event_specific_data=step_failure(), step_key=name())
            return ev.JobFailureData(maybe(self.error), maybe(lambda: self.enum(ev.RunFailureReason)), maybe(lambda: event))

        def check_evaluation():
            target = AssetCheckEvaluationTargetMaterializationData(
                storage_id=self.random.randint(1, 2**62), run_id=self.run_id(), timestamp=self.time()
            )
            return dg.AssetCheckEvaluation(
                asset_key=self.key(), check_name=name(), passed=self.chance(), metadata=self.metadata(),
                target_materialization_data=maybe(lambda: target), severity=self.enum(dg.AssetCheckSeverity),
                description=maybe(text), blocking=maybe(self.chance), partition=maybe(name),
            )  # fmt: skip

        def planned():
            by_subset = self.chance(0.4)
            partition = None if by_subset else maybe(name)
            return ev.AssetMaterializationPlannedData(self.key(), partition, self.subset() if by_subset else None)

        def failed_to_materialize():
            failure = defs.AssetMaterializationFailure(
                self.key(), self.enum(defs.AssetMaterializationFailureType), self.enum(defs.AssetMaterializationFailureReason),
                maybe(text), self.metadata(), maybe(name), tags(), maybe(self.chance),
            )  # fmt: skip
            return ev.AssetFailedToMaterializeData(failure, maybe(self.error), maybe(name), maybe(name))

        def captured():
            command = LogRetrievalShellCommand(stdout=maybe(text), stderr=maybe(text))
            return ev.ComputeLogsCaptureData(name(), self.some(name), maybe(text), maybe(text), maybe(text), maybe(lambda: command))

        def output():
            handle = outputs.StepOutputHandle(name(), name(), maybe(name))
            return outputs.StepOutputData(handle, maybe(self.type_check), maybe(name), self.metadata())

        makers = {
            types.STEP_OUTPUT: output,
            types.STEP_INPUT: lambda: StepInputData(input_name=name(), type_check_data=self.type_check()),
            types.STEP_FAILURE: step_failure,
            types.STEP_SUCCESS: lambda: objects.StepSuccessData(abs(self.real())),
            types.STEP_UP_FOR_RETRY: lambda: objects.StepRetryData(self.error(), maybe(self.time)),
            types.ASSET_MATERIALIZATION: lambda: ev.StepMaterializationData(
                asset_event(dg.AssetMaterialization), self.some(lambda: defs.AssetLineageInfo(self.key(), set(self.some(name))))
            ),
            types.ASSET_OBSERVATION: lambda: ev.AssetObservationData(asset_event(dg.AssetObservation)),
            types.ASSET_MATERIALIZATION_PLANNED: planned,
            types.ASSET_FAILED_TO_MATERIALIZE: failed_to_materialize,
            types.STEP_EXPECTATION_RESULT: lambda: ev.StepExpectationResultData(
                dg.ExpectationResult(self.chance(), maybe(name), maybe(text), self.metadata())
            ),
            types.ASSET_CHECK_EVALUATION_PLANNED: lambda: AssetCheckEvaluationPlanned(
                asset_key=self.key(), check_name=name(), partitions_subset=maybe(self.subset)
            ),
            types.ASSET_CHECK_EVALUATION: check_evaluation,
            types.ASSET_HEALTH_CHANGED: lambda: ev.AssetHealthChangedData(
                asset_key=self.key(), previous_health_state=self.enum(self.health), new_health_state=self.enum(self.health)
            ),
            types.ASSET_WIPED: lambda: ev.AssetWipedData(asset_key=self.key(), partition_keys=maybe(lambda: self.some(name))),
            types.RUN_ENQUEUED: lambda: maybe(lambda: ev.RunEnqueuedData(name(), name(), maybe(name))),
            types.RUN_FAILURE: run_failure,
            types.RUN_CANCELED: lambda: ev.JobCanceledData(maybe(self.error)),
            types.OBJECT_STORE_OPERATION: lambda: ev.ObjectStoreOperationResultData(
                name(), maybe(name), self.metadata(), maybe(text), maybe(name), maybe(name)
            ),
            types.HANDLED_OUTPUT: lambda: ev.HandledOutputData(name(), name(), self.metadata()),
            types.LOADED_INPUT: lambda: ev.LoadedInputData(name(), name(), maybe(name), maybe(name), self.metadata()),
            types.HOOK_ERRORED: lambda: ev.HookErroredData(self.error()),
            types.LOGS_CAPTURED: captured,
            types.FRESHNESS_STATE_EVALUATION: lambda: FreshnessStateEvaluation(key=self.key(), freshness_state=self.enum(FreshnessState)),
            types.FRESHNESS_STATE_CHANGE: lambda: FreshnessStateChange(
                key=self.key(), new_state=self.enum(FreshnessState), previous_state=self.enum(FreshnessState), state_change_timestamp=self.time()
            ),
            types.CODE_LOCATION_UPDATED: lambda: maybe(lambda: ev.CodeLocationUpdatedData(code_location_name=name(), new_version_key=name())),
            **dict.fromkeys(ev.MARKER_EVENTS, engine),
        }  # fmt: skip
        return makers[event_type]() if event_type in makers else None

    # values that have a row of their own

    def make_event_log_entry(self):
        from dagster._core.events import DagsterEvent, DagsterEventType
        from dagster._core.events.log import EventLogEntry

        event = None
        if self.chance(0.85):
            event_type = self.random.choice(
                # which Dagster writes no more, and reads only with data of a class that is gone
                [kind for kind in DagsterEventType if kind != DagsterEventType.ASSET_STORE_OPERATION]
            )
            handle = self.maybe(self.step_handle)
            event = DagsterEvent(
                event_type_value=event_type.value,
                job_name=self.name(),
                step_handle=handle,
                node_handle=handle and handle.node_handle,
                step_kind_value=self.maybe(lambda: "COMPUTE"),
                logging_tags=self.texts(),
                event_specific_data=self.event_data(event_type),
                message=self.maybe(self.text),
                pid=self.maybe(lambda: self.random.randint(1, 99999)),
                step_key=self.maybe(self.name),
            )
        return EventLogEntry(
            error_info=self.maybe(self.error, 0.1),
            level=self.random.choice((10, 20, 30, 40, 50, "INFO")),
            user_message=self.text(),
            run_id=self.run_id(),
            timestamp=self.time(),
            step_key=self.maybe(self.name),
            job_name=self.maybe(self.name),
            dagster_event=event,
        )

    def make_run(self):
        from dagster._core.remote_origin import RemoteJobOrigin
        from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus, RunOpConcurrency

        status = self.enum(DagsterRunStatus)
        origin = RemoteJobOrigin(self.repository_origin(), self.name())
        parent = self.maybe(self.run_id)
        pools = RunOpConcurrency(
            root_key_counts={self.name(): self.random.randint(1, 9)},
            has_unconstrained_root_nodes=self.chance(),
            all_pools=self.maybe(lambda: set(self.some(self.name))),
        )
        return DagsterRun(
            job_name=self.name(),
            run_id=self.run_id(),
            run_config=self.config(),
            asset_selection=self.maybe(lambda: frozenset(self.some(self.key))),
            asset_check_selection=self.maybe(lambda: frozenset(self.some(self.check_key))),
            op_selection=self.maybe(lambda: self.some(self.name)),
            resolved_op_selection=self.maybe(lambda: frozenset(self.some(self.name))),
            step_keys_to_execute=self.maybe(lambda: self.some(self.name)),
            status=status,
            tags=self.texts(),
            root_run_id=parent,
            parent_run_id=parent,
            job_snapshot_id=self.maybe(self.run_id),
            execution_plan_snapshot_id=self.maybe(self.run_id),
            remote_job_origin=origin if status == DagsterRunStatus.QUEUED else self.maybe(lambda: origin),
            job_code_origin=self.maybe(self.code_origin),
            has_repository_load_data=self.chance(),
            run_op_concurrency=self.maybe(lambda: pools),
        )

    def make_metadata_value(self):
        return self.metadata_value()

    def make_asset_key(self):
        return self.key() if self.chance() else self.check_key()

    def make_subset(self):
        return self.random.choice((self.subset, self.graph_subset, self.entity_subset))()

    def entity_subset(self):
        from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset

        value = self.subset() if self.chance(0.7) else self.chance()
        key = self.key() if self.chance(0.8) or not isinstance(value, bool) else self.check_key()
        return SerializableEntitySubset(key, value)

    def make_backfill(self):
        from dagster._core.definitions.timestamp import TimestampWithTimezone
        from dagster._core.execution.asset_backfill import AssetBackfillData
        from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
        from dagster._core.remote_origin import RemotePartitionSetOrigin

        common = {
            "backfill_id": self.name(),
            "status": self.enum(BulkActionStatus),
            "from_failure": self.chance(),
            "tags": self.texts(),
            "backfill_timestamp": self.time(),
            "error": self.maybe(self.error),
            "title": self.maybe(self.name),
            "description": self.maybe(self.text),
            "run_config": self.maybe(self.config),
            "failure_count": self.random.randint(0, 3),
            "backfill_end_timestamp": self.maybe(self.time),
        }
        if self.chance():
            origin = RemotePartitionSetOrigin(repository_origin=self.repository_origin(), partition_set_name=self.name())
            return PartitionBackfill(
                partition_set_origin=origin,
                partition_names=self.some(self.name),
                last_submitted_partition_name=self.maybe(self.name),
                reexecution_steps=self.maybe(lambda: self.some(self.name)),
                **common,
            )
        data = AssetBackfillData(
            target_subset=self.graph_subset(),
            requested_runs_for_target_roots=self.chance(),
            latest_storage_id=self.maybe(lambda: self.random.randint(0, 2**40)),
            materialized_subset=self.graph_subset(),
            requested_subset=self.graph_subset(),
            failed_and_downstream_subset=self.graph_subset(),
            backfill_start_time=TimestampWithTimezone(self.time(), self.random.choice(("UTC", "Europe/Berlin"))),
        )
        return PartitionBackfill(
            asset_selection=self.some(self.key),
            asset_backfill_data=data,
            submitting_run_requests=self.some(self.run_request, 2),
            reserved_run_ids=self.some(self.run_id, 2),
            **common,
        )

    def instigator_kind(self):
        from dagster._core.definitions.run_request import InstigatorType

        return self.random.choice((InstigatorType.SCHEDULE, InstigatorType.SENSOR))

    def make_instigator_state(self):
        from dagster._core.definitions.run_request import InstigatorType
        from dagster._core.definitions.sensor_definition import SensorType
        from dagster._core.remote_origin import RemoteInstigatorOrigin
        from dagster._core.scheduler import instigation

        kind, time = self.instigator_kind(), lambda: self.maybe(self.time)
        if kind == InstigatorType.SCHEDULE:
            cron = self.random.choice(("* * * * *", ["@daily", "0 0 * * 1"]))
            data = instigation.ScheduleInstigatorData(cron, time(), time())
        else:
            data = instigation.SensorInstigatorData(
                time(), self.maybe(self.text), self.maybe(lambda: 30), self.maybe(self.text), time(), time(),
                self.maybe(lambda: self.enum(SensorType)), time(),
            )  # fmt: skip
        origin = RemoteInstigatorOrigin(self.repository_origin(), self.name())
        statuses = instigation.InstigatorStatus
        # not AUTOMATICALLY_RUNNING, which is read as DECLARED_IN_CODE
        status = self.random.choice((statuses.RUNNING, statuses.DECLARED_IN_CODE, statuses.STOPPED))
        return instigation.InstigatorState(origin, kind, status, data)

    def make_tick(self):
        from dagster._core.definitions.run_request import InstigatorType
        from dagster._core.scheduler import instigation

        added, status = self.chance(), self.enum(instigation.TickStatus)
        results = instigation.DynamicPartitionsRequestResult(
            self.name(), self.some(self.name) if added else None, None if added else self.some(self.name), self.some(self.name)
        )
        data = instigation.TickData(
            instigator_origin_id=self.run_id(),
            instigator_name=self.name(),
            instigator_type=self.enum(InstigatorType),
            status=status,
            timestamp=self.time(),
            run_ids=self.some(self.run_id),
            run_keys=self.some(self.text),
            error=self.error() if status == instigation.TickStatus.FAILURE else None,
            skip_reason=self.text() if status == instigation.TickStatus.SKIPPED else None,
            cursor=self.maybe(self.text),
            origin_run_ids=self.some(self.run_id),
            failure_count=self.random.randint(0, 3),
            selector_id=self.maybe(self.run_id),
            log_key=self.maybe(lambda: self.some(self.name)),
            dynamic_partitions_request_results=self.maybe(lambda: [results]),
            end_timestamp=self.maybe(self.time),
            run_requests=self.maybe(lambda: self.some(self.run_request)),
            auto_materialize_evaluation_id=self.maybe(lambda: self.random.randint(0, 99)),
            reserved_run_ids=self.maybe(lambda: self.some(self.run_id)),
            consecutive_failure_count=self.random.randint(0, 3),
            user_interrupted=self.chance(),
        )
        return data if self.chance(0.7) else instigation.InstigatorTick(self.random.randint(0, 2**40), data)

    def make_heartbeat(self):
        from dagster._daemon.types import DaemonHeartbeat

        return DaemonHeartbeat(self.time(), self.name(), self.maybe(self.name), self.maybe(lambda: self.some(self.error)))

    def make_error(self):
        return self.error(6)

    def make_evaluation(self):
        from dagster._core.definitions.declarative_automation import serialized_objects as automation

        evaluation = self.evaluation(2)
        run_ids = frozenset(self.some(self.run_id))
        return automation.AutomationConditionEvaluationWithRunIds(evaluation, run_ids) if self.chance() else evaluation

    def evaluation(self, depth):
        from dagster._core.definitions.declarative_automation import serialized_objects as automation

        snapshot = automation.AutomationConditionNodeSnapshot(
            class_name=self.name(), description=self.text(), unique_id=self.run_id(),
            label=self.maybe(self.text), name=self.maybe(self.name), operator_type=self.random.choice(("and", "or", "not", "identity")),
        )  # fmt: skip
        with_metadata = lambda: automation.AssetSubsetWithMetadata(  # noqa: E731
            subset=self.entity_subset(), metadata=self.metadata()
        )
        candidate = automation.HistoricalAllPartitionsSubsetSentinel() if self.chance() else self.entity_subset()
        return automation.AutomationConditionEvaluation(
            condition_snapshot=snapshot,
            start_timestamp=self.maybe(self.time),
            end_timestamp=self.maybe(self.time),
            true_subset=self.entity_subset(),
            candidate_subset=candidate,
            subsets_with_metadata=self.some(with_metadata, 2),
            child_evaluations=self.some(lambda: self.evaluation(depth - 1)) if depth else [],
            metadata=self.maybe(self.metadata) or {},
        )

    def make_cursor(self):
        from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
        from dagster._core.definitions.declarative_automation import serialized_objects as automation

        node = lambda: automation.AutomationConditionNodeCursor(  # noqa: E731
            true_subset=self.entity_subset(),
            candidate_subset=automation.HistoricalAllPartitionsSubsetSentinel(),
            subsets_with_metadata=[],
            extra_state=self.random.choice((None, "s", self.entity_subset())),
            metadata={},
        )
        cursor = lambda: automation.AutomationConditionCursor(  # noqa: E731
            previous_requested_subset=self.entity_subset(),
            effective_timestamp=self.time(),
            last_event_id=self.maybe(lambda: self.random.randint(0, 2**40)),
            node_cursors_by_unique_id={self.run_id(): node() for _ in range(self.random.randint(0, 2))},
            result_value_hash=self.run_id(),
        )
        return AssetDaemonCursor(
            evaluation_id=self.random.randint(0, 99),
            last_observe_request_timestamp_by_asset_key={self.key(): self.time() for _ in range(self.random.randint(0, 2))},
            previous_evaluation_state=None,
            previous_condition_cursors=self.some(cursor, 2),
        )

    def make_known_state(self):
        from dagster._core.execution.plan.outputs import StepOutputHandle
        from dagster._core.execution.plan.state import KnownExecutionState, PastExecutionState

        output = lambda: StepOutputHandle(self.name(), self.name(), self.maybe(self.name))  # noqa: E731
        parent = lambda: PastExecutionState(self.run_id(), {output() for _ in range(2)}, None)  # noqa: E731
        return KnownExecutionState(
            previous_retry_attempts={self.name(): self.random.randint(0, 3)},
            dynamic_mappings={self.name(): {self.name(): self.maybe(lambda: self.some(self.name))}},
            step_output_versions={output(): self.name() for _ in range(self.random.randint(0, 2))},
            ready_outputs={output() for _ in range(self.random.randint(0, 3))},
            parent_state=self.maybe(parent),
        )

    def make_asset_details(self):
        from dagster._core.assets import AssetDetails

        return AssetDetails(self.maybe(self.time))


def values(source, count):
    from dagster._core.definitions.partitions.context import partition_loading_context
    from dagster._serdes import serialize_value

    warnings.simplefilter("ignore")
    with partition_loading_context(datetime.datetime(2024, 6, 3, tzinfo=datetime.timezone.utc)):
        made = Values(source)
        for index in range(count):
            # events, of which there are so many kinds, get half of the lines
            maker = "event_log_entry" if index % 2 else source.choice(made.makers)
            value = getattr(made, f"make_{maker}")()
            yield {"class": type(value).__name__, "body": serialize_value(value)}


# Cases that are given


def expected(case):
    """What the case should be written as; raises if it is none that Python reads."""
    if "json" in case:
        return json.dumps(json.loads(case["json"]), sort_keys=True)
    from dagster._serdes import deserialize_value, serialize_value

    written = serialize_value(deserialize_value(case["body"]))
    if written != case["body"]:
        raise ValueError(f"Dagster writes {written} for {case['body']}")
    return written


def kept(path):
    with open(path, encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            yield {**case, "expected": expected(case)}


def answers(lines):
    for line in lines:
        try:
            yield expected(json.loads(line))
        except Exception:
            # whatever it is that Python does not like about it
            yield None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=0)
    parser.add_argument("--values", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept")
    parser.add_argument("--answer", action="store_true")
    arguments = parser.parse_args()
    if arguments.answer:
        for answer in answers(sys.stdin):
            emit(answer)
        sys.exit()
    for line in kept(arguments.kept) if arguments.kept else ():
        emit(line)
    for line in documents(random.Random(f"documents {arguments.seed}"), arguments.documents):
        emit(line)
    for line in values(random.Random(f"values {arguments.seed}"), arguments.values):
        emit(line)
