"""Runs by what people call them."""

from collections.abc import Sequence

from orchestrator.core.errors import UsageError
from orchestrator.core.suggest import did_you_mean
from orchestrator.store.db.database import Tx
from orchestrator.store.views.runs.overview import RunRow, runs

LISTED_MAX = 8


def path_of(run: RunRow) -> str:
    """campaign/name/run."""
    return f"{run.campaign}/{run.name}/{run.run}"


def named_runs(tx: Tx, *, campaign: str | None = None, run: str | None = None) -> list[RunRow]:
    """The runs of a campaign, and those of them that have this key, name or path; raises UsageError where
    there is none, with those that there are.
    """
    everything = runs(tx)
    found = [
        each
        for each in everything
        if campaign in {None, each.campaign}
        and run in {None, each.run, each.name, path_of(each), f"{each.campaign}/{each.name}"}
    ]
    if found or not (campaign or run):
        return found
    asked = " ".join(word for word in (campaign and f"campaign {campaign}", run and f"run {run}") if word)
    raise UsageError(
        f"There is no {asked}. {_there_are(everything, run or campaign or '')} Nothing was written."
    )


def one_run(tx: Tx, run: str, *, campaign: str | None = None) -> RunRow:
    """The only run of that name; raises UsageError where there is none, or where there are several."""
    found = named_runs(tx, campaign=campaign, run=run)
    if len(found) > 1:
        listed = ", ".join(path_of(each) for each in found[-LISTED_MAX:])
        raise UsageError(
            f"{run} names {len(found)} runs: {listed}. Name one of them whole. Nothing was written."
        )
    return found[0]


def _there_are(everything: Sequence[RunRow], asked: str) -> str:
    if not everything:
        return "There are no runs yet."
    near = did_you_mean(asked, [word for each in everything for word in (each.campaign, each.name, each.run)])
    listed = ", ".join(path_of(each) for each in everything[-LISTED_MAX:])
    return f"{near.capitalize()} There are: {listed}.".strip()
