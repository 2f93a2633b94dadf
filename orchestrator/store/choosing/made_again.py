"""Jobs of later stages whose picture was chosen anew after they were made: one further try of each.

It is asked for by applying the run again, by whoever and however often: its key says for which picture it was
asked, and after how many tries. Such a try waits like any other, and takes what is the choice when it is
claimed.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from orchestrator.core.states import JobState
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import new_tries, redo_sources
from orchestrator.store.choosing.new_tries import WantedTry, add_tries
from orchestrator.store.choosing.redo_sources import RedoSource
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import stale_pictures
from orchestrator.store.runs.adding import LIST_PRICES
from orchestrator.store.runs.runs import run_by_id

AGAIN_MAX: Final = 200
"""Tries that one transaction adds."""


def any_stale(tx: Tx, run_id: int) -> bool:
    """Whether something of the run would be made again. Writes nothing."""
    return next(stale_pictures.stale_jobs(tx, run_id), None) is not None


def make_again(tx: Tx, run_id: int, signed: Signature, *, revisions: Mapping[str, int]) -> int:
    """Add a try of each of the first such jobs; returns how many. When that is AGAIN_MAX, there may be more.
    `revisions` are those of the models that are in use, by id.
    """
    new_tries.lock(tx)
    stale = {each.job_id: each for each in islice(stale_pictures.stale_jobs(tx, run_id), AGAIN_MAX)}
    if not stale:
        return 0
    sources = redo_sources.sources(tx, list(stale), locked=True)
    wanted = [
        WantedTry(named, named.same_again(revisions), request=stale[named.job_id].request)
        for named in _named(tx, list(sources.values()))
    ]
    made = add_tries(tx, run_by_id(tx, run_id), wanted, agreed=LIST_PRICES, signed=signed)
    return sum(each.created for each in made)


def _named(tx: Tx, sources: list[RedoSource]) -> list[RedoSource]:
    """A job that has the pictures of an earlier run has no names of its own: a try lies beside those."""
    pointing = {
        each.job_id: each.reused_from
        for each in sources
        if each.state is JobState.REUSED and each.reused_from
    }
    originals = redo_sources.sources(tx, sorted(set(pointing.values()))) if pointing else {}
    return [
        replace(each, clean_paths=originals[pointing[each.job_id]].clean_paths)
        if each.job_id in pointing
        else each
        for each in sources
    ]
