"""Crash points are armed on purpose only, and kill at the passing that was asked for."""

import re
from pathlib import Path

import pytest

from crashes.points import BY_TESTS_OF_THEIR_OWN, POINTS
from orchestrator.core.errors import UsageError
from orchestrator.ports import no_crash
from orchestrator.runtime.crashpoints import KillAt, from_env

PROGRAM = Path(__file__).parents[2] / "orchestrator"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"ORCHESTRATOR_TESTING": "1"},
        {"ORCHESTRATOR_CRASH_AT": "submit.committed"},
        {"ORCHESTRATOR_CRASH_AT": "submit.committed", "ORCHESTRATOR_TESTING": "0"},
        {"ORCHESTRATOR_CRASH_AT": "", "ORCHESTRATOR_TESTING": "1"},
    ],
)
def test_nothing_is_armed_by_one_variable_alone(env):
    assert from_env(env) is no_crash


@pytest.mark.parametrize("word", ["submit.committed@0", "submit.committed@-1", "submit.committed@x", "@2"])
def test_an_armed_word_that_cannot_be_read_is_an_error(word):
    with pytest.raises(UsageError, match="NAME@N"):
        from_env({"ORCHESTRATOR_CRASH_AT": word, "ORCHESTRATOR_TESTING": "1"})


def test_only_the_named_point_counts_and_only_its_nth_passing_kills():
    kills: list[str] = []
    point = KillAt("b", 2, kill=lambda: kills.append("killed"))
    for passed, so_far in (("a", 0), ("b", 0), ("a", 0), ("b", 1), ("b", 1)):
        point(passed)
        assert len(kills) == so_far


def test_every_point_of_the_program_is_killed_at_by_some_case_or_test():
    named = {
        name
        for path in PROGRAM.rglob("*.py")
        for name in re.findall(r'crashpoint\("([a-z_.]+)"\)', path.read_text())
    }
    assert named == {*POINTS, *BY_TESTS_OF_THEIR_OWN}
