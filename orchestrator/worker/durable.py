"""Writes that must not be lost, and reads that can wait: they are tried again while the database recovers.

| What failed | What is known | What is done |
|---|---|---|
| before the commit | nothing of it was written | the same write again |
| the commit's own answer was lost | it may have been written | the same write again, marked as a repeat |
| another schema or database by now | nothing of ours may be written any more | the error goes on at once |

The mark is given where the answer decides what happens next.

A repeat changes nothing twice, because every write names the state it expects. What differs is the answer:
without the mark, a repeat would find the attempt already moved by its own first try and say "late". So
`begin_submit` and `complete` carry the mark and recognize their own earlier success; `accept` recognizes it
by the prediction; nobody uses the answers of the others.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from orchestrator.core.errors import DatabaseError, OtherDatabaseError, SchemaVersionError
from orchestrator.store.attempts.lifecycle import BeginSubmit, Complete
from orchestrator.store.db.database import Tx
from orchestrator.store.db.group_commit import Operation
from orchestrator.worker.deps import Deps

Row = TypeVar("Row")
Result = TypeVar("Result")

AWAY_SECONDS_MAX: Final = 3600.0
"""How long a database may be away (a restart, a failover, a network that is out) before the worker gives
up."""

BROKEN_SECONDS_MAX: Final = 120.0
"""The same for trouble that seldom ends by itself, such as a full disk."""

WAIT_SECONDS_MAX: Final = 5.0


class OutageBackoff:
    """How long to wait before the next try, and when to stop trying."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._failures = 0
        self._since = 0.0

    def wait_seconds(self, error: DatabaseError) -> float | None:
        """How long to wait after one more failure: longer each time, with jitter, so that many workers do not
        come back at one moment. None: give up.
        """
        now = self._deps.clock.monotonic()
        self._since = self._since if self._failures else now
        self._failures += 1
        limit = AWAY_SECONDS_MAX if error.transient else BROKEN_SECONDS_MAX
        if isinstance(error, SchemaVersionError | OtherDatabaseError) or now - self._since >= limit:
            return None
        longest = min(WAIT_SECONDS_MAX, 0.1 * 2.0 ** min(self._failures, 10))
        return self._deps.entropy.uniform(longest / 2, longest)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0


async def write_durably(deps: Deps, operation: Operation[Row, Result], row: Row) -> Result:
    """Write what has happened in the world, or must be known to be written before it may happen.

    When the backoff gives up, the DatabaseError reaches the worker, which stops. Nothing is submitted again:
    the next worker puts an attempt that still says `submitting` in doubt, and finds an accepted one by its
    prediction in the provider's list.
    """
    backoff = OutageBackoff(deps)
    while True:
        try:
            return await deps.writer.submit(operation, row)
        except DatabaseError as error:
            if (wait := backoff.wait_seconds(error)) is None:
                raise
            if error.in_doubt and isinstance(row, BeginSubmit | Complete):
                row = replace(row, repeat=True)
        await deps.clock.sleep(wait)


async def read_durably(deps: Deps, read: Callable[[Tx], Result]) -> Result:
    """Read, as soon as the database can be read."""
    backoff = OutageBackoff(deps)
    while True:
        try:
            with deps.database.read() as tx:
                return read(tx)
        except DatabaseError as error:
            if (wait := backoff.wait_seconds(error)) is None:
                raise
        await deps.clock.sleep(wait)
