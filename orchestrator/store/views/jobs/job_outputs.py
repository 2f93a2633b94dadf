"""The pictures of jobs, planned and stored: where each lies, and whose name it has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import bindparam, select

from orchestrator.core.paths import copy_number, index_and_attempt, is_superseded
from orchestrator.store.choosing.originals import originals
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState
from orchestrator.store.db.schema import outputs as output_table


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One planned picture and what became of it."""

    index: int  # within its attempt
    kept_from: int | None  # number of the earlier attempt that stored it; None: it is of the present one
    state: str
    planned_path: str
    path: str | None  # where it is stored, relative to the output root
    sha256: str | None
    bytes: int | None
    media_type: str | None
    width: int | None
    height: int | None
    nsfw: bool | None
    is_copy: bool = False  # made of the output with the same index, for another row of the manifest
    unproven: str | None = None  # where what came of a lost one is kept aside, relative to the output root
    clean_path: str = ""  # the name that belongs to the chosen try; its own while no other try was asked for
    superseded_by: int | None = None  # the job whose picture has that name, where this one had to give it up
    moving_to: str | None = None  # the name that its file is about to get


def outputs_of(tx: Tx, job_ids: Sequence[int]) -> dict[int, list[OutputRow]]:
    """Every output of these jobs, in order, followed by those kept from earlier attempts; of a reused job the
    outputs of the job whose pictures it has.
    """
    if not job_ids:
        return {}
    query = (
        select(output_table)
        .where(output_table.c.job_id.in_([*job_ids, *(found_in := originals(tx, job_ids)).values()]))
        .order_by(output_table.c.job_id, output_table.c.idx)
    )
    found: dict[int, list[OutputRow]] = {}
    rows = tx.conn.execute(query).all()
    holders = _holders(tx, [bytes(row.clean_key) for row in rows if row.clean_key is not None])
    for row in rows:
        index, kept_from = index_and_attempt(row.idx)
        found.setdefault(row.job_id, []).append(
            OutputRow(
                index=index,
                kept_from=kept_from,
                state=row.state,
                planned_path=row.path,
                path=row.stored_path if row.state == OutputState.STORED else None,
                sha256=row.sha256,
                bytes=row.bytes,
                media_type=row.media_type,
                width=row.width,
                height=row.height,
                nsfw=row.nsfw,
                is_copy=copy_number(row.idx) > 0,
                unproven=row.unproven_path,
                clean_path=row.clean_path or row.path,
                superseded_by=holders.get(bytes(row.clean_key)) if _is_superseded(row) else None,
                moving_to=row.moving_to,
            )
        )
    whole = {job_id: _flagged_alike(rows) for job_id, rows in found.items()}
    for job_id, origin in found_in.items():
        whole[job_id] = [row for row in whole.get(origin, []) if row.kept_from is None and not row.is_copy]
    return whole


def _is_superseded(row: Any) -> bool:
    return row.clean_key is not None and (is_superseded(row.path) or is_superseded(row.moving_to or ""))


def _holders(tx: Tx, clean_keys: Sequence[bytes]) -> dict[bytes, int]:
    """The job that has each of these clean names."""
    found: dict[bytes, int] = {}
    for chunk in chunks(clean_keys):
        found.update({bytes(key): job_id for key, job_id in tx.conn.execute(_HOLDERS, {"keys": chunk})})
    return found


def _flagged_alike(rows: list[OutputRow]) -> list[OutputRow]:
    """A copy is flagged when what it is of is."""
    flags = {row.index: row.nsfw for row in rows if not row.is_copy and row.kept_from is None}
    return [replace(row, nsfw=flags.get(row.index)) if row.is_copy else row for row in rows]


_HOLDERS: Final = select(output_table.c.path_key, output_table.c.job_id).where(
    output_table.c.path_key.in_(bindparam("keys", expanding=True))
)
