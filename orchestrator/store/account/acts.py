"""What operators decide: each decision is a row that says who, where, by which command, and why."""

from dataclasses import dataclass

from sqlalchemy import insert

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import acts


@dataclass(frozen=True, slots=True)
class Signature:
    """Who decides, a user of the operating system on a host; by which command, in its words; and why."""

    who: str
    host: str
    command: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is decided about `subject`, in words: the value before and after. None: there was, is nothing."""

    subject: str
    old: str | None = None
    new: str | None = None
    job_id: int | None = None


def record(tx: Tx, signed: Signature, change: Change) -> None:
    """Add a row in the transaction of the decision itself, so that neither is there without the other."""
    tx.conn.execute(
        _RECORD,
        {
            "at": tx.now,
            "who": signed.who,
            "host": signed.host,
            "command": signed.command,
            "why": signed.why,
            "subject": change.subject,
            "old": change.old,
            "new": change.new,
            "job_id": change.job_id,
        },
    )


_RECORD = insert(acts)
