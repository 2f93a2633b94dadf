"""Jobs to be, compared with what their run and earlier ones hold. Nothing is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select

from orchestrator.core.nights import Fate
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.store.db import bulk
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import output_paths
from orchestrator.store.runs.earlier import Decided, OtherRuns
from orchestrator.store.runs.runs import Run, existing_ids

BOUGHT: Final = Decided(Fate.BUY)


def states_by_key(tx: Tx, run_id: int, keys: Sequence[str]) -> dict[str, str]:
    """The states of the jobs that the run already has with these keys."""
    known = existing_ids(tx, run_id, keys)
    found = _standing(tx, known.values())
    return {key: found[job_id].state for key, job_id in known.items() if job_id in found}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a chunk of specs would change."""

    fresh: list[JobSpec]  # those that the run does not have yet
    conflicts: list[output_paths.PathConflict]  # their paths that jobs of another manifest own
    known: Collection[int]  # ids of the jobs that the run has already
    states: Mapping[str, str]  # their states, by key
    untried: list[JobSpec]  # those of them that wait and were never tried
    decided: Mapping[str, Decided]  # of those that the run does not have, and that earlier runs decide about
    differing: Collection[str]  # keys of the fresh ones whose https inputs serve another picture than before
    outdated: Collection[str]  # keys of the fresh ones whose picture an older revision of the model has made


def look_up(
    tx: Tx, run: Run | None, owner: RunSpec, specs: Sequence[JobSpec], *, earlier: OtherRuns | None = None
) -> LookedUp:
    """Compare specs of `owner` with what is stored; `run` is None when it does not exist. Writes nothing."""
    known = existing_ids(tx, run.id, [spec.key for spec in specs]) if run else {}
    fresh = [spec for spec in specs if spec.key not in known]
    seen = {spec.key: spec.seen_urls for spec in fresh if spec.seen_urls}
    decided = earlier.decide(tx, [spec.key for spec in fresh], seen) if earlier else {}
    fresh = [spec for spec in fresh if decided.get(spec.key, BOUGHT).fate is Fate.BUY]
    wanted = [path for spec in fresh for path in spec.output_paths]
    found = _standing(tx, known.values())
    return LookedUp(
        fresh=fresh,
        conflicts=output_paths.foreign(tx=tx, campaign=owner.campaign, name=owner.name, wanted=wanted),
        known=known.values(),
        states={key: found[job_id].state for key, job_id in known.items() if job_id in found},
        untried=[spec for spec in specs if spec.key in known and _is_untried(found.get(known[spec.key]))],
        decided={key: item for key, item in decided.items() if item.fate is not Fate.BUY},
        differing=frozenset(key for key, item in decided.items() if item.differs),
        outdated=frozenset(key for key, item in decided.items() if item.outdated),
    )


def _standing(tx: Tx, ids: Collection[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for chunk in bulk.chunks(list(ids)):
        found.update((row.id, row) for row in tx.conn.execute(_STANDING, {"ids": chunk}))
    return found


def _is_untried(row: Any) -> bool:
    return row is not None and row.queue is not None and row.attempts == 0


_STANDING: Final = select(jobs.c.id, jobs.c.state, jobs.c.queue, jobs.c.attempts).where(
    jobs.c.id.in_(bindparam("ids", expanding=True))
)
