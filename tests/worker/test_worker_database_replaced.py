"""The file of the database is deleted or replaced below a running worker."""

import shutil
from pathlib import Path

import pytest

from orchestrator.core.errors import DatabaseReplacedError
from orchestrator.store.db.database import Database

SWAPS = {
    "deleted": lambda path: path.unlink(),
    "replaced": lambda path: (
        shutil.copyfile(path, path.with_name("backup")),
        path.with_name("backup").replace(path),
    ),
    "without newest commits": lambda path: path.with_name(path.name + "-wal").unlink(),
}


@pytest.fixture
def under_way(harness, world):
    """A worker with 12 jobs and 3 slots, whose database file meets its fate after 30 seconds."""
    world.run(12)
    harness.change("limits", concurrency=3)
    harness.provider.latency = 20.0
    path = Path(world.database.url.database)

    def swapped_after(seconds: float, how: str) -> int:
        """Run until the worker ends; how many tasks it had bought when the file was swapped."""
        bought = []

        def swap(_stop) -> None:
            bought.append(len(harness.provider.posts))
            SWAPS[how](path)

        harness.run_for(600, (seconds, swap))
        return bought[0]

    return swapped_after


@pytest.mark.parametrize("how", SWAPS)
def test_nothing_is_bought_after_the_file_was_taken_away_and_what_is_in_flight_is_collected(
    harness, world, under_way, how
):
    with pytest.raises(DatabaseReplacedError, match=r"-wal|deleted|replaced"):
        under_way(30.0, how)
    assert harness.clock.monotonic() < 120
    assert len(harness.provider.posts) == 6
    with world.database._writer.connect() as conn:  # the open file has the books
        driver = conn.connection.driver_connection
        states = dict(driver.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    assert states == {"succeeded": 6, "pending": 6}
    assert len(harness.artifacts.requests) == 6


def test_a_claimed_attempt_is_not_sent_once_the_file_is_gone(harness, world):
    """Swapped between the claim and the POST: the intent is written, and the request does not leave."""
    world.run(3)
    path = Path(world.database.url.database)

    def crashpoint(name: str) -> None:
        if name == "submit.committed" and path.exists():
            path.unlink()

    harness.crashpoint = crashpoint
    with pytest.raises(DatabaseReplacedError):
        harness.run_for(60)
    assert harness.provider.posts == []


def test_a_worker_that_does_not_look_buys_everything_into_a_file_without_a_name(
    harness, world, under_way, monkeypatch
):
    """The planted bug: what the tests above would show without the check."""
    monkeypatch.setattr(Database, "require_in_place", lambda self: None)
    monkeypatch.setattr(Database, "in_place", True)
    assert under_way(30.0, "deleted") == 6
    assert len(harness.provider.posts) == 12
