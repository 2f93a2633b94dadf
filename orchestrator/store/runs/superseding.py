"""What a run makes of earlier ones, in the transaction that adds its jobs.

No two jobs of one manifest wait for the same picture at once: what an earlier run still waits for is
cancelled in the transaction that adds the later job, and where a worker was quicker the later job is not
added. So a picture that may be paid for in one night is not bought in the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestrator.core.nights import Fate, NightRule
from orchestrator.core.url_inputs import Seen, recorded
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import jobs
from orchestrator.store.runs.earlier import NONE_SEEN, Decided, look_back

This = tuple[int, str, str]
"""A run: its id, its campaign, its name."""


def decide(
    tx: Tx,
    this: This,
    keys: Sequence[str],
    *,
    rule: NightRule | None,
    seen: Mapping[str, Seen] = NONE_SEEN,
) -> dict[str, Decided]:
    """What becomes of jobs that the run does not have, by key; those of earlier runs that wait for the same
    are cancelled. Inserts are locked, so that no other run adds the same at this moment. `seen` is what the
    https inputs serve of those that have any.
    """
    run_id, campaign, name = this
    earlier = look_back(tx, rule, campaign=campaign, name=name, mine=run_id) if rule else None
    if earlier is None:
        return {key: Decided(Fate.BUY, seen=recorded(seen.get(key, {}))) for key in keys}
    return carry_out(tx, earlier.decide(tx, keys, seen))


def carry_out(tx: Tx, decided: dict[str, Decided]) -> dict[str, Decided]:
    """Cancel what is superseded; where a worker was quicker the later job is not added."""
    waiting = [job_id for item in decided.values() for job_id in item.superseded]
    gone = set(jobs.cancel_waiting(tx, waiting, jobs.SUPERSEDED))
    for key, item in decided.items():
        if not gone.issuperset(item.superseded):
            decided[key] = replace(item, fate=Fate.UNDER_WAY)
    return decided
