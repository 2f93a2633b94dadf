"""Which runs and caps are worth a line each: those of work that goes on. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.store.db.schema import Scope
from orchestrator.store.money.caps import Cap
from orchestrator.store.views.runs.overview import RunRow

CAPS_MAX = 5
"""So many caps of finished runs are shown all the same: a person with a few runs sees them all."""


@dataclass(frozen=True, slots=True)
class FoldedCaps:
    """The caps to show, and how many more there are."""

    shown: Sequence[Cap]
    folded: int


def is_live(run: RunRow) -> bool:
    """Whether something of a run waits, is under way or in doubt."""
    return bool(run.jobs["pending"] or run.jobs["running"] or run.in_doubt)


def runs_to_show(runs: Sequence[RunRow], most: int) -> Sequence[RunRow]:
    """Every live run, and the newest others up to `most`, oldest first."""
    live = {run.id for run in runs if is_live(run)}
    room = max(0, most - len(live))
    over = [run.id for run in runs if run.id not in live]
    wanted = live | set(over[len(over) - room :] if room else ())
    return [run for run in runs if run.id in wanted]


def fold_caps(caps: Sequence[Cap], runs: Iterable[RunRow]) -> FoldedCaps:
    """Fold the caps of runs that are finished, where there are many: a night a run makes hundreds of them.
    One that was passed is always shown.
    """
    live = {run.id for run in runs if is_live(run)}
    over = [
        cap for cap in caps if cap.scope is Scope.RUN and cap.scope_id not in live and not cap.over_micros
    ]
    if len(over) <= CAPS_MAX:
        return FoldedCaps(caps, 0)
    folded = {cap.key for cap in over}
    return FoldedCaps([cap for cap in caps if cap.key not in folded], len(over))


def binding_cap(caps: Iterable[Cap], runs: Sequence[RunRow]) -> Cap | None:
    """The cap that has the least left of those over the runs that go on, or over all of them once none does:
    what a finished run left under its cap stops nobody.
    """
    going_on = [run for run in runs if is_live(run)] or runs
    campaigns, ids = {run.campaign for run in going_on}, {run.id for run in going_on}
    mine = [
        cap
        for cap in caps
        if cap.scope is Scope.ACCOUNT
        or (cap.scope is Scope.CAMPAIGN and cap.name in campaigns)
        or (cap.scope is Scope.RUN and cap.scope_id in ids)
    ]
    return min(mine, key=lambda cap: cap.remaining_micros - cap.over_micros, default=None)
