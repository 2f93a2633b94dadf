"""How long a number of jobs will take, and what holds them up."""

from collections.abc import Container
from dataclasses import dataclass

from orchestrator.actions.operator.fleet_words import FileWords
from orchestrator.settings import Settings
from orchestrator.store.account import configured_limits
from orchestrator.store.account.configured_limits import LimitName
from orchestrator.store.db.database import Tx


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits that the jobs will run under, and whose they are: `level silver`."""

    concurrency: int
    submits_per_minute: int
    words: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A guess at a duration; `bottleneck` names the limit that decides it."""

    seconds: float
    bottleneck: str


def estimate(
    jobs: int, pace: Pace, latency_seconds: float, latency_source: str, *, hops: int = 1
) -> Estimate:
    """The time for `jobs` tasks of `latency_seconds` each, with nothing else running in the account.

    Tasks start no faster than the submit limit, and no more run at once than the concurrency limit; the
    slower of the two decides, and the last task still has to finish, after one of each stage before: there
    are so many `hops`.
    """
    by_rate = max(0, jobs - 1) * 60 / pace.submits_per_minute
    by_concurrency = max(0, jobs - pace.concurrency) * latency_seconds / pace.concurrency
    if jobs <= 1 or max(by_rate, by_concurrency) < latency_seconds:
        name = f"one task takes about {latency_seconds:.0f} s ({latency_source})"
        name += f", {hops} one after another" if hops > 1 else ""
    elif by_rate >= by_concurrency:
        name = f"{pace.submits_per_minute:,} submits a minute ({pace.words})"
    else:
        name = (
            f"{pace.concurrency:,} tasks at once ({pace.words}), "
            f"about {latency_seconds:.0f} s each ({latency_source})"
        )
    return (
        Estimate(max(by_rate, by_concurrency) + hops * latency_seconds, name) if jobs else Estimate(0.0, "")
    )


def pace_in_force(tx: Tx | None, settings: Settings, words: FileWords, *, raised: Container[object]) -> Pace:
    """The limits in force, as they will be once the configuration's words are taken."""
    asked, level = settings.limits, f"level {settings.limits.level}"
    in_force = configured_limits.limits_in_force(tx) if tx else {}
    numbers = {name: limit.value for name, limit in in_force.items()}
    for item in configured_limits.compare(in_force, words.limits):
        if item.counts(raised):
            numbers[item.name] = item.wanted
    mine = (asked.concurrency, asked.submits_per_minute)
    found = (
        numbers.get(LimitName.CONCURRENCY, asked.concurrency),
        numbers.get(LimitName.SUBMITS, asked.submits_per_minute),
    )
    return Pace(*found, words=level if found == mine else "in force for all workers")
