"""The scenarios by name, in the order they are written: what a case declares besides what it does."""

from dataclasses import dataclass, field
from typing import Callable

# Where real Dagster's own order is that of a set of strings, which another implementation cannot know.
TAG_ROWS = "run_tags"
EVENT_ROWS = "event_logs"
CHECK_ROWS = "asset_check_executions"
STEP_KEYS = "step_keys_to_execute"


@dataclass
class Scenario:
    name: str
    play: Callable
    # Sections of dagster.yaml.
    settings: dict = field(default_factory=dict)
    event_batch_size: int = 0
    # Names of tables whose rows, and of lists in bodies whose items, may come in any order.
    unordered: tuple = ()
    # Whether what engine events say of an error is of no interest: of a double, each side has an error of its own.
    errors_are_marks: bool = False
    # Whether it is of no interest how far the failures of runs were read. That there is a cursor is compared still.
    cursors_are_marks: bool = False


SCENARIOS = {}


def scenario(name, **options):
    def register(play):
        assert name not in SCENARIOS, name
        SCENARIOS[name] = Scenario(name, play, **options)
        return play

    return register
