"""Outputs: what a completed attempt returned, and what became of each picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import BigInteger, Text, bindparam, case, func, select, update

from orchestrator.core.paths import copies_wanted, name_of_extra_output, path_key
from orchestrator.ports import DiscardedArtifact, StoredArtifact
from orchestrator.store.attempts import picture_counts, transitions
from orchestrator.store.attempts.origins import Origin, origins_of, paths_of
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, events, outputs


@dataclass(frozen=True, slots=True)
class ExpectedOutput:
    """One output to store, and where."""

    index: int
    url: str
    nsfw: bool | None
    path: str
    sha256: str | None  # known when an earlier try stored the output
    origin: Origin = field(default_factory=dict)  # what its sidecar says of run and job
    copies: tuple[tuple[int, str], ...] = ()  # which further files are wanted of it: their indexes and paths


Returned = tuple[int, tuple[tuple[str, bool | None], ...]]
"""A job's id, and the (URL, flag) of every output in order."""


def expected(tx: Tx, attempt_id: int) -> list[ExpectedOutput]:
    """The outputs of a fetching attempt, stored or not, in order, for a worker that takes it over."""
    mine = (outputs.c.attempt_id == attempt_id) & outputs.c.url.is_not(None)
    rows = tx.conn.execute(select(outputs).where(mine).order_by(outputs.c.idx)).all()
    planned = paths_of(tx, {row.job_id for row in rows})
    wanted = {job_id: copies_wanted(paths) for job_id, paths in planned.own.items()}
    origin = origins_of(tx, [attempt_id], planned).get(attempt_id, {}) if rows else {}
    return [
        ExpectedOutput(
            index=row.idx,
            url=row.url,
            nsfw=row.nsfw,
            path=row.path,
            sha256=row.sha256,
            origin=origin,
            copies=wanted[row.job_id].get(row.idx, ()),
        )
        for row in rows
    ]


def expect(tx: Tx, returned: Mapping[int, Returned]) -> dict[int, list[ExpectedOutput]]:
    """Record the URLs that completed attempts returned, by attempt id; returns what to store, and where.

    An output beyond the requested number gets a path of its own, because it is paid for like the others.
    """
    planned = paths_of(tx, [job_id for job_id, _ in returned.values()])
    updates: list[dict[str, Any]] = []
    extras: list[dict[str, Any]] = []
    answers: dict[int, list[ExpectedOutput]] = {}
    for attempt_id, (job_id, urls) in returned.items():
        paths = planned.own[job_id]
        wanted = copies_wanted(paths)
        answers[attempt_id] = []
        for index, (url, nsfw) in enumerate(urls):
            path = paths.get(index)
            if path is None:
                path = paths[index] = name_of_extra_output(paths[0], job_id=job_id, index=index)
                extras.append(
                    {
                        "job_id": job_id,
                        "idx": index,
                        "path": path,
                        "path_key": path_key(path),
                        "state": OutputState.PLANNED.value,
                    }
                )
            updates.append(
                {
                    "o_job": job_id,
                    "o_idx": index,
                    "o_url": url,
                    "o_nsfw": nsfw,
                    "o_attempt": attempt_id,
                }
            )
            answers[attempt_id].append(
                ExpectedOutput(
                    index=index, url=url, nsfw=nsfw, path=path, sha256=None, copies=wanted.get(index, ())
                )
            )
    if extras:
        tx.conn.execute(outputs.insert(), extras)
    if updates:
        dialect.run_many(tx.conn, _EXPECT, updates)
    told = origins_of(tx, list(returned), planned)
    return {
        attempt_id: [replace(output, origin=told[attempt_id]) for output in found]
        for attempt_id, found in answers.items()
    }


