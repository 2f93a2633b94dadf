"""Writes that must not be lost: they are tried again while the database recovers."""

from typing import Final, TypeVar

from orchestrator.core.errors import DatabaseError, SchemaVersionError
from orchestrator.store.groupcommit import Operation
from orchestrator.worker.deps import Deps

Row = TypeVar("Row")
Result = TypeVar("Result")

TRIES_MAX: Final = 30
WAIT_SECONDS_MAX: Final = 5.0


async def keep_trying(deps: Deps, operation: Operation[Row, Result], row: Row) -> Result:
    """Write what has already happened in the world; a full disk or a lost server gets about two minutes to recover.

    After that the DatabaseError reaches the worker, which stops. Nothing is submitted again: the attempt still says
    `submitting`, so the next worker finds it in doubt; an accepted one is found by its prediction in the provider's
    list.
    """
    for tries in range(1, TRIES_MAX):
        try:
            return await deps.writer.submit(operation, row)
        except SchemaVersionError:
            raise  # another program's database by now: nothing of ours may be written
        except DatabaseError:
            await deps.clock.sleep(min(WAIT_SECONDS_MAX, 0.1 * 2**tries))
    return await deps.writer.submit(operation, row)
