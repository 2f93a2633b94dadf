"""Months of nights hold, and would be noticed if they did not: every planted bug is."""

import ast
from pathlib import Path

import pytest

from .bugs import BUGS, noticed
from .command import month, stage
from .month import DAY_MS, Month

HERE = Path(__file__).parent
MONTHS_MAX = 3


@pytest.fixture(scope="module")
def bench():
    with stage("sqlite") as found:
        yield found


def test_a_short_month_holds(bench):
    failure, found = month(2, bench, days=5)
    assert failure is None
    assert found["done"] > 4
    assert found["deaths"] > 0


def test_a_host_that_is_away_at_the_end_of_a_month_has_lost_nothing(bench, tmp_path):
    with bench.fresh_url() as url:
        lived = Month(1, url, tmp_path, days=0)
        for worker in lived.workers:
            worker.up_at = lived.end + 3 * DAY_MS
        lived.live()
        states = lived.judge.summary()
        lived.close()
    assert states["done"] > 0
    assert states["due"] == 0


def test_a_night_on_a_server_holds(request):
    server = request.getfixturevalue("_postgres")
    if isinstance(server, str):
        pytest.skip(server)
    assert month(3, server, days=1)[0] is None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_is_noticed(bench, bug):
    found = noticed(bug, bench, MONTHS_MAX)
    assert found is not None
    assert found[1].startswith("invariant"), found[1]


def test_every_bug_that_is_written_is_planted_and_counted():
    written = {
        function.name
        for function in ast.parse((HERE / "bugs.py").read_text()).body
        if isinstance(function, ast.FunctionDef) and [each.arg for each in function.args.args] == ["patch"]
    }
    assert {bug.apply.__name__ for bug in BUGS} == written
    proof = (HERE.parents[1] / "docs/proof.md").read_text()
    assert f"| {len(BUGS)} planted bugs of nights;" in proof
