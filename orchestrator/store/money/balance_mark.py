"""The account's balance at a moment when every task of this database was billed: what has left the account
since is what tasks since then have cost, whatever unit the bill is in.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, exists, select

from orchestrator.core.bill_size import Basis, Size, basis_of, kept_of, size_of
from orchestrator.ports import BillingRecord
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, ATTEMPT_IS_UNBILLED, attempts, meta

_KEY: Final = "balance_mark"


@dataclass(frozen=True, slots=True)
class BalanceMark:
    """What the account had left, and when."""

    at: int  # ms
    micros: int


def move(tx: Tx, micros: int) -> bool:
    """Set the mark to now, unless a task that is older than that is still to be billed."""
    if tx.conn.execute(select(_SOMETHING_OPEN)).scalar():
        return False
    value = json.dumps({"at": tx.now, "micros": micros})
    statement = dialect.insert(tx.conn, meta).values(key=_KEY, value=value)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
    return True


def read(tx: Tx) -> BalanceMark | None:
    """The mark; None before the first."""
    value = tx.conn.execute(_READ, {"key": _KEY}).scalar()
    return None if value is None else BalanceMark(**json.loads(value))


def basis(tx: Tx, records: Sequence[BillingRecord], balance_micros: int) -> Basis:
    """Whether the balance fell since the mark by what the bill says, or by what it says with every charge of
    implausible size at what was held for it.
    """
    mark = read(tx)
    if mark is None:
        return Basis.UNKNOWN
    charged: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for record in records:
        if record.created_at_ms is None or record.created_at_ms >= mark.at:
            sums = refunded if record.kind == "refund" else charged
            sums[record.prediction_id] = sums.get(record.prediction_id, 0) + record.micros
    by_bill = sum(charged.values()) - sum(refunded.values())
    by_hold = by_bill
    for chunk in chunks(list(charged)):
        for row in tx.conn.execute(_HELD, {"ids": chunk}):
            billed = charged[row.prediction_id]
            if size_of(billed, row.price_micros) is not Size.USUAL:
                back = refunded.get(row.prediction_id, 0)
                by_hold += kept_of(row.price_micros, billed, back) - (billed - back)
    return basis_of(mark.micros - balance_micros, by_hold, by_bill)


_HELD: Final = select(attempts.c.prediction_id, attempts.c.price_micros).where(
    attempts.c.prediction_id.in_(bindparam("ids", expanding=True))
)
_SOMETHING_OPEN: Final = exists(select(attempts.c.id).where(ATTEMPT_IS_LIVE)) | exists(
    select(attempts.c.id).where(ATTEMPT_IS_UNBILLED)
)
_READ: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
