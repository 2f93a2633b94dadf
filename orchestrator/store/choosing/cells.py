"""Cells as they are recorded: every output that was ever planned under one clean name.

The holder of a cell is the one output whose `path` is the clean name; the others have it as `clean_path`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, func, select

from orchestrator.core.choice import Try, chosen
from orchestrator.core.paths import COPY_FIRST, is_quarantined, name_of_superseded
from orchestrator.core.states import JobState
from orchestrator.ports import MovingPicture, PictureKey
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, attempts, jobs, outputs, verdicts

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class CellOutput:
    """One output of a cell."""

    key: PictureKey
    path: str
    clean: str
    is_holder: bool
    state: str
    job_state: str
    stored_path: str | None
    sha256: str | None
    media_type: str
    moving_to: str | None
    asked_at: int
    attempt: int  # 0: none has brought it, or it is a copy
    verdict: str | None
    accepted: int

    @property
    def is_try(self) -> bool:
        """Whether it may have the clean name: it is stored, and not in quarantine."""
        return self.stored_path is not None and not is_quarantined(self.stored_path)

    @property
    def is_arriving(self) -> bool:
        """Whether a worker may be about to write a file under its `path`, which it has read already."""
        if self.state == OutputState.EXPECTED:
            return True
        copied = self.key[1] >= COPY_FIRST and self.state == OutputState.PLANNED
        return copied and self.job_state in _MAY_BE_COPIED

    @property
    def superseded(self) -> str:
        """Its name when another one is chosen."""
        return name_of_superseded(self.clean, job_id=self.key[0], attempt=self.attempt or None)

    def moving(self, to: str) -> MovingPicture:
        """The file of a try, which is to get a name."""
        assert self.stored_path is not None
        assert self.sha256 is not None
        return MovingPicture(
            key=self.key,
            path=self.stored_path,
            to=to,
            sha256=self.sha256,
            media_type=self.media_type,
            may_be=(self.clean, self.superseded),
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with all its outputs."""

    key: bytes
    outputs: tuple[CellOutput, ...]

    @property
    def holder(self) -> CellOutput | None:
        """The output whose path is the clean name."""
        return next((each for each in self.outputs if each.is_holder), None)

    @property
    def choice(self) -> CellOutput | None:
        """The output that is to have the clean name; None while nothing of the cell is stored."""
        best = chosen(_try(each) for each in self.outputs if each.is_try)
        return next((each for each in self.outputs if best and each.key == (best.job_id, best.index)), None)


def keys_of_jobs(tx: Tx, job_ids: Sequence[int]) -> list[bytes]:
    """The cells that outputs of these jobs belong to."""
    found: dict[bytes, None] = {}
    for chunk in chunks(job_ids):
        for key, clean in tx.conn.execute(_KEYS, {"ids": chunk}):
            found[bytes(clean or key)] = None
    return list(found)


def keys_of_moving(tx: Tx, most: int | None = None) -> list[bytes]:
    """The first cells in which a file is to get another name, or is to be looked at for it."""
    found = tx.conn.execute(_MOVING) if most is None else tx.conn.execute(_FIRST_MOVING, {"most": most})
    return [bytes(key) for key in found.scalars()]


def read(tx: Tx, keys: Sequence[bytes]) -> list[Cell]:
    """These cells. Their rows are locked, always in the same order."""
    found: dict[bytes, list[CellOutput]] = {}
    for chunk in chunks(sorted(keys)):
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, _OUTPUTS, outputs), {"keys": chunk}).all()
        accepted = _accepted(tx, {row.job_id for row in rows if row.verdict == ACCEPTED})
        for row in rows:
            clean_key = row.clean_key or row.path_key
            found.setdefault(bytes(clean_key), []).append(
                CellOutput(
                    key=(row.job_id, row.idx),
                    path=row.path,
                    clean=row.clean_path or row.path,
                    is_holder=row.clean_key is None,
                    state=row.state,
                    job_state=row.job_state,
                    stored_path=row.stored_path if row.state == OutputState.STORED else None,
                    sha256=row.sha256,
                    media_type=row.media_type or "image/png",
                    moving_to=row.moving_to,
                    asked_at=row.created_at if row.wanted_at is None else row.wanted_at,
                    attempt=row.number or 0,
                    verdict=row.verdict,
                    accepted=accepted.get(row.job_id, 0),
                )
            )
    return [Cell(key, tuple(rows)) for key, rows in found.items()]


def _accepted(tx: Tx, job_ids: Iterable[int]) -> dict[int, int]:
    """Of accepted jobs: the number of the verdict that says so."""
    found: dict[int, int] = {}
    for chunk in chunks(sorted(job_ids)):
        found.update({row.job_id: row.number for row in tx.conn.execute(_VERDICTS, {"ids": chunk})})
    return {job_id: found.get(job_id, 1) for job_id in job_ids}


def _try(output: CellOutput) -> Try:
    job_id, index = output.key
    return Try(
        asked_at=output.asked_at,
        job_id=job_id,
        attempt=output.attempt,
        index=index,
        rejected=output.verdict == REJECTED,
        accepted=output.accepted,
    )


_MAY_BE_COPIED: Final = frozenset({JobState.RUNNING.value, JobState.SUCCEEDED.value})
_KEYS: Final = select(outputs.c.path_key, outputs.c.clean_key).where(
    outputs.c.job_id.in_(bindparam("ids", expanding=True))
)
_MOVING: Final = (
    select(func.coalesce(outputs.c.clean_key, outputs.c.path_key))
    .where(outputs.c.moving_to.is_not(None))
    .distinct()
)
_FIRST_MOVING: Final = _MOVING.limit(bindparam("most"))
_GIVEN: Final[BindParameter[Any]] = bindparam("keys", expanding=True)
_OUTPUTS: Final = (
    select(
        outputs,
        jobs.c.created_at,
        jobs.c.state.label("job_state"),
        jobs.c.verdict,
        attempts.c.number,
    )
    .select_from(outputs)
    .join(jobs, jobs.c.id == outputs.c.job_id)
    .outerjoin(attempts, attempts.c.id == outputs.c.attempt_id)
    .where(outputs.c.clean_key.in_(_GIVEN) | (outputs.c.clean_key.is_(None) & outputs.c.path_key.in_(_GIVEN)))
    .order_by(outputs.c.job_id, outputs.c.idx)
)
_VERDICTS: Final = (
    select(verdicts.c.job_id, func.max(verdicts.c.id).label("number"))
    .where(verdicts.c.job_id.in_(bindparam("ids", expanding=True)), verdicts.c.verdict == ACCEPTED)
    .group_by(verdicts.c.job_id)
)
