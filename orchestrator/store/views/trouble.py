"""Work that may cost money without yielding pictures: in doubt, or finished at the provider but not stored
yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.attempts.overdue import OVERDUE
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, LIVE_SQL, attempts
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import runs as run_table


@dataclass(frozen=True, slots=True)
class InDoubtRow:
    """An attempt whose POST may have created a prediction; its money stays held."""

    attempt_id: int
    job_id: int
    campaign: str
    name: str
    run: str
    number: int
    submitted_at: int | None
    price_micros: int
    message: str | None
    doubted_at: int | None = None
    needs_person: bool = False  # the evidence cannot decide it


@dataclass(frozen=True, slots=True)
class OpenDoubts:
    """How many lost replies are looked for, and how many only a person can decide."""

    looked_for: int = 0
    newest_at: int = 0  # when the last of those was lost (ms)
    for_a_person: int = 0


def open_doubts(tx: Tx, run_ids: Sequence[int] | None = None) -> OpenDoubts:
    """The doubts of all runs, or of those given."""
    waits = func.coalesce(attempts.c.reason, "") == AMBIGUOUS
    query = (
        select(
            func.count().filter(~waits).label("sought"),
            func.max(attempts.c.doubted_at).filter(~waits).label("newest"),
            func.count().filter(waits).label("waiting"),
        )
        .where(text(f"attempts.{LIVE_SQL}"))
        .where(attempts.c.state == AttemptState.IN_DOUBT)
    )
    if run_ids is not None:
        query = query.where(attempts.c.run_id.in_(run_ids))
    row = tx.conn.execute(query).one()
    return OpenDoubts(row.sought, row.newest or 0, row.waiting)


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """An attempt whose task is far older than its model's: the provider should be asked about it."""

    attempt_id: int
    job_id: int
    campaign: str
    name: str
    run: str
    number: int
    prediction_id: str
    accepted_at: int
    overdue_at: int
    price_micros: int
    trouble: str | None  # the provider's latest answer


@dataclass(frozen=True, slots=True)
class AtRisk:
    """What would be lost if no worker went on."""

    in_doubt: int
    in_doubt_micros: int
    not_stored: int  # completed at the provider, pictures not stored yet
    in_flight: int
    oldest_accepted_at: int | None

    @property
    def expires_at(self) -> int | None:
        """When the provider may delete the oldest result, in ms."""
        return None if self.oldest_accepted_at is None else self.oldest_accepted_at + RETENTION_MS


def in_doubt(tx: Tx, *, limit: int = 10_000) -> list[InDoubtRow]:
    """Every attempt in doubt, oldest first."""
    query = (
        select(
            attempts.c.id,
            attempts.c.job_id,
            attempts.c.number,
            attempts.c.submitted_at,
            attempts.c.price_micros,
            attempts.c.message,
            attempts.c.doubted_at,
            attempts.c.reason,
            run_table.c.name,
            run_table.c.run_key,
            campaign_table.c.name.label("campaign"),
        )
        .join(run_table, run_table.c.id == attempts.c.run_id)
        .join(campaign_table, campaign_table.c.id == run_table.c.campaign_id)
        .where(text(f"attempts.{LIVE_SQL}"))
        .where(attempts.c.state == AttemptState.IN_DOUBT)
        .order_by(attempts.c.id)
        .limit(limit)
    )
    return [_in_doubt_row(row) for row in tx.conn.execute(query)]


def overdue(tx: Tx) -> list[OverdueRow]:
    """Every overdue attempt, oldest first."""
    names = ("job_id", "number", "prediction_id", "accepted_at", "overdue_at", "price_micros", "trouble")
    query = (
        select(
            attempts.c.id.label("attempt_id"),
            *(attempts.c[name] for name in names),
            run_table.c.name,
            run_table.c.run_key.label("run"),
            campaign_table.c.name.label("campaign"),
        )
        .join(run_table, run_table.c.id == attempts.c.run_id)
        .join(campaign_table, campaign_table.c.id == run_table.c.campaign_id)
        .where(ATTEMPT_IS_LIVE, OVERDUE)
        .order_by(attempts.c.id)
    )
    return [OverdueRow(**row) for row in tx.conn.execute(query).mappings()]


def at_risk(tx: Tx) -> AtRisk:
    """Counts and money of unfinished work that is paid for, or may be."""
    query = (
        select(
            attempts.c.state,
            func.count().label("attempts"),
            func.sum(attempts.c.price_micros).label("micros"),
            func.min(attempts.c.accepted_at).label("oldest"),
        )
        .where(text(f"attempts.{LIVE_SQL}"))
        .group_by(attempts.c.state)
    )
    rows = {row.state: row for row in tx.conn.execute(query)}
    doubt = rows.get(AttemptState.IN_DOUBT)
    at_provider = [rows[state] for state in (AttemptState.IN_FLIGHT, AttemptState.FETCHING) if state in rows]
    return AtRisk(
        in_doubt=doubt.attempts if doubt else 0,
        in_doubt_micros=int(doubt.micros) if doubt else 0,
        not_stored=rows[AttemptState.FETCHING].attempts if AttemptState.FETCHING in rows else 0,
        in_flight=rows[AttemptState.IN_FLIGHT].attempts if AttemptState.IN_FLIGHT in rows else 0,
        oldest_accepted_at=min((row.oldest for row in at_provider if row.oldest is not None), default=None),
    )


def _in_doubt_row(row: Any) -> InDoubtRow:
    return InDoubtRow(
        attempt_id=row.id,
        job_id=row.job_id,
        campaign=row.campaign,
        name=row.name,
        run=row.run_key,
        number=row.number,
        submitted_at=row.submitted_at,
        price_micros=row.price_micros,
        message=row.message,
        doubted_at=row.doubted_at,
        needs_person=row.reason == AMBIGUOUS,
    )
