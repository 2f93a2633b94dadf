"""The account's limits as they are shown: whose word each is, since when, and how much of it is taken."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.store.account import rate_limits
from orchestrator.store.account.configured_limits import LimitName, limits_in_force, subject_of
from orchestrator.store.account.rate_limits import RateUse
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import acts


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit in force."""

    name: LimitName
    value: int
    source: str  # default | config | operator
    overruled: int | None
    since: int | None  # ms; None: it was there before such things were recorded, or nobody has named it
    who: str | None
    host: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class LimitsNow:
    """Every limit, and what is taken of them at this moment; no rows before the first worker."""

    rows: list[LimitRow]
    rate: RateUse | None
    running: int  # tasks that take a slot


def limits_now(tx: Tx) -> LimitsNow:
    """Read without a lock."""
    rows = []
    for name, limit in limits_in_force(tx).items():
        act = tx.conn.execute(_LATEST, {"subject": subject_of(name)}).one_or_none()
        rows.append(
            LimitRow(
                name=name,
                value=limit.value,
                source=limit.source.value,
                overruled=limit.overruled,
                since=act.at if act else None,
                who=act.who if act else None,
                host=act.host if act else None,
                why=act.why if act else None,
            )
        )
    return LimitsNow(rows, rate_limits.rate_use(tx), rate_limits.running(tx))


_NEWEST: Final = select(func.max(acts.c.id)).where(acts.c.subject == bindparam("subject")).scalar_subquery()
_LATEST: Final = select(acts.c.at, acts.c.who, acts.c.host, acts.c.why).where(acts.c.id == _NEWEST)
