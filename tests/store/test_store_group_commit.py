"""Group commit: rows share transactions, and only that."""

import asyncio
import threading

import pytest

from orchestrator.core.errors import DatabaseError
from orchestrator.store.account import pauses
from orchestrator.store.db import identity
from orchestrator.store.db.group_commit import GroupWriter, InlineWriter
from orchestrator.store.db.schema import meta


class BadRowError(Exception):
    pass


def put(tx, rows):
    """Writes each row; a row named `bad` is refused after the others were written."""
    for row in rows:
        tx.conn.execute(meta.insert().values(key=row, value=str(tx.now)))
    if "bad" in rows:
        raise BadRowError
    return [f"{row} done" for row in rows]


@pytest.fixture
def writer(database):
    writer = GroupWriter(database)
    yield writer
    writer.close()


@pytest.fixture
def hold(writer):
    """Keeps the writer's thread busy until told, so that what comes next is queued together."""
    started, go = threading.Event(), threading.Event()

    def wait(tx, rows):
        started.set()
        assert go.wait(10)
        return rows

    async def begin():
        task = asyncio.create_task(writer.submit(wait, 0))
        await asyncio.to_thread(started.wait, 10)
        return task, go.set

    return begin


def keys(world):
    return [row.key for row in world.rows(meta) if row.key != identity.KEY]


def test_each_waiter_gets_its_own_result(writer, hold, world):
    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(put, f"k{number}")) for number in range(5)]
        await asyncio.sleep(0)
        go()
        await first
        return await asyncio.gather(*waiters)

    assert asyncio.run(main()) == [f"k{number} done" for number in range(5)]
    assert keys(world) == [f"k{number}" for number in range(5)]


def test_what_has_queued_meanwhile_shares_one_transaction_in_order(writer, hold):
    groups = []

    def note(tx, rows):
        groups.append(list(rows))
        return rows

    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(note, number)) for number in range(5)]
        await asyncio.sleep(0)
        go()
        await asyncio.gather(first, *waiters)

    asyncio.run(main())
    assert groups == [[0, 1, 2, 3, 4]]


def test_the_last_operation_comes_after_all_others_of_its_group(database):
    order = []

    def early(tx, rows):
        order.append("last")
        return rows

    def late(tx, rows):
        order.append("other")
        return rows

    writer = GroupWriter(database, last=early)

    async def main():
        with database.write():  # the first group waits here, and the others gather behind it
            first = asyncio.create_task(writer.submit(late, 0))
            await asyncio.sleep(0)
            rest = [asyncio.create_task(writer.submit(operation, 1)) for operation in (early, late, early)]
            await asyncio.sleep(0)
        await asyncio.gather(first, *rest)

    try:
        asyncio.run(main())
    finally:
        writer.close()
    assert order[-1] == "last"
    assert order.count("last") == 1


def test_a_bad_row_fails_alone(writer, hold, world):
    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(put, key)) for key in ("a", "bad", "c")]
        await asyncio.sleep(0)
        go()
        await first
        return await asyncio.gather(*waiters, return_exceptions=True)

    a, bad, c = asyncio.run(main())
    assert (a, c) == ("a done", "c done")
    assert isinstance(bad, BadRowError)
    assert keys(world) == ["a", "c"]


def test_a_cancelled_waiter_does_not_undo_its_write_or_another_ones(writer, hold, world):
    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(put, key)) for key in ("a", "b")]
        await asyncio.sleep(0)
        waiters[0].cancel()
        go()
        await first
        return await asyncio.gather(*waiters, return_exceptions=True)

    cancelled, done = asyncio.run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert done == "b done"
    assert keys(world) == ["a", "b"]


def test_trouble_with_the_database_reaches_every_waiter_once(writer, hold, monkeypatch):
    calls = []

    def broken(tx, rows):
        calls.append(rows)
        raise DatabaseError("the disk is full")

    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(broken, number)) for number in range(3)]
        await asyncio.sleep(0)
        go()
        await first
        return await asyncio.gather(*waiters, return_exceptions=True)

    assert [type(error) for error in asyncio.run(main())] == [DatabaseError] * 3
    assert calls == [[0, 1, 2]]


def test_closing_finishes_what_has_queued(database, world):
    writer = GroupWriter(database)

    async def main():
        waiter = asyncio.create_task(writer.submit(put, "last"))
        await asyncio.sleep(0)
        await asyncio.to_thread(writer.close)
        assert await waiter == "last done"
        with pytest.raises(DatabaseError, match="has stopped"):
            await writer.submit(put, "late")

    asyncio.run(main())
    assert keys(world) == ["last"]


def test_a_group_is_bounded(writer, hold, monkeypatch):
    monkeypatch.setattr("orchestrator.store.db.group_commit.GROUP_ROWS_MAX", 2)
    sizes = []

    def note(tx, rows):
        sizes.append(len(rows))
        return rows

    async def main():
        first, go = await hold()
        waiters = [asyncio.create_task(writer.submit(note, number)) for number in range(5)]
        await asyncio.sleep(0)
        go()
        await asyncio.gather(first, *waiters)

    asyncio.run(main())
    assert sizes == [2, 2, 1]


def test_an_inline_write_is_durable_on_return(database, world):
    assert asyncio.run(InlineWriter(database).submit(put, "a")) == "a done"
    assert keys(world) == ["a"]


def test_a_write_that_raises_leaves_nothing(database, world):
    with pytest.raises(BadRowError):
        asyncio.run(InlineWriter(database).submit(put, "bad"))
    assert keys(world) == []


def test_a_reader_cannot_write(database):
    def write_while_reading():
        with database.read() as tx:
            pauses.begin(tx, pauses.Pause(scope="account", name="", reason="x", message="y"))
            return list(pauses.in_force(tx))

    if database.url.get_backend_name() != "sqlite":
        pytest.skip("Postgres' readers are not restricted")
    with pytest.raises(DatabaseError):
        write_while_reading()
