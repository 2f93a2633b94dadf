"""Stable names: which picture lies under each, and which should.

| Step | What is written |
|---|---|
| jobs are added, or point at others (`ask`) | the name, and whose pictures it may have |
| a picture is stored, a verdict given (`mark`) | `dirty_at` of its names |
| a worker switches what is dirty | nothing here: `ports.StableNames` |
| `record` | what lies there now; the index of the manifest is dirty, and written last |

The index is a row of its own, with INDEX for the output. Nothing here touches money.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.nights import StableTry, stable_choice
from orchestrator.core.paths import is_quarantined
from orchestrator.ports import StableDone, StableSwitch
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    NAME_IS_DIRTY,
    OutputState,
    campaigns,
    jobs,
    outputs,
    runs,
    stable_names,
    stable_tries,
)

INDEX: Final = -1
"""In place of an output's index: the row is the list of a manifest's names."""


@dataclass(frozen=True, slots=True)
class DirtyName:
    """A name that may hold another picture than it should."""

    key: bytes
    dirty_at: int
    run_id: int
    is_index: bool
    switch: StableSwitch
    job_id: int | None = None
    idx: int | None = None


@dataclass(frozen=True, slots=True)
class NameSwitched:
    """What was wanted of a name, and what came of it."""

    name: DirtyName
    done: StableDone


def mark(tx: Tx, job_ids: Sequence[int]) -> None:
    """Something has changed of the pictures of these jobs: their names are to be looked at."""
    for chunk in chunks(sorted(job_ids)):
        query = dialect.lock_rows(tx.conn, _NAMES_OF, stable_names)
        keys = list(tx.conn.execute(query, {"ids": list(chunk)}).scalars())
        for part in chunks(keys):
            tx.conn.execute(_MARK, {"keys": list(part), "v_now": tx.now})


def dirty(tx: Tx, most: int) -> list[DirtyName]:
    """The first names to look at; an index only when nothing else of its manifest is."""
    rows = tx.conn.execute(_DIRTY.limit(most)).all()
    tries = _tries(tx, [row.path_key for row in rows if row.idx != INDEX])
    found = []
    for row in rows:
        best = None if row.retired else stable_choice(tries.get(bytes(row.path_key), ()))
        picture = None if best is None else best.picture
        switch = StableSwitch(
            path=row.path,
            of=picture.stored_path if picture else None,
            sha256=picture.sha256 if picture else None,
            media_type=picture.media_type if picture else "image/png",
            place=row.place,
            had=row.sha256,
        )
        found.append(
            DirtyName(
                key=bytes(row.path_key),
                dirty_at=row.dirty_at,
                run_id=row.run_id,
                is_index=row.idx == INDEX,
                switch=switch,
                job_id=picture.job_id if picture else None,
                idx=picture.idx if picture else None,
            )
        )
    return found


def any_dirty(tx: Tx, passed_over: Collection[bytes] = ()) -> bool:
    """Whether some name is to be looked at, but for those that are passed over."""
    rows = tx.conn.execute(_DIRTY_KEYS.limit(len(passed_over) + 1)).scalars()
    return any(bytes(key) not in passed_over for key in rows)


def record(tx: Tx, rows: Sequence[NameSwitched]) -> list[None]:
    """Names hold what they were to hold. One that became dirty again meanwhile stays so."""
    for row in rows:
        name, done = row.name, row.done
        key = {"n_key": name.key, "n_dirty": name.dirty_at}
        if done.trouble:
            tx.conn.execute(_TROUBLE, {**key, "v_trouble": done.trouble})
            continue
        tx.conn.execute(
            _LIES,
            {
                **key,
                "v_job": name.job_id,
                "v_idx": INDEX if name.is_index else name.idx,
                "v_sha256": name.switch.sha256,
                "v_place": done.place,
                "v_now": tx.now,
            },
        )
        if not name.is_index and name.switch.sha256 != name.switch.had:
            tx.conn.execute(_MARK_INDEX, {"n_key": name.key, "v_now": tx.now})
    return [None] * len(rows)


def listed(tx: Tx, key: bytes) -> Iterator[dict[str, Any]]:
    """What an index says: first of its run, then of each name that holds a picture, in order."""
    index = tx.conn.execute(_INDEX_OF, {"n_key": key}).one()
    yield {"campaign": index.campaign, "name": index.name, "run": index.run_key, "at": tx.now}
    own = {"n_campaign": index.campaign_id, "n_name": index.name}
    for row in tx.conn.execute(_LISTED, own):
        yield {"path": row.place, "sha256": row.sha256, "job": row.job_id}


def _tries(tx: Tx, keys: Iterable[bytes]) -> dict[bytes, list[StableTry]]:
    found: dict[bytes, list[StableTry]] = {}
    for chunk in chunks(list(keys)):
        for row in tx.conn.execute(_PICTURES, {"keys": list(chunk)}):
            if not is_quarantined(row.stored_path):
                found.setdefault(bytes(row.path_key), []).append(
                    StableTry(row.run_id, row.verdict == "accepted", row.job_id, picture=row)
                )
    return found


_KEY: Final = (stable_names.c.path_key == bindparam("n_key")) & (
    stable_names.c.dirty_at == bindparam("n_dirty")
)
_TROUBLE: Final = update(stable_names).where(_KEY).values(trouble=bindparam("v_trouble"))
_LIES: Final = (
    update(stable_names)
    .where(_KEY)
    .values(
        dirty_at=None,
        job_id=bindparam("v_job"),
        idx=bindparam("v_idx"),
        sha256=bindparam("v_sha256"),
        place=bindparam("v_place"),
        switched_at=bindparam("v_now"),
        trouble=None,
    )
)
_MINE: Final = stable_names.alias("mine")
_NEWEST: Final = stable_names.alias("newest")
_MARK_INDEX: Final = (
    update(stable_names)
    .where(
        stable_names.c.path_key
        == select(_NEWEST.c.path_key)
        .join_from(
            _NEWEST, _MINE, (_MINE.c.campaign_id == _NEWEST.c.campaign_id) & (_MINE.c.name == _NEWEST.c.name)
        )
        .where(_MINE.c.path_key == bindparam("n_key"), _NEWEST.c.idx == INDEX)
        .order_by(_NEWEST.c.run_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    .values(dirty_at=bindparam("v_now"))
)
_NAMES_OF: Final = (
    select(stable_names.c.path_key)
    .where(
        stable_names.c.path_key.in_(
            select(stable_tries.c.path_key).where(stable_tries.c.job_id.in_(bindparam("ids", expanding=True)))
        )
    )
    .order_by(stable_names.c.path_key)
)
_MARK: Final = (
    update(stable_names)
    .where(stable_names.c.path_key.in_(bindparam("keys", expanding=True)))
    .values(dirty_at=bindparam("v_now"))
)
_OTHER: Final = stable_names.alias("other")
_ALONE: Final = ~(
    select(_OTHER.c.path_key)
    .where(
        _OTHER.c.dirty_at.is_not(None),
        _OTHER.c.campaign_id == stable_names.c.campaign_id,
        _OTHER.c.name == stable_names.c.name,
        _OTHER.c.idx.is_distinct_from(INDEX),
        _OTHER.c.trouble.is_(None),
    )
    .correlate(stable_names)
    .exists()
)
_IS_DUE: Final = stable_names.c.idx.is_distinct_from(INDEX) | _ALONE
_DIRTY: Final = select(stable_names).where(NAME_IS_DIRTY, _IS_DUE).order_by(stable_names.c.path_key)
_DIRTY_KEYS: Final = select(stable_names.c.path_key).where(NAME_IS_DIRTY).order_by(stable_names.c.path_key)
_PICTURES: Final = (
    select(
        stable_tries,
        jobs.c.verdict,
        outputs.c.stored_path,
        outputs.c.sha256,
        outputs.c.media_type,
    )
    .join_from(stable_tries, jobs, jobs.c.id == stable_tries.c.job_id)
    .join(outputs, (outputs.c.job_id == stable_tries.c.job_id) & (outputs.c.idx == stable_tries.c.idx))
    .where(
        stable_tries.c.path_key.in_(bindparam("keys", expanding=True)),
        outputs.c.state == OutputState.STORED.value,
        outputs.c.nsfw.is_not(True),
        jobs.c.verdict.is_distinct_from("rejected"),
    )
)
_INDEX_OF: Final = (
    select(
        stable_names.c.campaign_id, stable_names.c.name, campaigns.c.name.label("campaign"), runs.c.run_key
    )
    .join_from(stable_names, campaigns)
    .join(runs, runs.c.id == stable_names.c.run_id)
    .where(stable_names.c.path_key == bindparam("n_key"))
)
_LISTED: Final = (
    select(stable_names.c.place, stable_names.c.sha256, stable_names.c.job_id)
    .where(
        stable_names.c.campaign_id == bindparam("n_campaign"),
        stable_names.c.name == bindparam("n_name"),
        stable_names.c.place.is_not(None),
        stable_names.c.idx.is_distinct_from(INDEX),
    )
    .order_by(stable_names.c.place)
)
