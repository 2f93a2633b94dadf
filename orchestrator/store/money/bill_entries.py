"""Entries of the bill beside the one charge and the one refund that stand in an attempt's own row: parts of
other days, tasks of other programs, charges of other services on the account. Only the month's statement
reads them.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final

from orchestrator.core.money import MICROS_MAX
from orchestrator.ports.paging import DAY_MS, Bill, BillTimes
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import BillEntry, bill_entries


def note_parts(tx: Tx, attempt_id: int, times: BillTimes) -> None:
    """Keep which parts of an attempt's charge and refund are of earlier days than the last, whose time stands
    in its row; on the last day as much is taken off. Reading the bill again changes nothing.
    """
    _put(tx, [*_parts(attempt_id, times, refund=False), *_parts(attempt_id, times, refund=True)])


def note_others(tx: Tx, bill: Bill, known: Container[str]) -> None:
    """Keep what the bill says of tasks that no attempt has (`known` are those that have one), and of other
    services. Amounts that cannot be right are left to the person whom `reconcile` tells of them.
    """
    found = []
    for key, record in bill.keyed().items():
        if record.prediction_id in known or record.micros > MICROS_MAX:
            continue
        refund = record.kind == "refund"
        found.append(
            {
                "key": f"record {key}",
                "at": tx.now if record.created_at_ms is None else record.created_at_ms,
                "what": BillEntry.OTHER_TASK.value,
                "attempt_id": None,
                "prediction_id": record.prediction_id,
                "charged_micros": 0 if refund else record.micros,
                "refunded_micros": record.micros if refund else 0,
            }
        )
    for key, other in bill.others.items():
        if other.id:  # without an id it would count again at every reading
            found.append(
                {
                    "key": f"other {key}",
                    "at": tx.now if other.created_at_ms is None else other.created_at_ms,
                    "what": BillEntry.OTHER_CHARGE.value,
                    "attempt_id": None,
                    "prediction_id": None,
                    "charged_micros": max(0, other.micros),
                    "refunded_micros": max(0, -other.micros),
                }
            )
    _put(tx, found)


def _parts(attempt_id: int, times: BillTimes, *, refund: bool) -> Iterable[Mapping[str, Any]]:
    last = times.refunded_at_ms if refund else times.charged_at_ms
    parts = [part for part in times.parts if part.refund is refund]
    if last is None or not parts:
        return
    whole = sum(part.micros for part in parts)
    for at_ms, micros in [*((part.at_ms, part.micros) for part in parts), (last, -whole)]:
        yield {
            "key": f"part {attempt_id}/{'refund' if refund else 'charge'}/{at_ms // DAY_MS}",
            "at": at_ms,
            "what": BillEntry.PART.value,
            "attempt_id": attempt_id,
            "prediction_id": None,
            "charged_micros": 0 if refund else micros,
            "refunded_micros": micros if refund else 0,
        }


def _put(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        statement = dialect.insert(tx.conn, bill_entries)
        changes = {name: statement.excluded[name] for name in _CHANGING}
        tx.conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changes), list(rows))


_CHANGING: Final = ("at", "charged_micros", "refunded_micros")
