"""Tries of the same pictures in other runs: a run of another key whose `output:` does not name the key plans
its pictures under the same clean names, of which each has one choice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, jobs, outputs, runs
from orchestrator.store.views.jobs.products import TryRow, tries

MOST: Final = 8
"""So many tries of other runs are read for a picture, the newest: a nightly run has hundreds."""


def with_mates(tx: Tx, rows: Sequence[TryRow]) -> list[TryRow]:
    """These jobs of one run, and behind them the tries that other runs have of the same pictures: each as if
    it were of the product, with the job beside which it stands.
    """
    own = {row.id: row for row in rows}
    cells: dict[bytes, int] = {}  # -> the first of our jobs under that name
    for chunk in chunks(sorted(own)):
        for job_id, key in tx.conn.execute(_NAMES, {"ids": list(chunk)}):
            cells.setdefault(bytes(key), job_id)
    beside: dict[int, tuple[int, str]] = {}
    for keys in chunks(sorted(cells)):
        for row in tx.conn.execute(_MATES, {"keys": list(keys), "most": MOST + 1}):
            mine = cells[bytes(row.key)]
            if row.job_id not in own and row.run_id != own[mine].run_id:
                beside.setdefault(row.job_id, (mine, _words(row)))
    found = [
        replace(row, product=of.product, ordinal=of.ordinal, beside=of.id, elsewhere=words)
        for row in tries(tx, list(beside))
        for mine, words in [beside[row.id]]
        for of in [own[mine]]
    ]
    return [*rows, *found]


def _words(row: Any) -> str:
    return f"{row.campaign}/{row.name}/{row.run_key}"


_KEY: Final = func.coalesce(outputs.c.clean_key, outputs.c.path_key).label("key")
_NAMES: Final = (
    select(outputs.c.job_id, _KEY)
    .where(outputs.c.job_id.in_(bindparam("ids", expanding=True)), outputs.c.idx < EARLIER_INDEX)
    .order_by(outputs.c.job_id, outputs.c.idx)
)
_GIVEN: Final[Any] = bindparam("keys", expanding=True)
_NEWEST: Final = func.row_number().over(partition_by=_KEY, order_by=outputs.c.job_id.desc()).label("newest")
_RANKED: Final = (
    select(outputs.c.job_id, jobs.c.run_id, _KEY, _NEWEST)
    .join_from(outputs, jobs, jobs.c.id == outputs.c.job_id)
    .where(
        outputs.c.clean_key.in_(_GIVEN) | (outputs.c.clean_key.is_(None) & outputs.c.path_key.in_(_GIVEN)),
        outputs.c.idx < EARLIER_INDEX,
    )
    .subquery()
)
_MATES: Final = (
    select(_RANKED, runs.c.name, runs.c.run_key, campaigns.c.name.label("campaign"))
    .join_from(_RANKED, runs, runs.c.id == _RANKED.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(_RANKED.c.newest <= bindparam("most"))
    .order_by(_RANKED.c.job_id)
)
