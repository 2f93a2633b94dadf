"""A database is known by its own mark: strangers on the account stop nobody, a copy that is behind stops."""

import json

import pytest
from reconciled import reconciled, wanted_by

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import open_app
from orchestrator.artifacts.mark import FOLDER, MarkFile
from orchestrator.core.errors import OperatorNeededError
from orchestrator.store.attempts.attempt_ids import highest_attempt_id
from orchestrator.store.db import identity
from orchestrator.store.db.schema import jobs
from orchestrator.store.stops.stops import survey


@pytest.fixture
def marked(harness, tmp_path):
    """A worker whose database has a mark and has bought one picture."""
    harness.mark = MarkFile(tmp_path / "outputs")
    harness.world.run(1, run_key="yesterday")
    harness.drain()
    harness.world.clock.advance(600)
    return harness


def id_of(world):
    with world.database.read() as tx:
        return identity.database_id(tx), highest_attempt_id(tx)


def test_the_mark_is_as_high_as_the_newest_attempt_before_anything_of_it_is_sent(harness, tmp_path, provider):
    harness.mark = MarkFile(tmp_path)
    harness.world.run(3)
    seen = []

    async def submit(*_args, **_more):
        database, highest = id_of(harness.world)
        seen.append(harness.mark.highest(database) >= highest)
        return await type(provider).submit(provider, *_args, **_more)

    provider.submit = submit
    harness.drain()
    assert seen == [True] * 3


@pytest.mark.parametrize("shows_inputs", [True, False])
def test_a_colleagues_task_on_the_account_does_not_stop_the_next_night(marked, provider, shows_inputs):
    provider.shows_inputs = shows_inputs
    provider.strange("playground")
    marked.world.run(2, run_key="tonight")
    marked.drain()
    assert (marked.world.jobs(), marked.pauses()) == ({"succeeded": 3}, set())


def test_a_job_that_would_buy_what_an_unknown_task_has_made_waits_and_all_else_goes_on(marked, provider):
    marked.world.run(3, run_key="tonight")
    task = provider.create(wanted_by(1, "tonight")).id
    marked.drain()
    assert marked.world.jobs() == {"succeeded": 3, "pending": 1}
    assert len(provider.posts) == 3
    with marked.world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
    assert (stop.scope, stop.reason, stop.until) == ("run", "unknown_task", None)
    assert any("orchestrator reconcile" in notice for notice in marked.notices)
    report = reconciled(marked, mark=marked.mark)
    assert [name for name, _ in report.adopted] == [task]
    marked.drain()
    assert (marked.world.jobs(), len(provider.posts)) == ({"succeeded": 4}, 3)


def test_a_job_that_waited_for_a_person_runs_once_the_task_is_said_to_be_anothers(marked, provider):
    marked.world.run(1, run_key="tonight")
    provider.create({**wanted_by(0, "tonight"), "extra": 1})
    marked.drain()
    assert marked.world.jobs() == {"succeeded": 1, "pending": 1}
    (held,) = [row for row in marked.world.rows(jobs) if row.state == "pending"]
    assert (held.queue, held.due_at, held.reason) == ("waiting", None, "unknown_task")
    reconciled(marked, not_ours=True)
    marked.drain()
    assert marked.world.jobs()["succeeded"] == 2


def test_a_database_behind_its_mark_stops_although_the_list_shows_nothing(marked, provider):
    database, highest = id_of(marked.world)
    marked.mark.write(database, highest + 1)
    marked.world.run(1, run_key="tonight")
    with pytest.raises(OperatorNeededError, match="behind its own mark.*orchestrator reconcile"):
        marked.drain()
    assert (len(provider.posts), marked.pauses()) == (1, {"unknown_tasks"})
    assert reconciled(marked, mark=marked.mark).agrees
    assert marked.mark.highest(database) == highest
    marked.drain()
    assert marked.world.jobs() == {"succeeded": 2}


