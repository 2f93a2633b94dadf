"""The state machine is closed: the product writes nothing but steps of the tables, and takes all of them."""

import ast
from functools import cache

import pytest
from sources import PACKAGE, modules, tree

from orchestrator.core.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    TICK_TRANSITIONS,
    AttemptEvent,
    JobEvent,
    ReservationEvent,
    TickEvent,
)

COLUMNS = {"state", "reservation", "v_state"}
"""Columns that hold a state, and the parameter that some statements write one by."""

STEPS = {
    "store/attempts/closing.py": {"reservation", "v_state"},
    "store/attempts/recollect.py": {"reservation"},
    "store/attempts/transitions.py": {"v_state"},
    "store/claiming/claim.py": {"reservation", "state"},
    "store/doubts/adoption.py": {"reservation", "state"},
    "store/doubts/rebuilding.py": {"reservation", "state", "v_state"},
    "store/money/bill_lines.py": {"reservation"},
    "store/money/refunds.py": {"reservation"},
    "store/runs/jobs.py": {"state"},
    "store/schedules/ticks.py": {"state"},
}
"""Where a state is written, and which; beside `new_jobs`, whose rows are plain tuples."""


@pytest.mark.parametrize("events", [JobEvent, AttemptEvent, ReservationEvent, TickEvent])
def test_every_event_is_taken_by_product_code(events):
    named = {
        node.attr
        for module in trees().values()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == events.__name__
    }
    assert named == {event.name for event in events}


def test_every_beginning_is_a_step_from_nothing():
    begun = {
        tuple(map(ast.unparse, node.args))
        for module in trees().values()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node).startswith("step(") and len(node.args) == 3
    }
    tables = {
        "JOB_TRANSITIONS": JOB_TRANSITIONS,
        "ATTEMPT_TRANSITIONS": ATTEMPT_TRANSITIONS,
        "RESERVATION_TRANSITIONS": RESERVATION_TRANSITIONS,
        "TICK_TRANSITIONS": TICK_TRANSITIONS,
    }
    assert {step for step in begun if step[1] == "None"} == {
        (name, "None", f"{type(event).__name__}.{event.name}")
        for name, table in tables.items()
        for before, event in table
        if before is None
    }


def test_every_write_of_a_state_takes_the_step():
    """A value is a call of `step`, the name of one, or a parameter that is filled with one."""
    wrong, writers = [], {}
    for path, module in trees().items():
        if not path.startswith("store/") or path.startswith("store/views/"):  # a view asks by a state
            continue
        for function in [module, *(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))]:
            for column, value in written(function):
                if "OutputState" in ast.unparse(value) or "bindparam" in ast.unparse(value):
                    continue
                writers.setdefault(path, set()).add(column)
                if not is_step(value, function):
                    wrong.append(f"{path}:{value.lineno} {column} = {ast.unparse(value)}")
    assert wrong == []
    assert writers == STEPS


@cache
def trees():
    """The modules that may change a state, by their paths."""
    return {
        path.relative_to(PACKAGE).as_posix(): tree(path)
        for path in modules()
        if path != PACKAGE / "core/states.py" and PACKAGE / "sandbox" not in path.parents
    }


def written(function):
    """Column and value of whatever goes into `.values(...)` by keyword, or into a dict by its name."""
    for node in own_nodes(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            yield from ((word.arg, word.value) for word in node.keywords if word.arg in COLUMNS)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in COLUMNS:
                    yield key.value, value
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key = node.targets[0].slice
            if isinstance(key, ast.Constant) and key.value in COLUMNS:
                yield key.value, node.value


def own_nodes(scope):
    """The nodes of a scope without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from own_nodes(child)


def is_step(value, function):
    """Whether a value is `step(...).value`, `attempt.after(...).value`, or a name that was given one."""
    if not (isinstance(value, ast.Attribute) and value.attr == "value"):
        return False
    made = value.value
    if isinstance(made, ast.Name):
        given = [
            node.value
            for node in own_nodes(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == made.id
        ]
        return bool(given) and all(isinstance(each, ast.Call) and calls_step(each) for each in given)
    return isinstance(made, ast.Call) and calls_step(made)


def calls_step(call):
    return ast.unparse(call.func) == "step" or (
        isinstance(call.func, ast.Attribute) and call.func.attr == "after"
    )
