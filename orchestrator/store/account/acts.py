"""What operators decide: each decision is a row that says who, where, by which command, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert

from orchestrator.store.account.subjects import Subject
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
    """What is decided about `subject`, in words: the value before and after. None: there was, is nothing.

    The ids are what listings are filtered by.
    """

    subject: str
    old: str | None = None
    new: str | None = None
    job_id: int | None = None
    campaign_id: int | None = None
    run_id: int | None = None


def change_of(subject: Subject, old: str | None, new: str | None) -> Change:
    """A change of a subject that is known by its ids too."""
    return Change(subject.words, old, new, campaign_id=subject.campaign_id, run_id=subject.run_id)


def record(tx: Tx, signed: Signature, change: Change) -> None:
    """Add a row in the transaction of the decision itself, so that neither is there without the other."""
    record_all(tx, signed, [change])


def record_all(tx: Tx, signed: Signature, changes: Iterable[Change]) -> None:
    """Add a row for each of many changes that one command makes."""
    rows = [
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
            "campaign_id": change.campaign_id,
            "run_id": change.run_id,
        }
        for change in changes
    ]
    if rows:
        tx.conn.execute(_RECORD, rows)


_RECORD: Final = insert(acts)
