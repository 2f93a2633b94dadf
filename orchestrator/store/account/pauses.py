"""Pauses: what stops a scope from spending, since when, why, and what ends it.

A pause costs no job a try: the claim passes over the lanes that it covers. A pause that has an `until` ends
by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from orchestrator.core.moments import iso_time
from orchestrator.core.states import JobState
from orchestrator.store.account.subjects import Subject, subject_of
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, jobs, pauses, runs

FINISH_BY: Final = "finish_by"
"""The reason of a run whose time is over (`finish_by`). It is in no row: the clock of the database begins it,
on all workers at once, and it also stops what is claimed but not sent yet.
"""

BY_OPERATOR: Final = "paused"
"""The reason of a pause that an operator began. It also stops what is claimed but not sent yet."""


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
    rows = tx.conn.execute(_IN_FORCE, {"now": tx.now})
    return [
        Pause(
            scope=row.scope,
            name=row.name,
            reason=row.reason,
            message=row.message,
            until=row.until,
            since=row.since,
        )
        for row in rows
    ]


def finished(run_id: int, finish_by: int) -> Pause:
    """What stops a run whose time is over."""
    message = f"its time ended at {iso_time(finish_by)}; what runs is collected"
    return Pause(scope="run", name=str(run_id), reason=FINISH_BY, message=message, since=finish_by)


def over(tx: Tx, run_ids: Collection[int]) -> set[int]:
    """Those of the runs whose time is over."""
    return set(tx.conn.execute(_OVER, {"ids": list(run_ids), "now": tx.now}).scalars())


def any_unnoted(tx: Tx) -> bool:
    """Whether the time of some run is over with jobs left, and nobody has recorded that."""
    return tx.conn.execute(_UNNOTED.limit(1), {"now": tx.now}).first() is not None


def note_over(tx: Tx) -> list[int]:
    """Record once for each run that its time is over with jobs left; returns these runs. The account's row
    is locked, so that no other worker does the same.
    """
    rows = tx.conn.execute(_UNNOTED, {"now": tx.now}).all()
    for row in rows:
        _note(
            tx, FINISH_BY, subject_of(tx, "run", str(row.id)), message=finished(row.id, row.finish_by).message
        )
    return [row.id for row in rows]


def by_operator(tx: Tx) -> set[tuple[str, str]]:
    """Scope and name of everything that an operator has paused."""
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


_OVER: Final = select(runs.c.id).where(
    runs.c.id.in_(bindparam("ids", expanding=True)), runs.c.finish_by <= bindparam("now")
)
_UNNOTED: Final = (
    select(runs.c.id, runs.c.finish_by)
    .where(
        runs.c.finish_by <= bindparam("now"),
        select(jobs.c.id).where(jobs.c.run_id == runs.c.id, jobs.c.state == JobState.PENDING.value).exists(),
        ~select(events.c.id)
        .where(events.c.run_id == runs.c.id, events.c.kind == FINISH_BY, events.c.at >= runs.c.finish_by)
        .exists(),
    )
    .order_by(runs.c.id)
)
_END: Final = delete(pauses).where(
    pauses.c.scope == bindparam("p_scope"),
    pauses.c.name == bindparam("p_name"),
    pauses.c.reason == bindparam("p_reason"),
)

_BY_OPERATOR: Final = select(pauses.c.scope, pauses.c.name).where(pauses.c.reason == BY_OPERATOR)

_IN_FORCE: Final = (
    select(pauses)
    .where(pauses.c.until.is_(None) | (pauses.c.until > bindparam("now")))
    .order_by(pauses.c.since, pauses.c.scope, pauses.c.name, pauses.c.reason)
)
