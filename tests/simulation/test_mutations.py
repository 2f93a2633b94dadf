"""The simulation can fail: every planted bug is noticed within a few seeds."""

import ast
import re
from pathlib import Path

import pytest

from .bench import benches
from .mutations import MUTATIONS, Mutation, noticed

HERE = Path(__file__).parent
SEEDS_MAX = 100
BROKEN_PATCHES = tuple(f"a worker broke: {error}" for error in ("AttributeError", "NameError", "TypeError"))


@pytest.fixture(scope="module", autouse=True)
def _no_files_left():
    yield
    benches.close()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "_"))
def test_a_planted_bug_is_noticed(mutation: Mutation, record_property) -> None:
    found = noticed(mutation, SEEDS_MAX)
    assert found is not None, f"{mutation.name} went unnoticed for {SEEDS_MAX} seeds"
    seeds, failure = found
    record_property("seeds", seeds)
    assert failure.startswith(("invariant", "a worker broke")), failure
    assert not failure.startswith(BROKEN_PATCHES), f"the bug was not planted: {failure}"


def test_every_bug_that_is_written_is_planted():
    """A bug calls the `patch` that it is given; a file of bugs that nobody joins would go unnoticed."""
    written = {
        function.name
        for path in HERE.glob("*_bugs.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef) and [each.arg for each in function.args.args] == ["patch"]
    }
    assert {mutation.apply.__name__ for mutation in MUTATIONS} == written
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


def test_the_documentation_counts_the_bugs_and_names_every_check():
    proof = (HERE.parents[1] / "docs/proof.md").read_text()
    assert f"| {len(MUTATIONS)} planted bugs;" in proof
    checks = {path.stem for path in (HERE / "checks").glob("*.py")} - {"__init__", "scene"}
    rows = [line.split("|")[1] for line in proof.splitlines() if line.startswith("| `")]
    assert checks <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}
