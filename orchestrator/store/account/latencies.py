"""How long the tasks of a model take, as observed: for the time of the first poll and for estimates."""

from dataclasses import dataclass

from sqlalchemy import select

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import latencies


@dataclass(frozen=True, slots=True)
class RecordedLatency:
    """Quantiles in milliseconds from acceptance to completion, over the last samples."""

    p10_ms: int
    p50_ms: int
    p95_ms: int
    samples: int


def get(tx: Tx, model: str) -> RecordedLatency | None:
    """What was observed for a model; None before its first task completed."""
    row = tx.conn.execute(select(latencies).where(latencies.c.model == model)).one_or_none()
    return (
        None
        if row is None
        else RecordedLatency(p10_ms=row.p10_ms, p50_ms=row.p50_ms, p95_ms=row.p95_ms, samples=row.samples)
    )


def known(tx: Tx) -> list[tuple[str, RecordedLatency]]:
    """What was observed for every model."""
    rows = tx.conn.execute(select(latencies).order_by(latencies.c.model))
    return [
        (
            row.model,
            RecordedLatency(p10_ms=row.p10_ms, p50_ms=row.p50_ms, p95_ms=row.p95_ms, samples=row.samples),
        )
        for row in rows
    ]


def put(tx: Tx, model: str, latency: RecordedLatency) -> None:
    """Replace what was observed for a model."""
    row = {
        "p10_ms": latency.p10_ms,
        "p50_ms": latency.p50_ms,
        "p95_ms": latency.p95_ms,
        "samples": latency.samples,
        "updated_at": tx.now,
    }
    statement = dialect.insert(tx.conn, latencies).values(model=model, **row)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["model"], set_=row))
