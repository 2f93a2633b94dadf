"""Writes that must not be lost, and looks that can wait: they are tried again while the database recovers.

| What failed | What is known | What is done |
|---|---|---|
| before the commit | nothing of it was written | the same write again |
| the commit's own answer was lost | it may have been written | the same write again, marked as a repeat where its answer decides what happens next |
| another schema by now | nothing of ours may be written any more | the error goes on at once |

A repeat changes nothing twice, because every write names the state it expects. What differs is the answer:
without the mark, one that comes to an attempt which its own first try has moved would say "late". So
`begin_submit` and `complete` carry the mark and recognize their own earlier success; `accept` recognizes it
by the prediction; of the others nobody uses the answer.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from orchestrator.core.errors import DatabaseError, SchemaVersionError
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
        """After one more failure: a growing wait with jitter, so that many do not come back at one moment;
        None: give up.
        """
        now = self._deps.clock.monotonic()
        self._since = self._since if self._failures else now
        self._failures += 1
        limit = AWAY_SECONDS_MAX if error.transient else BROKEN_SECONDS_MAX
        if isinstance(error, SchemaVersionError) or now - self._since >= limit:
            return None
        longest = min(WAIT_SECONDS_MAX, 0.1 * 2.0 ** min(self._failures, 10))
        return self._deps.entropy.uniform(longest / 2, longest)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0


async def write_durably(deps: Deps, operation: Operation[Row, Result], row: Row) -> Result:
    """Write what has happened in the world, or must be known to be written before it may happen.

    When patience ends the DatabaseError reaches the worker, which stops. Nothing is submitted again: an
    attempt that still says `submitting` is found in doubt by the next worker, and an accepted one by its
    prediction in the list.
    """
    patience = OutageBackoff(deps)
    while True:
        try:
            return await deps.writer.submit(operation, row)
        except DatabaseError as error:
            if (wait := patience.wait_seconds(error)) is None:
                raise
            if error.in_doubt and isinstance(row, BeginSubmit | Complete):
                row = replace(row, repeat=True)
        await deps.clock.sleep(wait)


async def read_durably(deps: Deps, look: Callable[[Tx], Result]) -> Result:
    """Read, as soon as the database can be read."""
    patience = OutageBackoff(deps)
    while True:
        try:
            with deps.database.read() as tx:
                return look(tx)
        except DatabaseError as error:
            if (wait := patience.wait_seconds(error)) is None:
                raise
        await deps.clock.sleep(wait)
