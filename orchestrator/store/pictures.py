"""What a finished attempt leaves behind: its outputs' rows, and the runs' counts of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, update

from orchestrator.ports import DiscardedArtifact, StoredArtifact
from orchestrator.store import fences
from orchestrator.store.database import Tx
from orchestrator.store.schema import OutputState, outputs, runs


@dataclass(frozen=True, slots=True)
class Finish:
    """Every output has met its end: stored, discarded, or lost."""

    attempt_id: int
    epoch: int
    stored: tuple[tuple[int, StoredArtifact | DiscardedArtifact], ...]  # by output index
    lost: tuple[tuple[int, str], ...] = ()  # index and why
    expected: int = 0  # how many were asked for
    flagged: int = 0  # how many of the stored ones the provider flagged


def record(tx: Tx, held: dict[int, fences.Held], rows: Sequence[Finish]) -> None:
    """Write what became of every output of these finished attempts."""
    stored: list[dict[str, Any]] = []
    unstored: list[dict[str, Any]] = []
    for row in rows:
        job_id = held[row.attempt_id].job_id
        stored.extend(_artifact_values(tx, job_id, index, artifact) for index, artifact in row.stored)
        unstored.extend(
            {"o_job": job_id, "o_idx": index, "v_state": OutputState.LOST.value} for index, _ in row.lost
        )
        returned = {index for index, _ in row.stored} | {index for index, _ in row.lost}
        unstored.extend(
            {"o_job": job_id, "o_idx": index, "v_state": OutputState.ABSENT.value}
            for index in range(row.expected)
            if index not in returned
        )
    if stored:
        tx.conn.execute(_STORE_OUTPUT, stored)
        _count_pictures(tx, held, rows)
    if unstored:
        tx.conn.execute(_MARK_OUTPUT, unstored)


def _count_pictures(tx: Tx, held: dict[int, fences.Held], rows: Sequence[Finish]) -> None:
    """Add what was just stored to the runs' counters, run by run in one order."""
    counts: dict[int, list[int]] = {}
    for row in rows:
        count = counts.setdefault(held[row.attempt_id].run_id, [0, 0])
        count[0] += sum(1 for _, artifact in row.stored if isinstance(artifact, StoredArtifact))
        count[1] += row.flagged
    tx.conn.execute(
        _COUNT,
        [{"r_id": run_id, "d_stored": c[0], "d_flagged": c[1]} for run_id, c in sorted(counts.items())],
    )


def _artifact_values(
    tx: Tx, job_id: int, index: int, artifact: StoredArtifact | DiscardedArtifact
) -> dict[str, Any]:
    kept = isinstance(artifact, StoredArtifact)
    return {
        "o_job": job_id,
        "o_idx": index,
        "v_state": (OutputState.STORED if kept else OutputState.DISCARDED).value,
        "v_path": artifact.path if isinstance(artifact, StoredArtifact) else None,
        "v_sha256": artifact.sha256,
        "v_bytes": artifact.bytes,
        "v_media_type": artifact.media_type,
        "v_width": artifact.width,
        "v_height": artifact.height,
        "v_at": tx.now,
    }


_OUTPUT_KEY: Final = (outputs.c.job_id == bindparam("o_job")) & (outputs.c.idx == bindparam("o_idx"))

_STORE_OUTPUT: Final = (
    update(outputs)
    .where(_OUTPUT_KEY)
    .values(
        state=bindparam("v_state"),
        stored_path=bindparam("v_path"),
        sha256=bindparam("v_sha256"),
        bytes=bindparam("v_bytes"),
        media_type=bindparam("v_media_type"),
        width=bindparam("v_width"),
        height=bindparam("v_height"),
        stored_at=bindparam("v_at"),
    )
)

_MARK_OUTPUT: Final = update(outputs).where(_OUTPUT_KEY).values(state=bindparam("v_state"))

_COUNT: Final = (
    update(runs)
    .where(runs.c.id == bindparam("r_id"))
    .values(
        pictures_stored=runs.c.pictures_stored + bindparam("d_stored"),
        pictures_flagged=runs.c.pictures_flagged + bindparam("d_flagged"),
    )
)
