"""What keeps attempts from going on: the latest fault, how many in a row, and when it is tried again.

Written in bulk and seldom, beside the attempt's own transitions; every transition that shows the trouble to
be over clears it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, update

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts

OVER: Final = MappingProxyType({"trouble": None, "trouble_count": 0, "next_try_at": None})
"""The columns of an attempt without trouble."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The trouble of one attempt; an empty text: there is none any more."""

    attempt_id: int
    epoch: int
    text: str
    count: int = 0  # faults in a row
    next_try_at: int | None = None  # ms


def record(tx: Tx, rows: Sequence[tuple[Trouble, ...]]) -> list[None]:
    """Note the trouble of attempts that still belong to their writers; late notes change nothing."""
    notes = sorted((note for row in rows for note in row), key=lambda note: note.attempt_id)
    dialect.run_many(tx.conn, _NOTE, [_values(note) for note in notes])
    return [None] * len(rows)


def _values(note: Trouble) -> dict[str, Any]:
    return {
        "a_id": note.attempt_id,
        "a_epoch": note.epoch,
        "v_text": note.text or None,
        "v_count": note.count if note.text else 0,
        "v_next": note.next_try_at if note.text else None,
    }


_NOTE: Final = (
    update(attempts)
    .where(ATTEMPT_IS_LIVE, attempts.c.id == bindparam("a_id"), attempts.c.epoch == bindparam("a_epoch"))
    .values(trouble=bindparam("v_text"), trouble_count=bindparam("v_count"), next_try_at=bindparam("v_next"))
)