def test_the_mark_of_another_database_in_the_same_folder_says_nothing(marked):
    marked.mark.write("anothers", 999)
    marked.world.run(1, run_key="tonight")
    marked.drain()
    assert marked.world.jobs() == {"succeeded": 2}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"attempt": true}', b"{" * 20_000, b"\xff"])
def test_a_mark_that_cannot_be_read_is_no_mark(tmp_path, content):
    mark = MarkFile(tmp_path)
    mark.write("d1", 5)
    assert mark.highest("d1") == 5
    (tmp_path / FOLDER / "d1.json").write_bytes(content)
    assert mark.highest("d1") is None


def test_a_mark_names_its_database_and_leaves_no_other_file(tmp_path):
    MarkFile(tmp_path).write("../d1", 7)
    (path,) = (tmp_path / FOLDER).iterdir()
    assert json.loads(path.read_text()) == {"database": "../d1", "attempt": 7}
    assert path.parent == tmp_path / FOLDER
    assert path.stat().st_mode & 0o007 == 0


def test_where_no_mark_can_be_written_work_goes_on(harness, tmp_path):
    (tmp_path / FOLDER).write_text("a file is in the way")
    harness.mark = MarkFile(tmp_path)
    harness.world.run(1)
    harness.drain()
    assert harness.world.jobs() == {"succeeded": 1}


def test_whoever_makes_a_database_marks_it_and_whoever_opens_it_later_does_not(tmp_path):
    def opened():
        with open_app(None, {}, tmp_path, use=Use.MAKE) as app, app.database.read() as tx:
            return app.mark(), identity.database_id(tx)

    mark, made = opened()
    assert mark.highest(made) == 0
    (tmp_path / "outputs" / FOLDER / f"{made}.json").unlink()
    assert opened()[1] == made
    assert mark.highest(made) is None


@pytest.mark.parametrize("shows_inputs", [True, False])
def test_a_colleagues_equal_task_does_not_stop_a_database_that_was_made_here(
    harness, provider, tmp_path, shows_inputs
):
    harness.mark = MarkFile(tmp_path)
    harness.mark.write(id_of(harness.world)[0], 0)
    harness.world.run(3)
    provider.shows_inputs = shows_inputs
    provider.create(wanted_by(1, "main"))
    harness.drain()
    assert harness.pauses() == set()
    assert harness.world.jobs() == ({"succeeded": 2, "pending": 1} if shows_inputs else {"succeeded": 3})


def test_a_database_that_was_made_again_from_pictures_is_not_taken_for_a_young_one(
    marked, provider, tmp_path
):
    database, _ = id_of(marked.world)
    marked.mark = MarkFile(tmp_path / "elsewhere")
    marked.mark.write(database, 0)
    provider.shows_inputs = False
    provider.strange("bought by the lost database")
    marked.world.run(1, run_key="tonight")
    with pytest.raises(OperatorNeededError, match="reconcile"):
        marked.drain()
    assert len(provider.posts) == 1


def test_tasks_of_strangers_that_no_job_wants_need_nobody_where_the_mark_vouches(marked, provider):
    provider.strange("playground")
    report = reconciled(marked, mark=marked.mark)
    assert (report.agrees, report.strangers, report.to_decide) == (True, 1, [])
    assert not reconciled(marked).agrees, "without a mark they may be the database's own"
    database, highest = id_of(marked.world)
    marked.mark.write(database, highest + 1)
    assert not reconciled(marked, mark=marked.mark).agrees, "it has forgotten attempts"


def test_a_task_that_a_job_may_want_needs_a_person_though_the_mark_vouches(marked, provider):
    provider.shows_inputs = False
    provider.create(wanted_by(1, "tonight"))
    marked.world.run(2, run_key="tonight")
    report = reconciled(marked, mark=marked.mark)
    assert (report.agrees, len(report.to_decide)) == (False, 1)