@dataclass(frozen=True, slots=True)
class Finish:
    """Every output of an attempt is stored, discarded, or lost."""

    attempt_id: int
    epoch: int
    stored: tuple[tuple[int, StoredArtifact | DiscardedArtifact], ...]  # by output index
    lost: tuple[tuple[int, str], ...] = ()  # index and why
    expected: int = 0  # how many were asked for
    flagged: int = 0  # how many of the stored ones the provider flagged
    unproven: Mapping[int, str] = field(default_factory=dict)  # where what came of a lost one is kept aside
    copies: tuple[tuple[int, StoredArtifact | DiscardedArtifact], ...] = ()  # made of the stored ones


def record_stored(tx: Tx, held: dict[int, transitions.LockedAttempt], rows: Sequence[Finish]) -> None:
    """Write what became of every output of these finished attempts."""
    stored: list[dict[str, Any]] = []
    unstored: list[dict[str, Any]] = []
    for row in rows:
        job_id = held[row.attempt_id].job_id
        stored.extend(
            artifact_values(tx=tx, job_id=job_id, index=index, artifact=artifact)
            for index, artifact in (*row.stored, *row.copies)
        )
        lost = {"o_job": job_id, "v_state": OutputState.LOST.value}
        unstored.extend(
            {**lost, "o_idx": index, "v_unproven": row.unproven.get(index)} for index, _ in row.lost
        )
        returned = {index for index, _ in row.stored} | {index for index, _ in row.lost}
        absent = {"o_job": job_id, "v_state": OutputState.ABSENT.value, "v_unproven": None}
        unstored.extend({**absent, "o_idx": index} for index in range(row.expected) if index not in returned)
    if stored:
        stored.sort(key=lambda values: (values["o_job"], values["o_idx"]))  # as `store/choosing` locks them
        dialect.run_many(tx.conn, STORE_OUTPUT, stored)
        _count_pictures(tx, held, rows)
    if unstored:
        tx.conn.execute(_MARK_OUTPUT, unstored)
    _note_unproven(tx, held, rows)


def _note_unproven(tx: Tx, held: dict[int, transitions.LockedAttempt], rows: Sequence[Finish]) -> None:
    """An event for each output that was kept aside, because its file is all that is left of it."""
    notes = [
        {
            "at": tx.now,
            "kind": "unproven",
            "job_id": held[row.attempt_id].job_id,
            "attempt_id": row.attempt_id,
            "message": f"output {index}: {why}",
        }
        for row in rows
        for index, why in row.lost
        if index in row.unproven
    ]
    if notes:
        tx.conn.execute(events.insert(), notes)


def _count_pictures(tx: Tx, held: dict[int, transitions.LockedAttempt], rows: Sequence[Finish]) -> None:
    """Note what was just stored for the counters of the runs."""
    for row in rows:
        stored = sum(1 for _, artifact in row.stored if isinstance(artifact, StoredArtifact))
        picture_counts.add(tx, held[row.attempt_id].run_id, stored=stored, flagged=row.flagged)


def artifact_values(
    tx: Tx, job_id: int, index: int, artifact: StoredArtifact | DiscardedArtifact
) -> dict[str, Any]:
    """The values of `STORE_OUTPUT`."""
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

STORE_OUTPUT: Final = (
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
        # a later try of its cell: who has the clean name is decided when it is looked at
        moving_to=case((bindparam("v_path", type_=Text).is_not(None), outputs.c.clean_path)),
        moving_since=case((outputs.c.clean_path.is_not(None), bindparam("v_at", type_=BigInteger))),
    )
)

_MARK_OUTPUT: Final = (
    update(outputs)
    .where(_OUTPUT_KEY)
    .values(
        state=bindparam("v_state"),
        unproven_path=func.coalesce(bindparam("v_unproven", type_=Text), outputs.c.unproven_path),
    )
)

_EXPECT: Final = (
    update(outputs)
    .where(_OUTPUT_KEY)
    .values(
        url=bindparam("o_url"),
        nsfw=bindparam("o_nsfw"),
        attempt_id=bindparam("o_attempt"),
        state=OutputState.EXPECTED.value,
    )
)
