"""Checks of a manifest: every stored picture is looked at, and nothing else is changed by it."""

import os
import select
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy import update
from support.signed import SIGNED
from support.world import PRICE, run_spec, spec

from orchestrator.settings import Outputs
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checked_tries import CheckedJob, redo_failed
from orchestrator.store.db.schema import check_results, jobs
from orchestrator.store.db.schema import runs as runs_table
from orchestrator.store.runs import adding, runs
from orchestrator.worker.upkeep import judging
from orchestrator.worker.upkeep.check_commands import CheckCommands


def is_over(pid: int) -> bool:
    """Whether a process has ended, or does so at once."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process, "rb") as file:
        return bool(select.select([file], [], [], 10)[0])


RULES = {"size": {"min_width": 100}, "blank": {"spread": 3.0}}


@pytest.fixture
def judged(harness, tmp_path, monkeypatch):
    """A worker whose pictures lie in `tmp_path`: the first is blank, the second is not."""

    async def inline(function, *words):
        return function(*words)

    monkeypatch.setattr(judging, "in_thread", inline)
    harness.settings = replace(harness.settings, outputs=Outputs(str(tmp_path)))
    (tmp_path / "hero").mkdir()
    Image.new("RGB", (120, 120), "teal").save(tmp_path / "hero/1-v1-0.png")
    Image.radial_gradient("L").save(tmp_path / "hero/2-v1-0.png")
    return harness


def apply(world, *numbers: int, rules: dict | None = None):
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(settings={"checks": RULES if rules is None else rules}))
        adding.add_jobs(tx, run, [spec(number) for number in numbers])


def found(world) -> dict[tuple[int, str], bool | None]:
    return {(row.job_id, row.name): row.passed for row in world.rows(check_results)}


def test_a_drained_run_has_looked_at_every_picture_and_suggests(judged, world):
    apply(world, 1, 2)
    judged.drain()
    assert found(world) == {(1, "size"): True, (1, "blank"): False, (2, "size"): True, (2, "blank"): True}
    with world.database.read() as tx:
        (said,) = checks.failed(tx, [1, 2])[1]
    assert said.reason == "its colours are spread by 0.0 of 255; under 3 counts as blank"
    assert world.jobs() == {"succeeded": 2}
    assert world.account() == (2 * PRICE, 0, 0)


def test_a_picture_that_is_not_here_holds_up_neither_the_end_nor_the_others(judged, world, tmp_path):
    apply(world, 1, 2)
    (tmp_path / "hero/1-v1-0.png").unlink()
    judged.drain()
    assert {job for job, _ in found(world)} == {2}
    Image.new("RGB", (120, 120)).save(tmp_path / "hero/1-v1-0.png")
    judged.drain()
    assert {job for job, _ in found(world)} == {1, 2}


@pytest.mark.parametrize(
    ("code", "passed", "reason"),
    [
        ("print('six fingers'); exit(1)", False, "six fingers"),
        ("exit(0)", True, "it ended with 0"),
        ("exit(7)", None, "it ended with 7"),
        ("import os; print(sorted(k for k in os.environ if k.startswith('WAVESPEED')))", True, "[]"),
        ("import time; time.sleep(60)", None, "no answer within 0.5 seconds"),
    ],
)
def test_a_command_judges_by_its_exit_code_and_gets_no_key(judged, world, monkeypatch, code, passed, reason):
    monkeypatch.setenv("WAVESPEED_API_KEY", "secret")
    judged.change("checks", commands=True)
    command = {
        "run": [sys.executable, "-c", code, "{file}"],
        "timeout_seconds": 0.5 if "sleep" in code else 30,
    }
    apply(world, 1, rules={"commands": {"hands": command}})
    judged.drain()
    (row,) = world.rows(check_results)
    assert (row.passed, row.reason) == (passed, reason)


def test_what_a_command_has_started_ends_with_it_and_holds_up_no_answer(tmp_path):
    kept = tmp_path / "child"
    child = f"import subprocess; print(subprocess.Popen(['sleep', '60']).pid, file=open({str(kept)!r}, 'w'))"
    ways = {"answers": f"{child}; print('fine')", "hangs": f"{child}; import time; time.sleep(60)"}
    for number, (name, code) in enumerate(ways.items(), start=1):
        seconds = 30 if name == "answers" else 1
        command = {"run": [sys.executable, "-c", code], "timeout_seconds": seconds}
        said = CheckCommands().answer(name, command, tmp_path / f"hero/{number}-v1-0.png")
        assert said.passed is (True if name == "answers" else None)
        assert is_over(int(kept.read_text()))


def test_a_command_that_prints_without_end_is_read_and_little_of_it_is_kept(tmp_path):
    code = "import sys; [sys.stdout.write('x' * 100_000) for _ in range(300)]; sys.exit(1)"
    command = {"run": [sys.executable, "-c", code], "timeout_seconds": 30}
    said = CheckCommands().answer("loud", command, tmp_path)
    assert (said.passed, len(said.reason)) == (False, 300)


def test_a_worker_that_leaves_ends_the_command_that_runs_and_starts_no_other(tmp_path):
    programs = CheckCommands()
    command = {"run": [sys.executable, "-c", "import time; time.sleep(60)"], "timeout_seconds": 60}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(programs.answer, "slow", command, tmp_path)
        while programs._running is None and not running.done():
            pass
        programs.stop()
        assert running.result(20).passed is None
    assert "the worker ends" in programs.answer("next", command, tmp_path).reason


def test_no_command_runs_where_the_configuration_does_not_allow_it(judged, world, tmp_path):
    made = tmp_path / "made"
    command = {"run": ["touch", str(made)], "timeout_seconds": 30}
    apply(world, 1, rules={"commands": {"touch": command}})
    judged.drain()
    assert found(world) == {(1, "touch"): None}
    assert not made.exists()


@pytest.fixture
def redoing(judged, world, tmp_path):
    """The first picture is blank, and so are its further tries."""

    def run(*, most: int, budget: int):
        settings = {"checks": RULES, "redo_failed": {"max": most, "budget": budget}}
        with world.database.write() as tx:
            run = runs.ensure_run(tx, run_spec(settings=settings))
            adding.add_jobs(tx, run, [spec(1), spec(2)])
        for number in range(2, 9):
            Image.new("RGB", (120, 120), "teal").save(tmp_path / f"hero/1-v1-0~try-{number}.png")
        judged.drain()
        return sorted((row.redo_of, row.redo_by) for row in world.rows(jobs) if row.redo_of is not None)

    return run


def test_a_picture_that_fails_a_check_is_made_again_so_often_and_no_more(redoing, world):
    assert redoing(most=2, budget=100 * PRICE) == [(1, "check"), (3, "check")]
    assert world.jobs() == {"succeeded": 4}
    assert world.account() == (4 * PRICE, 0, 0)


def test_further_tries_stop_at_what_they_may_cost(redoing, world):
    assert redoing(most=9, budget=3 * PRICE + PRICE - 1) == [(1, "check"), (3, "check"), (4, "check")]
    assert world.account() == (5 * PRICE, 0, 0)


def test_no_cap_gives_way_to_a_further_try(redoing, world):
    world.cap(2 * PRICE)
    assert redoing(most=2, budget=100 * PRICE) == [(1, "check")]
    assert world.jobs() == {"succeeded": 2, "pending": 1}
    assert world.account() == (2 * PRICE, 0, 0)


def test_an_accepted_picture_is_not_made_again_whatever_a_check_says(judged, world):
    apply(world, 1)
    judged.drain()
    with world.database.write() as tx:
        tx.conn.execute(update(runs_table).values(settings={"redo_failed": {"max": 1, "budget": 9 * PRICE}}))
        tx.conn.execute(update(jobs).values(verdict="accepted"))
        assert redo_failed(tx, [CheckedJob(1, SIGNED, {})]) == [None]
        tx.conn.execute(update(jobs).values(verdict=None))
        assert redo_failed(tx, [CheckedJob(1, SIGNED, {}), CheckedJob(1, SIGNED, {})]) == [2, None]
