"""Pauses: what stops a scope from spending, since when, why, and what ends it.

A pause costs no job a try: the claim passes over the lanes that it covers. A pause that has an `until` ends
by itself.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, select

from orchestrator.store.account.subjects import Subject, subject_of
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, pauses

BY_OPERATOR: Final = "paused"
"""The reason of a pause that an operator began. It also stops what is claimed but not sent yet."""

CLOSED: Final = "closed"
"""The reason of a pause of a campaign that is closed: nothing more is bought for it. It stops the same."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. `scope` is account, model, campaign or run; `name` is the model id, or the row's id as text,
    or empty for the account.
    """

    scope: str
    name: str
    reason: str
    message: str
    until: int | None = None
    since: int | None = None


def begin(tx: Tx, pause: Pause) -> bool:
    """Record a pause. One that is recorded already keeps its `since` and takes the new message and `until`.
    True when new.
    """
    recorded_since = tx.conn.execute(
        select(pauses.c.since).where(
            pauses.c.scope == pause.scope, pauses.c.name == pause.name, pauses.c.reason == pause.reason
        )
    ).scalar()
    statement = dialect.insert(tx.conn, pauses).values(
        scope=pause.scope,
        name=pause.name,
        reason=pause.reason,
        message=pause.message,
        since=tx.now,
        until=pause.until,
    )
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "name", "reason"],
            set_={"message": pause.message, "until": pause.until},
        )
    )
    if recorded_since is None:
        subject = subject_of(tx, pause.scope, pause.name)
        _note(tx, "paused", subject, message=f"{pause.reason}: {pause.message}")
    return recorded_since is None


def end(tx: Tx, scope: str, name: str, reason: str) -> bool:
    """Remove a pause. False when there was none."""
    key = {"p_scope": scope, "p_name": name, "p_reason": reason}
    removed = tx.conn.execute(_END, key).rowcount
    if removed:
        _note(tx, "resumed", subject_of(tx, scope, name), message=f"{reason} is over")
    return bool(removed)


def in_force(tx: Tx) -> list[Pause]:
    """Every pause that is in force now, oldest first; those past their `until` are left out."""
    return [_pause(row) for row in tx.conn.execute(_IN_FORCE, {"now": tx.now})]


def recorded(tx: Tx, reason: str) -> list[Pause]:
    """Every pause with this reason, those past their `until` too."""
    return [_pause(row) for row in tx.conn.execute(_WITH_REASON, {"reason": reason})]


def _pause(row: Any) -> Pause:
    return Pause(
        scope=row.scope,
        name=row.name,
        reason=row.reason,
        message=row.message,
        until=row.until,
        since=row.since,
    )


def by_operator(tx: Tx) -> set[tuple[str, str]]:
    """Scope and name of everything that an operator has paused or closed."""
    return {(row.scope, row.name) for row in tx.conn.execute(_BY_OPERATOR)}


def _note(tx: Tx, kind: str, subject: Subject, *, message: str) -> None:
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind=kind,
            message=f"{subject.words}: {message}",
            campaign_id=subject.campaign_id,
            run_id=subject.run_id,
        )
    )


_END: Final = delete(pauses).where(
    pauses.c.scope == bindparam("p_scope"),
    pauses.c.name == bindparam("p_name"),
    pauses.c.reason == bindparam("p_reason"),
)

_BY_OPERATOR: Final = select(pauses.c.scope, pauses.c.name).where(pauses.c.reason.in_([BY_OPERATOR, CLOSED]))

_WITH_REASON: Final = select(pauses).where(pauses.c.reason == bindparam("reason"))
_IN_FORCE: Final = (
    select(pauses)
    .where(pauses.c.until.is_(None) | (pauses.c.until > bindparam("now")))
    .order_by(pauses.c.since, pauses.c.scope, pauses.c.name, pauses.c.reason)
)
