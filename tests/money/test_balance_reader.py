"""The balance is noted when a worker starts and some times a day, and no answer is no trouble."""

import asyncio
from types import SimpleNamespace

from orchestrator.ports import Balance, Lost
from orchestrator.store.db.schema import balance_days
from orchestrator.worker.upkeep.balance_reader import LOOK_SECONDS, READ_EVERY_MS, BalanceReader


class Account:
    """Answers what it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def balance(self):
        return self.answers.pop(0)


def reader(world, *answers):
    async def submit(operation, row):
        return world.do(operation, row)

    account = Account(*answers)
    deps = SimpleNamespace(database=world.database, provider=account, writer=SimpleNamespace(submit=submit))
    return BalanceReader(deps), account


def test_it_is_read_when_nobody_has_read_it_for_hours(sqlite_world):
    reads, account = reader(sqlite_world, Balance(70), Balance(60))
    assert asyncio.run(reads.tick()) == LOOK_SECONDS
    assert len(account.answers) == 2, "the start of the worker has read it just now"
    for left in (1, 1):
        asyncio.run(reads.tick())
        assert len(account.answers) == left
    sqlite_world.clock.advance_ms(READ_EVERY_MS)
    asyncio.run(reads.tick())
    assert [row.last_micros for row in sqlite_world.rows(balance_days)][-1] == 60


def test_an_answer_that_does_not_come_is_asked_for_again(sqlite_world):
    reads, account = reader(sqlite_world, Lost("HTTP 500"), Balance(70))
    for _ in range(3):
        asyncio.run(reads.tick())
    assert account.answers == []
    assert [row.last_micros for row in sqlite_world.rows(balance_days)] == [70]
